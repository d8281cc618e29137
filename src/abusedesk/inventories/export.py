"""An export of the provider's own: a JSON file that its own system writes, anew and whole, for want of a connector.

Customers, services, who holds which prefix, and the provider's own prefixes; docs/how-to/read-an-export.md has the
members. A file with an unknown or missing member is not read at all, and one that nobody has written for long is no
word about today.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import msgspec

from abusedesk.desk.channel import Option
from abusedesk.desk.inventory.driver import Driver, Options
from abusedesk.inventories.calls import bearer, signed
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import CustomerClaim, Fact, HoldingClaim, OwnClaim, ServiceClaim, network_of

DEFAULT_HOURS = "2"
"""A file of every hour may be an hour late."""

_LONGEST_HOURS = 24 * 366

Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ref: Ref
    name: str = ""
    email: str = ""
    language: str = ""
    reseller: str = ""
    since: Instant | None = None


class _Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ref: Ref
    customer: str = ""
    label: str = ""
    type: str = ""
    since: Instant | None = None
    until: Instant | None = None
    ended: bool = False


class _Holding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prefix: str
    service: Ref
    since: Instant | None = None


class _Export(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customers: list[_Customer] = []
    services: list[_Service] = []
    holdings: list[_Holding] = []
    own: list[str] = []


def read(options: Options) -> Iterator[Fact]:
    """Everything that the file says. Raises Problem where it is no whole, recent export."""
    found = _whole(options)
    yield from (CustomerClaim(**msgspec.structs.asdict(one)) for one in found.customers)
    yield from (ServiceClaim(**msgspec.structs.asdict(one)) for one in found.services)
    for number, one in enumerate(found.holdings):
        yield HoldingClaim(_prefix(one.prefix, f"holdings[{number}]"), one.service, one.since)
    for number, text in enumerate(found.own):
        yield OwnClaim(_prefix(text, f"own[{number}]"))


def probe(options: Options) -> str:
    """Reads the file and counts."""
    found = _whole(options)
    counts = (len(found.customers), len(found.services), len(found.holdings))
    return "Export: {:,} customers, {:,} services, {:,} prefixes held".format(*counts)


def vouches(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """The secret as a bearer token, or `X-Abusedesk-Signature`, an HMAC-SHA-256 of the body."""
    return bearer(headers, secret) or signed("sha256", body, secret, headers.get("x-abusedesk-signature", ""))


def _whole(options: Options) -> _Export:
    file = Path(options.get("file", ""))
    try:
        written, data = datetime.fromtimestamp(file.stat().st_mtime, UTC), file.read_bytes()
    except OSError as error:
        raise Problem(f"{file} cannot be read ({error.strerror}); the desk's user must be allowed to") from None
    _check_age(file, written, timedelta(hours=float(options.get("hours") or DEFAULT_HOURS)))
    try:
        return msgspec.json.decode(data, type=_Export)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(f"{file} is no whole export: {error}; nothing of it was taken") from None


def _check_age(file: Path, written: datetime, longest: timedelta) -> None:
    age = datetime.now(UTC) - written
    if age > longest:
        hours = age.total_seconds() / 3600
        raise Problem(f"{file} was last written {hours:,.0f} hours ago; see why it is not written any more")


def _prefix(text: str, where: str) -> str:
    """The prefix, or of a single address its own. Raises Problem."""
    try:
        return network_of(str(ip_network(text.strip())))
    except ValueError as error:
        raise Problem(f"the export is wrong at {where}: {error}; nothing of it was taken") from None


def _wrong_file(value: str) -> str:
    file = Path(value)
    if not file.is_absolute():
        return "Name the file with its whole path."
    try:
        file.open("rb").close()
    except OSError as error:
        return f"It cannot be read by the desk's user ({error.strerror})."
    return ""


def _wrong_hours(value: str) -> str:
    good = value.isascii() and value.isdigit() and 0 < int(value) <= _LONGEST_HOURS
    return "" if good else f"A whole number of hours from 1 to {_LONGEST_HOURS:,}."


DRIVER = Driver(
    "export",
    "Export of your own",
    (
        Option("file", "File", "The whole path of a JSON file on the machine of the desk.", check=_wrong_file),
        Option(
            "hours", "Written at least every", "Hours. An older file is not believed.", default=DEFAULT_HOURS,
            check=_wrong_hours,
        ),
    ),
    read,
    probe,
    vouches,
    (2, 2, 2),
    "Customers, services and addresses from a JSON file that a system of your own writes.",
)  # fmt: skip
