"""NetBox: tenants are customers, virtual machines and devices are services, their addresses are what they hold.

Read through its REST API with `pynetbox`, by a token that may only read. NetBox keeps no interval for an address; its
`last_updated` is an instant at which the assignment certainly stood, and is taken as such. Aggregates are the
provider's own space. Deletions and changes during a reading shift NetBox's pages, so what was read is counted against
what it says there is, and read again where they differ.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from abusedesk.actuators.calls import library
from abusedesk.desk.channel import Option
from abusedesk.desk.inventory.driver import (
    YES_OR_NO,
    Driver,
    Options,
    secret_of,
    wrong_with_bundle,
    wrong_with_file,
    wrong_with_url,
)
from abusedesk.inventories.calls import TRIES, in_words, refused, session, signed, verified
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import (
    CustomerClaim,
    Fact,
    HoldingClaim,
    OwnClaim,
    ServiceClaim,
    network_of,
    prefix_of,
)
from abusedesk.vocabulary.instant import parse_instant

EXTRA = "netbox"
ENDED = frozenset({"decommissioned", "decommissioning"})
"""States of a machine that nobody rents any more."""

Row = Mapping[str, Any]


def read(options: Options) -> Iterator[Fact]:
    """Everything that NetBox says of tenants, machines, addresses, prefixes and aggregates."""
    with _api(options) as api:
        yield from (_customer(one, options) for one in _all(api.tenancy.tenants))
        refs: dict[tuple[str, int], str] = {}
        yield from _services(_all(api.virtualization.virtual_machines), "virtual_machine", options, refs)
        if options.get("devices") == "yes":
            yield from _services(_all(api.dcim.devices), "device", options, refs)
        yield from _addresses(_all(api.ipam.ip_addresses, vrf_id="null"), options, refs)
        if options.get("prefix_field"):
            yield from _prefixes(_all(api.ipam.prefixes, vrf_id="null"), options, refs)
        yield from (OwnClaim(network_of(str(one["prefix"]))) for one in _all(api.ipam.aggregates))


def probe(options: Options) -> str:
    """Asks for the counts, which needs every permission that a reading needs."""
    with _api(options) as api:
        version = api.version
        machines = api.virtualization.virtual_machines.count()
        addresses = api.ipam.ip_addresses.count(vrf_id="null")
        tenants, aggregates = api.tenancy.tenants.count(), api.ipam.aggregates.count()
    return (
        f"NetBox {version}: {tenants:,} tenants, {machines:,} virtual machines, {addresses:,} addresses, "
        f"{aggregates:,} aggregates"
    )


def vouches(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """`X-Hook-Signature`: an HMAC of the body with SHA-512, in hexadecimal."""
    return signed("sha512", body, secret, headers.get("x-hook-signature", ""))


@contextmanager
def _api(options: Options) -> Iterator[Any]:
    """The API of one NetBox; what goes wrong inside is said in a line."""
    pynetbox = library("pynetbox", EXTRA)
    with in_words(
        "NetBox",
        (pynetbox.RequestError, _refusal),
        (pynetbox.ContentError, lambda _: "it answered something that is no JSON, such as an error page"),
        (ValueError, lambda error: f"it says something that cannot be read: {error}"),
        (KeyError, lambda error: f"an object of it has no {error}"),
        extra=EXTRA,
    ):
        api = pynetbox.api(options["url"], token=secret_of(options, "token_file"))
        api.http_session = session(verified(options), EXTRA)
        yield api


def _refusal(error: Any) -> str:
    return refused(
        error.req.status_code, "view on tenants, virtual machines, devices, addresses, prefixes and aggregates"
    )


def _all(endpoint: Any, **filters: str) -> list[Row]:
    """Every object of an endpoint, whole: as many as NetBox says that there are, before and after."""
    for _ in range(TRIES):
        found = {int(row["id"]): row for row in map(dict, endpoint.filter(**filters) if filters else endpoint.all())}
        if len(found) == endpoint.count(**filters):
            return list(found.values())
    raise Problem(f"NetBox: its {endpoint.name.replace('-', ' ')} change faster than they can be read; try again later")


def _customer(row: Row, options: Options) -> CustomerClaim:
    return CustomerClaim(
        _tenant_ref(row, options), str(row["name"]), email=_custom(row, options.get("email_field", ""))
    )


def _tenant_ref(row: Row | None, options: Options) -> str:
    field = options.get("customer_field") or "slug"
    if row is None:
        return ""
    return str(row.get(field) or "") if field in {"slug", "name", "id"} else _custom(row, field)


def _services(rows: list[Row], kind: str, options: Options, refs: dict[tuple[str, int], str]) -> Iterator[Fact]:
    """The machines as services; `refs` learns the ref of each, for the addresses that follow."""
    for row in rows:
        ref = _service_ref(row, options)
        if ref:
            refs[kind, int(row["id"])] = ref
            customer = _tenant_ref(row.get("tenant"), options)
            ended = _status(row) in ENDED
            yield ServiceClaim(ref, customer, label=str(row.get("name") or ""), since=_day(row), ended=ended)


def _service_ref(row: Row, options: Options) -> str:
    field = options.get("service_field", "")
    return _custom(row, field) if field else str(row.get("name") or "")


def _addresses(rows: list[Row], options: Options, refs: Mapping[tuple[str, int], str]) -> Iterator[Fact]:
    for row in rows:
        ref = _assigned_to(row, refs)
        if ref and _status(row) not in {"reserved", "deprecated"}:
            yield HoldingClaim(prefix_of(str(row["address"])), ref, _since(row, options))


def _assigned_to(row: Row, refs: Mapping[tuple[str, int], str]) -> str:
    """The ref of the machine on whose interface an address lies."""
    assigned = row.get("assigned_object") or {}
    for kind in ("virtual_machine", "device"):
        machine = assigned.get(kind) if isinstance(assigned, Mapping) else None
        if machine:
            return refs.get((kind, int(machine["id"])), "")
    return ""


def _prefixes(rows: list[Row], options: Options, refs: Mapping[tuple[str, int], str]) -> Iterator[Fact]:
    """Prefixes whose custom field names a machine, as an object or by the service's own id."""
    for row in rows:
        named = (row.get("custom_fields") or {}).get(options["prefix_field"])
        if isinstance(named, Mapping):
            named = refs.get(("virtual_machine", int(named["id"]))) or refs.get(("device", int(named["id"])))
        if named:
            yield HoldingClaim(network_of(str(row["prefix"])), str(named), _since(row, options))


