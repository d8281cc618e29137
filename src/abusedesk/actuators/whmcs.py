"""The WHMCS actuator: suspends a service through WHMCS and its module, and leaves billing's own holds alone.

The reason of the suspension carries our mark: whose hold it is, which measures it is for, and what was found. When an
invoice is paid, WHMCS lifts by itself only what it suspended itself or what has no reason; any other reason stands. So
billing never lifts our hold; where somebody does it by hand, that is read back. And ours never revives a service that
another hold keeps off: what was suspended before stays so, and what fell due meanwhile is left to billing.

API: POST to `includes/api.php` with the identifier and secret of an API credential (developers.whmcs.com).
"""

import html
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.calls import Unanswered, address_of, posted, secret_in
from abusedesk.actuators.fence import in_turn
from abusedesk.actuators.program import known_only, seconds_of
from abusedesk.problem import Problem

OPTIONS = frozenset(
    {"url", "identifier", "secret_file", "ca_file", "service_by", "reason", "overdue_days", "department", "timeout"}
)
KINDS = ("suspend", "shutdown", "terminate")
"""All of them suspend: nothing is ever erased, and a terminated service is suspended until a person terminates it."""

_ENDED = frozenset({"Terminated", "Cancelled"})
LONGEST_ANSWER = 1024 * 1024
OVERDUE = "Overdue on Payment"
"""The reason that WHMCS gives to what it suspends for an unpaid invoice."""

_NEVER_DUE = frozenset({"Free Account", "One Time"})
_MARK = re.compile(
    r"\[abusedesk (?P<brand>[^\s\]]+) (?P<kinds>[a-z+]+); before (?P<before>Active|Suspended)(?:: (?P<reason>.*))?\]$",
    re.DOTALL,
)

Row = Mapping[str, Any]


class Hold(NamedTuple):
    """Our hold on a service: the measures that it is for, and what was found when the first of them was taken."""

    brand: str
    kinds: frozenset[str]
    before: Literal["Active", "Suspended"]
    reason: str = ""

    def text(self, words: str) -> str:
        """The reason as it stands in WHMCS, where the customer may read it."""
        found = f"{self.before}: {self.reason}" if self.reason else self.before
        return f"{words} [abusedesk {self.brand} {'+'.join(sorted(self.kinds))}; before {found}]"


class Service(NamedTuple):
    """A service as WHMCS tells it."""

    number: int
    client: int
    status: str
    reason: str
    row: Row

    @property
    def hold(self) -> Hold | None:
        """Our hold on it. What somebody activated again bears the mark in vain."""
        return read_hold(self.reason) if self.status == "Suspended" else None


