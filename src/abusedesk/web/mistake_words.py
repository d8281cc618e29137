"""What undoing a mistake ends and what followed from it, in the words of the screens."""

from collections.abc import Iterable
from datetime import timedelta

from abusedesk.desk.mistake.picks import Pick
from abusedesk.desk.mistake.plan import Asked
from abusedesk.policy.docket import Charge, Docket, Measure
from abusedesk.policy.endings import Ending
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.web import words
from abusedesk.web.words import Line

WRONG = {
    "report": ("The report was false", "Reports are rejected. What rested on them alone ends."),
    "customer": (
        "It was the wrong customer",
        "The report may be true, but not of this customer: all that it did here ends.",
    ),
    "measure": ("The measure was wrong", "Measures are lifted. The strike and what was charged stand."),
    "policy": ("The policy was misread", "Single strikes, charges or measures are taken back."),
}
"""What can have been wrong, and what is done about it."""


def ending(one: Ending) -> Line:
    """One thing that ends, as a line."""
    measure = words.sentence(words.measure(one.name, port=one.port, ip=one.ip))
    item = words.sentence(words.item(one.name))
    of = f"{item} of {words.money(one.amount, one.currency)}"
    on = one.ip or ""
    lines = {
        "rejected": lambda: Line("cross", "good", f"Report of {words.category(one.name)} rejected", _on(one)),
        "annulled": lambda: Line("strike", "good", f"Strike annulled: {words.plain(one.name)}", _on(one)),
        "lifted": lambda: Line("lift", "good", f"{measure} lifted", f"in force since {words.instant(one.at)}"),
        "withdrawn": lambda: Line("cross", "good", f"{_proposed(one)} is not proposed any more", on),
        "falls_back": lambda: Line(
            "measure", "wait", f"{measure} lifted, and proposed again", "another ground only ever proposed it"
        ),
        "refunded": lambda: Line("money", "good", f"{measure} with refund again"),
        "unpaid": lambda: Line("money", "good", f"{of} withdrawn", _and("nothing is owed for it", on)),
        "credited": lambda: Line(
            "money", "good", f"{of} withdrawn", f"{words.money(one.paid, one.currency)} paid becomes credit"
        ),
        "dropped": lambda: Line(
            "clock", "good", f"{words.sentence(words.plain(one.name))} deadline stopped", _due(one)
        ),
        "unmarked": lambda: Line("alert", "good", f"Mark taken off: {words.plain(one.name)}", on),
        "stays_lifted": lambda: Line("measure", "good", f"{measure} is not taken again"),
    }
    return lines[one.what]()


def _on(one: Ending) -> str:
    return words.instant(one.at)


def _due(one: Ending) -> str:
    return f"was due {words.instant(one.at)}"


def _and(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _proposed(one: Ending) -> str:
    if one.name in MEASURE_NOUN:
        return words.sentence(words.measure(one.name, port=one.port, ip=one.ip))
    return f"{words.sentence(words.item(one.name))} of {words.money(one.amount, one.currency)}"


def asked(one: Asked, docket: Docket) -> Line:
    """Something that followed, and why it would not be so otherwise."""
    why = {
        "counted": "It rests on what is undone: without that it would not be.",
        "proposed": "Without what is undone it would only have been proposed.",
        "refund": "Without what is undone it would be with refund.",
    }[one.because]
    return Line("alert", "wait", thing(one.pick, docket), why)


def thing(pick: Pick, docket: Docket) -> str:
    """What a pick is about, in words."""
    return _THINGS[pick.what](pick.id, docket)


def _measure(name: str, docket: Docket) -> str:
    one = next(each for each in docket.measures if each.id == name)
    return f"{_of_measure(one)}, {_state(one)} since {words.instant(one.at)}"


def _refund(name: str, docket: Docket) -> str:
    one = next(each for each in docket.measures if each.id == name)
    return f"{_of_measure(one)} is without refund"


def _of_measure(one: Measure) -> str:
    return words.sentence(words.measure(one.kind, port=one.port, ip=one.ip))


def _state(one: Measure) -> str:
    return "proposed" if one.state == "proposed" else "in force"


def _charge(name: str, docket: Docket) -> str:
    one = next(each for each in docket.charges if each.id == name)
    return f"{of_charge(one)}, {one.state}{f', for {one.ip}' if one.ip else ''}"


def of_charge(one: Charge) -> str:
    """A charge with its amount and day."""
    return f"{words.sentence(words.item(one.item))} of {words.money(one.amount, one.currency)} on {one.at:%-d %b}"


def _strike(name: str, docket: Docket) -> str:
    one = next(each for each in docket.occurrences if each.id == name)
    number = one.strike.number if one.strike is not None else 0
    return f"Strike {number}: {words.plain(one.abuse_type)}, {words.instant(one.opened_at)}"


def _occurrence(name: str, docket: Docket) -> str:
    one = next(each for each in docket.occurrences if each.id == name)
    reports = words.several(len(one.reports), "report")
    return f"{words.sentence(words.plain(one.abuse_type))} of {words.instant(one.opened_at)}, {reports}"


def _report(name: str, docket: Docket) -> str:
    one = next(each for occurrence in docket.occurrences for each in occurrence.reports if each.id == name)
    about = f" on {', '.join(one.ips)}" if one.ips else ""
    events = words.several(one.events, "event")
    return f"{words.sentence(words.category(one.category))}{about}, {events}, {one.assurance}"


def _deadline(name: str, docket: Docket) -> str:
    one = next(each for each in docket.deadlines if each.id == name)
    return f"{words.sentence(words.plain(one.name))} deadline, due {words.instant(one.due)}"


_THINGS = {
    "report": _report,
    "occurrence": _occurrence,
    "strike": _strike,
    "measure": _measure,
    "refund": _refund,
    "charge": _charge,
    "deadline": _deadline,
}


def hours(span: timedelta) -> str:
    """A time without the service, in hours to a tenth."""
    return f"{span / timedelta(hours=1):.1f} h"


def said(lines: Iterable[tuple[str, Line]]) -> list[str]:
    """Lines as they are kept on record, each with the service that it is about."""
    return [f"{about}: {_and(line.text, line.more)}" for about, line in lines]