def _since(row: Row, options: Options) -> datetime | None:
    given = _custom(row, options.get("since_field", "")) or str(row.get("last_updated") or "")
    return _instant(given)


def _day(row: Row) -> datetime | None:
    return _instant(str(row.get("created") or ""))


def _instant(text: str) -> datetime | None:
    """A time, or a date, which is midnight UTC; None for neither."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if len(text) == 10 else parse_instant(text)
    except ValueError:
        return None


def _status(row: Row) -> str:
    status = row.get("status")
    return str(status.get("value") if isinstance(status, Mapping) else status or "")


def _custom(row: Row, field: str) -> str:
    value = (row.get("custom_fields") or {}).get(field) if field else None
    return "" if value is None else str(value)


DRIVER = Driver(
    "netbox",
    "NetBox",
    (
        Option("url", "Address", "Such as https://netbox.example.net.", check=wrong_with_url),
        Option(
            "token_file", "File of the API token", "The whole path; readable by the desk's user alone.",
            check=wrong_with_file,
        ),
        Option(
            "ca_file", "File of its certificate authority", "Empty: the system's.", required=False,
            check=wrong_with_bundle,
        ),
        Option(
            "customer_field", "Your own id of a customer", "slug, name or id of the tenant, or a custom field of it.",
            default="slug",
        ),
        Option(
            "email_field", "Mail address of a customer", "A custom field of the tenant; may be empty.", required=False
        ),
        Option(
            "service_field", "Your own id of a service", "A custom field of the machine; empty: its name.",
            required=False,
        ),
        Option(
            "devices", "Read devices too", "Else virtual machines alone.", default="no",
            choices=YES_OR_NO,
        ),
        Option(
            "prefix_field", "Who holds a prefix",
            "A custom field of the prefix that names the machine; empty: prefixes are not read.", required=False,
        ),
        Option(
            "since_field", "Held since", "A custom field of address and prefix; empty: when NetBox last changed it.",
            required=False,
        ),
    ),
    read,
    probe,
    vouches,
    (2, 2, 1),
    "Tenants, virtual machines, devices, addresses, prefixes and aggregates.",
)  # fmt: skip
