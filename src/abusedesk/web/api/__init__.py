"""The HTTP API: reports by machines, what became of them, the provider's own sensors, and upstreams.

Every call carries a key (`records.keys`); there is no session and no cookie. What cannot be taken is answered by a
problem document (RFC 9457).
"""