class Whmcs:
    """Options: `url`, `identifier` and `secret_file` of an API credential; `ca_file`; `service_by`, `id` or `domain`.

    `reason`: the words that the customer reads; `overdue_days`: after how many days past due WHMCS suspends, 1;
    `department`: the number of that in which a ticket is opened about each measure; `timeout`.
    """

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "whmcs")
        place = address_of(str(options.get("url", "")), "whmcs", "https://billing.example.net")
        self._url = place._replace(path=f"{place.path.rstrip('/')}/includes/api.php", query="", fragment="")
        secret = secret_in(str(options.get("secret_file", "")), "whmcs", "secret_file")
        self._access = {"identifier": _required(options, "identifier"), "secret": secret, "responsetype": "json"}
        self._ca_file = str(options.get("ca_file", ""))
        self._by = _by(options.get("service_by", "id"))
        self._reason = _words(options.get("reason", "Abuse"))
        self._overdue_days = _number(options, "overdue_days", 1)
        self._department = _number(options, "department", 0)
        self._timeout = seconds_of(options, "whmcs")

    def apply(self, order: Order) -> Outcome:
        """Suspend the service, or put our mark on a suspension that is there already."""
        if order.kind not in KINDS:
            return Outcome("refused", error=f"whmcs takes no measure {order.kind}; it takes {', '.join(KINDS)}")
        return in_turn("whmcs", order, lambda: _answered(lambda: self._hold(order)))

    def lift(self, order: Order) -> Outcome:
        """Take our hold off. The service runs again only where nothing else keeps it off."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        return in_turn("whmcs", order, lambda: _answered(lambda: self._release(order)))

    def query(self, order: Order) -> Outcome:
        """Look at the service's status and at whose hold it is."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        told = _answered(lambda: seen(order, self.find(order.service)))
        # A refusal to tell says nothing about the measure.
        return Outcome("unreachable", told.receipt, told.error) if told.state == "refused" else told

    # --- what is changed --------------------------------------------------------------------------------------------

    def _hold(self, order: Order) -> Outcome:
        service = self.find(order.service)
        if service is None or service.status not in {"Active", "Suspended"}:
            return Outcome("refused", error=f"{_gone(order, service)}; nothing can be suspended")
        found = service.hold
        if found is not None and found.brand != order.brand:
            return Outcome("refused", error=f"service {service.number} is held already for the brand {found.brand}")
        wanted = held(order, service)
        if found != wanted:
            self._write(service, wanted.text(self._reason))
        return Outcome("in_force", {"service": service.number, "before": wanted.before} | self._ticket(order, service))

    def _write(self, service: Service, reason: str) -> None:
        if service.status == "Active":
            self.call("ModuleSuspend", serviceid=service.number, suspendreason=reason)
        elif reason:
            self.call("UpdateClientProduct", serviceid=service.number, suspendreason=reason)
        else:
            self.call("UpdateClientProduct", **{"serviceid": service.number, "unset[0]": "suspendreason"})

    def _release(self, order: Order) -> Outcome:
        service = self.find(order.service)
        hold = service.hold if service else None
        if service is None or hold is None or hold.brand != order.brand or order.kind not in hold.kinds:
            return Outcome("not_in_force", {"status": service.status if service else "gone"})
        left = remains(hold, order.kind, service.row, datetime.now(UTC).date(), self._overdue_days)
        if left is None:
            self.call("ModuleUnsuspend", serviceid=service.number)
            return Outcome("not_in_force", {"service": service.number, "status": "Active"})
        reason = left.text(self._reason) if isinstance(left, Hold) else left
        self._write(service, reason)
        return Outcome("not_in_force", {"service": service.number, "status": "Suspended", "reason": reason})

    def _ticket(self, order: Order, service: Service) -> dict[str, Any]:
        """Opens a ticket about a measure, once. One that WHMCS does not want is told, and stops no measure."""
        if not self._department:
            return {}
        mark = f"[AD-{sha256(f'{order.brand} {order.key}'.encode()).hexdigest()[:10]}]"
        about = {"clientid": service.client, "deptid": self._department}
        try:
            known = self.call("GetTickets", subject=mark, ignore_dept_assignments="true", limitnum=100, **about)
            for one in (known.get("tickets") or {}).get("ticket", ()):
                if mark in str(one.get("subject")):
                    return {"ticket": one.get("tid")}
            text = (
                f"{self._reason}: {order.kind} of service {service.number} by our abuse desk (case entry {order.key})."
            )
            subject = f"{self._reason}: {order.kind} of service {service.number} {mark}"
            opened = self.call("OpenTicket", subject=subject, message=text, serviceid=service.number, **about)
        except Refusal as no:
            return {"ticket_error": str(no)}
        return {"ticket": opened.get("tid")}

    # --- what is asked ----------------------------------------------------------------------------------------------

    def find(self, ref: str) -> Service | None:
        """The service of that id or domain; None where WHMCS knows none. Raises Refusal or Unanswered."""
        if self._by == "id" and not ref.isdecimal():
            raise Refusal(f"{ref!r} is no number of a service in WHMCS; see service_by")
        which = {"serviceid": ref} if self._by == "id" else {"domain": ref}
        rows = (self.call("GetClientsProducts", **which).get("products") or {}).get("product", ())
        found = [
            one for one in map(_read, rows) if str(one.number if self._by == "id" else one.row.get("domain")) == ref
        ]
        running = [one for one in found if one.status in {"Active", "Suspended"}] or found[-1:]
        if len(running) > 1:
            raise Refusal(f"{len(running)} services of WHMCS have the domain {ref!r}; see service_by")
        return running[0] if running else None

    def call(self, action: str, **arguments: object) -> Row:
        """The answer to one action of the API. Raises Refusal or Unanswered."""
        body = urlencode({**self._access, "action": action, **arguments}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "abusedesk"}
        status, answer = posted(
            self._url, body, headers, timeout=self._timeout, longest=LONGEST_ANSWER, ca_file=self._ca_file
        )
        return _checked(action, status, answer)


class Refusal(Exception):  # noqa: N818 - the outside's no
    """WHMCS refuses, and will again. The text says what and why."""


def read_hold(reason: str) -> Hold | None:
    """Our hold in the reason of a suspension; None where it is anybody else's."""
    found = _MARK.search(reason)
    if found is None:
        return None
    before: Literal["Active", "Suspended"] = "Active" if found["before"] == "Active" else "Suspended"
    return Hold(found["brand"], frozenset(found["kinds"].split("+")), before, found["reason"] or "")


