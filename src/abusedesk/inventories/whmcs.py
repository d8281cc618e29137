"""WHMCS: clients are customers, their products services, and a product's addresses what it holds.

Asked through its API (POST to `includes/api.php` with an API credential's identifier and secret). Only `GetClients` and
`GetClientsProducts` are called. WHMCS answers a failure with `"result": "error"`, and an empty list as an empty text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

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
from abusedesk.inventories.calls import TRIES, bearer, in_words, session, signed, verified
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import (
    CustomerClaim,
    Fact,
    HoldingClaim,
    ServiceClaim,
    UnreadClaim,
    network_of,
    prefix_of,
)

EXTRA = "whmcs"
PAGE = 250
RUNNING = frozenset({"Active", "Suspended"})
"""A product in another state is not rented: pending ones not yet, terminated, cancelled and fraudulent ones no more."""

NOT_YET = "Pending"

Row = Mapping[str, Any]
Call = Callable[..., Row]


def read(options: Options) -> Iterator[Fact]:
    """Every client and every product of the chosen kinds."""
    with _api(options) as call:
        yield from (_customer(one) for one in _all(call, "GetClients", "clients", "client"))
        for product in _all(call, "GetClientsProducts", "products", "product"):
            if _chosen(product, options) and product["status"] != NOT_YET:
                yield from _service(product, options)


def probe(options: Options) -> str:
    """Asks for one client and one product, which tells how many there are."""
    with _api(options) as call:
        clients = int(call("GetClients", limitnum=1)["totalresults"])
        products = int(call("GetClientsProducts", limitnum=1)["totalresults"])
    return f"WHMCS: {clients:,} clients, {products:,} products"


def vouches(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """`X-Abusedesk-Signature`, an HMAC-SHA-256 that a hook can make, or the secret as a bearer token."""
    return signed("sha256", body, secret, headers.get("x-abusedesk-signature", "")) or bearer(headers, secret)


@contextmanager
def _api(options: Options) -> Iterator[Call]:
    """A function that calls one action; what goes wrong inside is said in a line."""
    with in_words(
        "WHMCS",
        (ValueError, lambda error: f"it says something that cannot be read: {error}"),
        (TypeError, lambda _: "it answered something else than its API does, such as an error page"),
        (KeyError, lambda error: f"an object of it has no {error}"),
        extra=EXTRA,
    ):
        calls = session(verified(options), EXTRA)
        access = {"identifier": options["identifier"], "secret": secret_of(options, "secret_file")}
        address = f"{options['url'].rstrip('/')}/includes/api.php"

        def call(action: str, **arguments: object) -> Row:
            answer = calls.post(address, data={**access, "action": action, "responsetype": "json", **arguments})
            return _checked(answer.status_code, answer, action)

        yield call


def _checked(status: int, answer: Any, action: str) -> Row:
    """The answer, if it is a success. Raises Problem with WHMCS's own words else."""
    if status in {200, 403} and "json" in answer.headers.get("Content-Type", "json"):
        said: Row = answer.json()
        if said.get("result") == "success":
            return said
        raise Problem(f"WHMCS refuses {action}: {said.get('message') or 'it does not say why'}")
    raise Problem(f"WHMCS answered {action} with the status {status}; see that the address is right")


def _all(call: Call, action: str, many: str, one: str) -> list[Row]:
    """Every object of an action, as many as it says that there are."""
    for _ in range(TRIES):
        found, total = _pages(call, action, many, one)
        if len(found) == total == int(call(action, limitnum=1)["totalresults"]):
            return list(found.values())
    raise Problem(f"WHMCS: its {many} change faster than they can be read; try again later")


def _pages(call: Call, action: str, many: str, one: str) -> tuple[dict[int, Row], int]:
    found: dict[int, Row] = {}
    start, total = 0, 1
    while start < total:
        answer = call(action, limitstart=start, limitnum=PAGE)
        rows = (answer[many] or {}).get(one, [])
        found |= {int(row["id"]): row for row in rows}
        total = int(answer["totalresults"])
        if not rows:
            break
        start += len(rows)
    return found, total


def _customer(row: Row) -> CustomerClaim:
    person = f"{row.get('firstname') or ''} {row.get('lastname') or ''}".strip()
    name = str(row.get("companyname") or "") or person
    return CustomerClaim(str(row["id"]), name, str(row.get("email") or ""), since=_day(row.get("datecreated")))


def _chosen(row: Row, options: Options) -> bool:
    groups = [one.strip().lower() for one in options.get("groups", "").split(",") if one.strip()]
    return not groups or str(row.get("groupname") or "").lower() in groups


def _service(row: Row, options: Options) -> Iterator[Fact]:
    ref = str(row["id"])
    since = _day(row.get("regdate"))
    ended = row["status"] not in RUNNING
    label = str(row.get("domain") or "") or str(row.get("name") or "")
    yield ServiceClaim(ref, str(row["clientid"]), label=label, since=since, ended=ended)
    if not ended and options.get("addresses") != "no":
        yield from _holdings(ref, row, since if options.get("since_ordered") == "yes" else None)


def _holdings(ref: str, row: Row, since: datetime | None) -> Iterator[Fact]:
    """What the product holds. Staff write the addresses by hand; where one is mistyped, what it held stays."""
    try:
        prefixes = list(dict.fromkeys(_prefixes(row)))
    except ValueError:
        yield UnreadClaim(ref)
        return
    for prefix in prefixes:
        yield HoldingClaim(prefix, ref, since)


def _prefixes(row: Row) -> Iterator[str]:
    """The dedicated address and the assigned ones, one a line; words without a digit are notes."""
    for text in re.split(r"[\s,;]+", f"{row.get('dedicatedip') or ''}\n{row.get('assignedips') or ''}"):
        if any(one.isdigit() for one in text):
            yield _prefix(text)


def _prefix(text: str) -> str:
    """An address, or a prefix; `192.0.2.10/24` with an address in it is that address."""
    try:
        return network_of(text)
    except ValueError:
        return prefix_of(text)


def _day(text: object) -> datetime | None:
    """A date of WHMCS; `0000-00-00` is none."""
    try:
        return datetime.fromisoformat(str(text)[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None


DRIVER = Driver(
    "whmcs",
    "WHMCS",
    (
        Option("url", "Address", "Where WHMCS itself is, such as https://billing.example.net.", check=wrong_with_url),
        Option("identifier", "Identifier of the API credential"),
        Option(
            "secret_file", "File of the credential's secret", "The whole path; readable by the desk's user alone.",
            check=wrong_with_file,
        ),
        Option(
            "ca_file", "File of its certificate authority", "Empty: the system's.", required=False,
            check=wrong_with_bundle,
        ),
        Option(
            "groups", "Product groups", "Names with commas between them, such as VPS, Dedicated; empty: all.",
            required=False,
        ),
        Option(
            "addresses", "Read addresses too", "The dedicated and the assigned addresses of a product.",
            default="yes", choices=YES_OR_NO,
        ),
        Option(
            "since_ordered", "Held since it was ordered",
            "Whether addresses are given with the product and never changed.", default="no",
            choices=YES_OR_NO,
        ),
    ),
    read,
    probe,
    vouches,
    (1, 1, 3),
    "Clients, their products, and the addresses of these.",
)  # fmt: skip
