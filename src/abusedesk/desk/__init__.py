"""One report's way through the house, a file per stage; `intake` chains the first seven, `work` calls it.

receive → parse → attribute → verify → correlate → decide → enact → perform, and watch back to decide.
"""