def held(order: Order, service: Service) -> Hold:
    """The hold as it is to be with the order's measure among it."""
    if service.hold is not None:
        return service.hold._replace(kinds=service.hold.kinds | {order.kind})
    before: Literal["Active", "Suspended"] = "Active" if service.status == "Active" else "Suspended"
    return Hold(order.brand, frozenset({order.kind}), before, service.reason if before == "Suspended" else "")


def remains(hold: Hold, kind: str, row: Row, today: date, days: int) -> Hold | str | None:
    """What keeps a service off once a measure is lifted: our other measures, a reason of others, or nothing (None).

    What billing had suspended, and was paid meanwhile, billing would have lifted by itself; our mark kept it from that.
    """
    others = hold.kinds - {kind}
    if others:
        return hold._replace(kinds=others)
    overdue = is_overdue(row, today, days)
    if hold.before == "Suspended":
        return hold.reason if overdue or hold.reason != OVERDUE or _date(row.get("nextduedate")) is None else None
    return OVERDUE if overdue else None


def is_overdue(row: Row, today: date, days: int) -> bool:
    """Whether WHMCS would suspend the service for what is unpaid: its next due date stands until it is paid."""
    due = _date(row.get("nextduedate"))
    if due is None or row.get("billingcycle") in _NEVER_DUE or _is_spared(row, today):
        return False
    return due + timedelta(days=days) <= today


def seen(order: Order, service: Service | None) -> Outcome:
    """What a service's state says of the order's measure."""
    if service is None:
        return Outcome("not_in_force", {"status": "gone"}, _gone(order, service))
    receipt = {"service": service.number, "status": service.status}
    if order.kind == "terminate" and service.status in _ENDED:
        # A person has finished what the measure began.
        return Outcome("in_force", receipt)
    hold = service.hold
    if hold is not None and hold.brand == order.brand and order.kind in hold.kinds:
        return Outcome("in_force", receipt)
    if service.status == "Suspended":
        return Outcome("not_in_force", receipt, "it is suspended for another reason, and not by this measure")
    return Outcome("not_in_force", receipt, "" if service.status == "Active" else _gone(order, service))


def _answered(carry_out: Callable[[], Outcome]) -> Outcome:
    try:
        return carry_out()
    except Refusal as no:
        return Outcome("refused", error=str(no))
    except Unanswered as silence:
        return Outcome("unreachable", error=str(silence))


def _checked(action: str, status: int, answer: bytes) -> Row:
    """The answer, if it is a success."""
    try:
        said = json.loads(answer)
        result, message = said["result"], str(said.get("message") or "it does not say why")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unanswered(f"WHMCS answered {action} with the status {status} and no answer of its API") from None
    if result == "success":
        return dict(said)
    if status == 200 and action.startswith("Module") and "not found" not in message.lower():
        # These are the words of the server's module, whose panel may be away for a while.
        raise Unanswered(f"WHMCS's module did not carry out {action}: {message}")
    if status >= 500:
        raise Unanswered(f"WHMCS answered {action} with the status {status}: {message}")
    raise Refusal(f"WHMCS refuses {action}: {message}")


def _read(row: Row) -> Service:
    reason = html.unescape(str(row.get("suspensionreason") or ""))
    return Service(int(row["id"]), int(row["clientid"]), str(row["status"]), reason, row)


def _gone(order: Order, service: Service | None) -> str:
    if service is None:
        return f"WHMCS knows no service {order.service}"
    return f"service {service.number} is {service.status} in WHMCS"


def _is_spared(row: Row, today: date) -> bool:
    """Whether staff told WHMCS not to suspend it, until a day or for good."""
    if str(row.get("overideautosuspend") or "").lower() not in {"1", "on", "true"}:
        return False
    until = _date(row.get("overidesuspenduntil"))
    return until is None or until >= today


def _date(text: object) -> date | None:
    """A date of WHMCS; `0000-00-00` is none."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _required(options: Mapping[str, Any], name: str) -> str:
    value = str(options.get(name) or "")
    if not value:
        raise Problem(f"whmcs: {name} is missing")
    return value


def _by(value: Any) -> Literal["id", "domain"]:
    if value == "id":
        return "id"
    if value == "domain":
        return "domain"
    raise Problem(f"whmcs: service_by {value!r} is neither id nor domain")


def _words(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "[" in value or len(value) > 200:
        raise Problem(f"whmcs: reason {value!r} is no short text without brackets")
    return value.strip()


def _number(options: Mapping[str, Any], name: str, default: int) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000:
        raise Problem(f"whmcs: {name} {value!r} is no whole number")
    return value
