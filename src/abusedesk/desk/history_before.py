"""What a source brought in before, against what a file says of it now: the same, new, to be corrected, or to be told.

A ticket is known by its service and number. Amounts of one thing, and lines of one author at one instant, have no
number of their own: those that are in the file alone are put against those that are in the desk alone.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db.models import QuerySet

from abusedesk.desk.decide import docket_decoder
from abusedesk.policy.carried import report_of
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import CarriedBalance, CarriedTicket
from abusedesk.records.csv_tables import Row
from abusedesk.records.models import Brand, Decision, Docket, Service, TicketEntry
from abusedesk.vocabulary.money import format_amount

_carried: msgspec.json.Decoder[CarriedTicket | CarriedBalance] = msgspec.json.Decoder(CarriedTicket | CarriedBalance)

HISTORY, REJECTED = "history:", "reject:"
"""How the keys of decisions begin that carry something over, or take it back."""


class Told(NamedTuple):
    """A row of the file as what it would tell the policy."""

    service: Service
    row: Row
    stimulus: CarriedTicket | CarriedBalance


class Difference(NamedTuple):
    """One column in which a row differs from what stands, and what to do about it."""

    line: int
    column: str
    what: str
    stands: str
    says: str
    advice: str


class Correction(NamedTuple):
    """A ticket that takes the place of what came in before; `differences` hold its columns if it cannot."""

    docket: int
    stands: CarriedTicket
    says: CarriedTicket
    differences: tuple[Difference, ...]


class Stored(NamedTuple):
    """A ticket as it was carried over last, by the decision of that id."""

    docket: int
    decision: int
    ticket: CarriedTicket


class Entries(NamedTuple):
    """What rows amount to."""

    new: list[Told]
    known: int
    corrections: list[Correction]
    differences: list[Difference]


class Lines(NamedTuple):
    """What lines of conversations amount to."""

    new: list[tuple[Service, Row]]
    known: int
    differences: list[Difference]


# --- tickets and balances -------------------------------------------------------------------------------------------


def against(told: Sequence[Told], brand: Brand, source: str, pack: Pack) -> Entries:
    """The rows that are new, how many were known, and what differs."""
    tickets, balances = _stored(brand, source)
    new: list[Told] = []
    changed: list[tuple[Told, Stored]] = []
    known = 0
    for one in told:
        stored = tickets.get((one.service.pk, one.stimulus.ticket)) if _is_ticket(one) else None
        if not _is_ticket(one):
            continue
        if stored is None:
            new.append(one)
        elif any(_columns(one, stored.ticket, pack)):
            changed.append((one, stored))
        else:
            known += 1
    money, known_money, differences = _balances_against([one for one in told if not _is_ticket(one)], balances)
    corrections, kept = _judged(changed, pack)
    # Service by service, so that each docket is opened once, and within it in time, as strikes are counted.
    order = sorted((*new, *money), key=lambda one: (one.service.pk, one.stimulus.happened_at, one.row.line))
    return Entries(order, known + known_money, corrections, [*differences, *kept])


def _is_ticket(one: Told) -> bool:
    return isinstance(one.stimulus, CarriedTicket)


def _stored(brand: Brand, source: str) -> tuple[dict[tuple[int, str], Stored], dict[int, list[CarriedBalance]]]:
    """What a source brought in: each ticket as it was corrected last, and the balances by service."""
    tickets: dict[tuple[int, str], Stored] = {}
    balances: dict[int, list[CarriedBalance]] = defaultdict(list)
    rows = Decision.objects.filter(docket__brand=brand, key__startswith=f"{HISTORY}{source}:").order_by("pk")
    for pk, docket, service, raw in rows.values_list("pk", "docket_id", "docket__service_id", "stimulus").iterator():
        stimulus = _carried.decode(bytes(raw))
        if stimulus.source != source:
            continue
        if isinstance(stimulus, CarriedBalance):
            balances[service].append(stimulus)
        elif _newer(stimulus, tickets.get((service, stimulus.ticket))):
            tickets[service, stimulus.ticket] = Stored(docket, pk, stimulus)
    return tickets, balances


def _newer(ticket: CarriedTicket, known: Stored | None) -> bool:
    """Whether it stands in place of what is known: only what corrects does, a ticket told again changed nothing."""
    return known is None or _revision(ticket) > _revision(known.ticket)


def _revision(ticket: CarriedTicket) -> int:
    return ticket.revision or 0


def _columns(one: Told, stands: CarriedTicket, pack: Pack) -> Iterator[tuple[str, str, str]]:
    """The columns in which a ticket differs: what stands, and what the file says."""
    says = one.stimulus
    assert isinstance(says, CarriedTicket)  # noqa: S101 - only tickets come here
    if says.struck != stands.struck:
        yield "kind", _kind(stands), _kind(says)
    if says.happened_at != stands.happened_at:
        yield "at", _at(stands.happened_at), _at(says.happened_at)
    if one.row.values.get("category"):
        if says.category != stands.category:
            yield "category", stands.category, says.category
    elif pack.abuse_type(stands.category).name != pack.abuse_type(says.category).name:
        yield "abuse_type", pack.abuse_type(stands.category).name, pack.abuse_type(says.category).name
    if set(says.ips) != set(stands.ips):
        yield "ip", _none(" ".join(stands.ips)), _none(" ".join(says.ips))


def _kind(ticket: CarriedTicket) -> str:
    return "strike" if ticket.struck else "case"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _none(text: str) -> str:
    return text or "nothing"


def _judged(changed: list[tuple[Told, Stored]], pack: Pack) -> tuple[list[Correction], list[Difference]]:
    """What can be corrected soundly, and what stays as it is, each with the reason."""
    corrections: list[Correction] = []
    kept: list[Difference] = []
    states = _states(Docket.objects.filter(pk__in={stored.docket for _, stored in changed}))
    moved = _moved(stored for _, stored in changed)
    for one, stored in changed:
        if _is_taken_back(states[stored.docket], stored.ticket):
            kept += _differences(one, stored.ticket, pack, _taken_back(stored.ticket))
        elif stored.docket in moved and stored.decision < moved[stored.docket]:
            kept += _differences(one, stored.ticket, pack, _built_on(stored.ticket))
        else:
            corrections.append(_correction(one, stored, pack))
    return corrections, kept


def _states(dockets: QuerySet[Docket]) -> dict[int, PolicyDocket]:
    return {pk: docket_decoder.decode(bytes(raw)) for pk, raw in dockets.values_list("pk", "state")}


def _moved(stored: Iterable[Stored]) -> dict[int, int]:
    """By docket, the newest decision that carried nothing over: it may rest on what stood then."""
    found = Decision.objects.filter(docket__in={one.docket for one in stored}).order_by("pk")
    others = found.exclude(key__startswith=HISTORY).exclude(key__startswith=REJECTED)
    return dict(others.values_list("docket_id", "pk"))


def _is_taken_back(docket: PolicyDocket, ticket: CarriedTicket) -> bool:
    name = report_of(ticket)
    return any(report.rejected for one in docket.occurrences for report in one.reports if report.id == name)


def _correction(one: Told, stored: Stored, pack: Pack) -> Correction:
    assert isinstance(one.stimulus, CarriedTicket)  # noqa: S101 - only tickets come here
    category = one.stimulus.category
    if not one.row.values.get("category") and pack.abuse_type(stored.ticket.category) == pack.abuse_type(category):
        category = stored.ticket.category
    says = msgspec.structs.replace(one.stimulus, category=category, revision=_revision(stored.ticket) + 1)
    told = tuple(_differences(one, stored.ticket, pack, _built_on(stored.ticket)))
    return Correction(stored.docket, stored.ticket, says, told)


def _differences(one: Told, stands: CarriedTicket, pack: Pack, advice: str) -> Iterator[Difference]:
    what = f"ticket {stands.ticket} of {one.service.ref}"
    for column, there, here in _columns(one, stands, pack):
        yield Difference(one.row.line, column, what, there, here, advice)


def _built_on(ticket: CarriedTicket) -> str:
    return (
        "something else was decided about the service since, and may rest on it. Leave it, or take the ticket back "
        f"(--undo --source {ticket.source} {ticket.ticket}) and import it under a number of its own"
    )


def _taken_back(ticket: CarriedTicket) -> str:
    number = f"another number than {ticket.ticket}"
    return f"it was taken back and counts for nothing. To count it again import it under {number}"


def overtaken(corrections: Sequence[Correction]) -> list[Correction]:
    """Locks the dockets, and names those corrections that something else decided since has overtaken."""
    if not corrections:
        return []
    wanted = {one.docket for one in corrections}
    locked = Docket.objects.filter(pk__in=wanted).order_by("pk").select_for_update()
    states = _states(locked)
    keys = _decisions_of(corrections)
    moved = _moved(keys.values())
    return [one for one in corrections if _is_late(one, states[one.docket], keys, moved)]


def _decisions_of(corrections: Sequence[Correction]) -> dict[tuple[int, str], Stored]:
    """The decisions that carried over what is to be corrected, by docket and ticket."""
    found: dict[tuple[int, str], Stored] = {}
    rows = Decision.objects.filter(docket__in={one.docket for one in corrections}, key__startswith=HISTORY)
    wanted = {(one.docket, report_of(one.stands)) for one in corrections}
    for pk, docket, raw in rows.order_by("pk").values_list("pk", "docket_id", "stimulus"):
        stimulus = _carried.decode(bytes(raw))
        if isinstance(stimulus, CarriedTicket) and (docket, report_of(stimulus)) in wanted:
            found.setdefault((docket, report_of(stimulus)), Stored(docket, pk, stimulus))
    return found


def _is_late(one: Correction, docket: PolicyDocket, keys: dict[tuple[int, str], Stored], moved: dict[int, int]) -> bool:
    stored = keys[one.docket, report_of(one.stands)]
    return _is_taken_back(docket, one.stands) or moved.get(one.docket, 0) > stored.decision


def _balances_against(
    told: Sequence[Told], stored: dict[int, list[CarriedBalance]]
) -> tuple[list[Told], int, list[Difference]]:
    """Amounts that are new, how many were known, and those that say another sum or date for the same thing."""
    there: dict[Hashable, list[CarriedBalance]] = defaultdict(list)
    for service, balances in stored.items():
        for one in balances:
            there[service, one.ticket, one.item].append(one)
    left: list[Told] = []
    known = 0
    for row in told:
        held = there[_thing(row)]
        if row.stimulus in held:
            held.remove(row.stimulus)
            known += 1
        else:
            left.append(row)
    new: list[Told] = []
    differences: list[Difference] = []
    for row in left:
        held = there[_thing(row)]
        if held:
            differences += _of_balance(row, held.pop(0))
        else:
            new.append(row)
    return new, known, differences


def _thing(one: Told) -> Hashable:
    assert isinstance(one.stimulus, CarriedBalance)  # noqa: S101 - only balances come here
    return one.service.pk, one.stimulus.ticket, one.stimulus.item


def _of_balance(one: Told, stands: CarriedBalance) -> Iterator[Difference]:
    says = one.stimulus
    assert isinstance(says, CarriedBalance)  # noqa: S101 - only balances come here
    what = f"{stands.item} of ticket {stands.ticket} of {one.service.ref}"
    advice = (
        "what was owed may have been paid since. Correct it by a payment or a cost in the case; "
        "a second amount of the ticket needs an `item` of its own"
    )
    if (says.amount > 0) != (stands.amount > 0):
        yield Difference(one.row.line, "kind", what, _side(stands), _side(says), advice)
    if abs(says.amount) != abs(stands.amount):
        there, here = format_amount(abs(stands.amount)), format_amount(abs(says.amount))
        yield Difference(one.row.line, "amount", what, there, here, advice)
    if says.happened_at != stands.happened_at:
        yield Difference(one.row.line, "at", what, _at(stands.happened_at), _at(says.happened_at), advice)


def _side(balance: CarriedBalance) -> str:
    return "owed" if balance.amount > 0 else "credit"


# --- conversations --------------------------------------------------------------------------------------------------


def author_of(row: Row) -> str:
    """Who wrote a line; the customer where the file does not say."""
    return row.values.get("author") or "customer"


def marked(text: str, source: str, ticket: str) -> str:
    """A line of a conversation with the mark of where it came from."""
    return f"{text}\n\n({source}, ticket {ticket})"


def lines_against(said: Sequence[tuple[Service, Row]], brand: Brand, source: str) -> Lines:
    """The lines that are new, how many were known, and those with other words than stand there."""
    there = _lines(brand, source) if said else {}
    left: list[tuple[Service, Row]] = []
    known = 0
    for service, row in said:
        held = there.get(_place(service, row), [])
        text = marked(row.values["text"], source, row.values["ticket"])
        if text in held:
            held.remove(text)
            known += 1
        else:
            left.append((service, row))
    new: list[tuple[Service, Row]] = []
    differences: list[Difference] = []
    for service, row in left:
        held = there.get(_place(service, row), [])
        if held:
            differences.append(_of_line(service, row, held.pop(0)))
        else:
            new.append((service, row))
    return Lines(new, known, differences)


def _lines(brand: Brand, source: str) -> dict[Hashable, list[str]]:
    """The lines that a source brought in, by service, ticket number, instant and author."""
    found: dict[Hashable, list[str]] = defaultdict(list)
    rows = TicketEntry.objects.filter(ticket__brand=brand, text__contains=f"\n\n({source}, ticket ").order_by("pk")
    for service, at, author, text in rows.values_list("ticket__case__service_id", "at", "author", "text").iterator():
        number = text.rpartition(f"\n\n({source}, ticket ")[2].removesuffix(")")
        found[service, number, at, author].append(text)
    return found


def _place(service: Service, row: Row) -> Hashable:
    return service.pk, row.values["ticket"], row.values["at"], author_of(row)


def _of_line(service: Service, row: Row, stands: str) -> Difference:
    what = f"the line of {author_of(row)} in ticket {row.values['ticket']} of {service.ref}"
    advice = "what was said stays as it was taken over; a second line of that day needs its time of day"
    return Difference(row.line, "text", what, _short(stands.rpartition("\n\n(")[0]), _short(row.values["text"]), advice)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words[:57]}…”" if len(words) > 60 else f"“{words}”"
