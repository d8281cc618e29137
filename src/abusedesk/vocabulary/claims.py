"""What an inventory says of customers, services and prefixes at one reading.

A claim is one system's word, not yet the desk's. Refs are the provider's own ids. What a system does not say is None
or empty, which never takes anything away from what another says.
"""

import zlib
from datetime import datetime
from ipaddress import ip_network

import msgspec


class CustomerClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer that an inventory knows."""

    ref: str
    name: str = ""
    email: str = ""
    language: str = ""
    reseller: str = ""
    since: datetime | None = None


class ServiceClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service. `ended` says that it runs no more, `until` since when, where the inventory knows."""

    ref: str
    customer: str = ""
    label: str = ""
    type: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ended: bool = False


class HoldingClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A prefix that a service holds now; `since` is an instant at which it certainly held it already."""

    prefix: str
    service: str
    since: datetime | None = None


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything one reading brought.

    `own` are the provider's own prefixes, held or not. `unread` are services about whose prefixes the inventory could
    not be asked this time: nothing is concluded from their absence.
    """

    customers: tuple[CustomerClaim, ...] = ()
    services: tuple[ServiceClaim, ...] = ()
    holdings: tuple[HoldingClaim, ...] = ()
    own: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many services and prefixes it names: the measure of whether a reading shrank."""
        return len(self.services) + len(self.holdings)


Claim = CustomerClaim | ServiceClaim | HoldingClaim


class OwnClaim(msgspec.Struct, frozen=True):
    """A prefix of the provider's own, whoever holds it."""

    prefix: str


class UnreadClaim(msgspec.Struct, frozen=True):
    """A service whose prefixes could not be asked for this time."""

    service: str


Fact = CustomerClaim | ServiceClaim | HoldingClaim | OwnClaim | UnreadClaim
"""What an inventory's driver yields, in any order."""


def gather(facts: "list[Fact]") -> Claims:
    """Facts sorted into claims, each kind in one order, so that the same reading is the same bytes."""
    return Claims(
        tuple(sorted({one.ref: one for one in facts if isinstance(one, CustomerClaim)}.values(), key=lambda c: c.ref)),
        tuple(sorted({one.ref: one for one in facts if isinstance(one, ServiceClaim)}.values(), key=lambda s: s.ref)),
        tuple(sorted(_holdings(facts), key=lambda one: (one.prefix, one.service))),
        tuple(sorted({one.prefix for one in facts if isinstance(one, OwnClaim)})),
        tuple(sorted({one.service for one in facts if isinstance(one, UnreadClaim)})),
    )


def _holdings(facts: "list[Fact]") -> list[HoldingClaim]:
    """One claim for each prefix and service; of several the one that has stood longest."""
    found: dict[tuple[str, str], HoldingClaim] = {}
    for one in facts:
        if isinstance(one, HoldingClaim):
            before = found.get((one.prefix, one.service))
            earlier = before is None or (one.since is not None and (before.since is None or one.since < before.since))
            if earlier:
                found[one.prefix, one.service] = one
    return list(found.values())


def pack(claims: Claims) -> bytes:
    """Claims as they are stored."""
    return zlib.compress(msgspec.json.encode(claims), 6)


def unpack(stored: bytes | memoryview | None) -> Claims:
    """Stored claims; nothing stored is nothing said."""
    return msgspec.json.decode(zlib.decompress(bytes(stored)), type=Claims) if stored else Claims()


def prefix_of(address: str) -> str:
    """The prefix that an address is, without the length of the net that it lies in: `192.0.2.10/24` is 192.0.2.10/32.

    Raises ValueError for what is no address.
    """
    return str(ip_network(address.strip().partition("/")[0].strip("[]")))


def network_of(prefix: str) -> str:
    """A prefix in its canonical form. Raises ValueError for what is none, or has bits set beyond its length."""
    return str(ip_network(prefix.strip()))
