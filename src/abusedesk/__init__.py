"""A self-hosted abuse desk for companies that rent out servers and IP addresses."""

__version__ = "0.1.0"
