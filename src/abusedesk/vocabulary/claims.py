"""What an inventory says of customers, services and prefixes at one reading.

A claim is one system's word, not yet the desk's. Refs are the provider's own ids. What a system does not say is None
or empty, which never takes anything away from what another says.
"""

import re
import zlib
from datetime import datetime
from ipaddress import IPv6Network, ip_network

import msgspec

_EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>()]+")


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
    """Facts sorted into claims, each kind in one order, so that the same reading is the same bytes.

    What is longer than the records can hold is cut, and what is no mail address is left out, before anything is
    compared: otherwise the same difference would be found for ever.
    """
    customers = {one.ref: one for one in map(_customer, (f for f in facts if isinstance(f, CustomerClaim))) if one.ref}
    services = {one.ref: one for one in map(_service, (f for f in facts if isinstance(f, ServiceClaim))) if one.ref}
    return Claims(
        tuple(customers[ref] for ref in sorted(customers)),
        tuple(services[ref] for ref in sorted(services)),
        tuple(sorted(_holdings(facts), key=lambda one: (one.prefix, one.service))),
        tuple(sorted({one.prefix for one in facts if isinstance(one, OwnClaim)})),
        tuple(sorted({one.service for one in facts if isinstance(one, UnreadClaim)})),
    )


def _customer(one: CustomerClaim) -> CustomerClaim:
    email = one.email.strip()
    return CustomerClaim(
        _text(one.ref, 100),
        _text(one.name, 200),
        email if _EMAIL.fullmatch(email) and len(email) <= 254 else "",
        _text(one.language, 12),
        _text(one.reseller, 100),
        one.since,
    )


def _service(one: ServiceClaim) -> ServiceClaim:
    return msgspec.structs.replace(
        one,
        ref=_text(one.ref, 100),
        customer=_text(one.customer, 100),
        label=_text(one.label, 200),
        type=_text(one.type, 40),
    )


def _text(text: str, longest: int) -> str:
    return text.replace("\0", "").strip()[:longest]


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
    return network_of(address.strip().partition("/")[0].strip("[]"))


def network_of(prefix: str) -> str:
    """A prefix in its canonical form. Raises ValueError for what is none, or has bits set beyond its length.

    Nor is every address there is a prefix that anybody holds, nor an IPv4 address in IPv6 dress.
    """
    network = ip_network(prefix.strip())
    if network.prefixlen == 0 or (isinstance(network, IPv6Network) and network.network_address.ipv4_mapped):
        raise ValueError(f"{prefix.strip()!r} is nothing that a service holds")
    return str(network)
