"""The clean readings of a block of 256 addresses as bytes: for each, its last octet and the instant, five bytes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from struct import Struct

_ENTRY = Struct(">BI")


def block_of(address: str) -> tuple[str, int]:
    """The block of an address and its place in it."""
    ip = ip_address(address)
    block = ip_network((int(ip) & ~0xFF, ip.max_prefixlen - 8))
    return str(block), int(ip) & 0xFF


def unpack(data: bytes) -> dict[int, datetime]:
    """The instants by place. Raises ValueError for bytes that were cut."""
    if len(data) % _ENTRY.size:
        raise ValueError(f"{len(data)} bytes are no whole number of readings")
    return {place: datetime.fromtimestamp(at, UTC) for place, at in _ENTRY.iter_unpack(data)}


def pack(clean: Mapping[int, datetime]) -> bytes:
    """The bytes of instants by place, which are kept to the second before."""
    return b"".join(_ENTRY.pack(place, int(at.timestamp())) for place, at in sorted(clean.items()))
