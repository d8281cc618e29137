"""One report's way through the house, a file per stage; `intake` chains the first seven, `work` calls it.

receive → parse → attribute → verify → correlate → decide → enact → perform, and watch back to decide.

Beside the way lie three rooms: `hearing` (customers' answers), `reading` (how well messages are read) and `policies`
(publishing, the past replayed, decisions made again).
"""
