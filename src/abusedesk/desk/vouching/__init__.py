"""Vouching: who stands for a message. Signatures, a forwarder's word and SPF, each in its own module; facts, no grades.

Only messages of known reporters come here. Each check is bounded in number and time, and no message makes the desk ask
anything but the DNS, and that only where the installation may.
"""
