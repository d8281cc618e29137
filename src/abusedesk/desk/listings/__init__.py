"""Listings: the provider's own addresses asked of blocklists, and what becomes of an entry.

`known` are the lists that we ship, `places` where a channel asks which, `addresses` what is asked, `asking` the
questions to the DNS, `book` what is kept of the answers. `channels/blocklists.py` runs the rounds.
"""
