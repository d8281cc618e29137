"""What a provider can do to a service or an address, and how it came about."""

from typing import Literal, get_args

MeasureKind = Literal["suspend", "shutdown", "terminate", "block_port", "rate_limit", "null_route"]
MEASURES: tuple[MeasureKind, ...] = get_args(MeasureKind)

MEASURE_NOUN: dict[str, str] = {
    "suspend": "suspension",
    "shutdown": "shutdown",
    "terminate": "termination",
    "block_port": "port block",
    "rate_limit": "rate limit",
    "null_route": "null-route",
}
"""What staff call a measure."""

ON_ADDRESS: frozenset[str] = frozenset({"rate_limit", "null_route"})
"""The measures that act on an IP; the others act on a service."""

NETWORK: frozenset[str] = frozenset({"block_port", "rate_limit", "null_route"})
"""The measures of the network, of which an upstream hears."""

Mode = Literal["automatic", "proposed", "approved"]
"""In force at once; waits for a person; a person said yes to a proposal."""
