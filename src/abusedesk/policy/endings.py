"""Endings: what one state of a docket has lost against an earlier one, line by line, the silent things too."""

from datetime import datetime
from typing import Literal, NamedTuple

from abusedesk.policy.docket import Charge, Docket, Measure, stands
from abusedesk.policy.strikes import struck

What = Literal[
    "rejected",
    "annulled",
    "lifted",
    "withdrawn",
    "falls_back",
    "refunded",
    "unpaid",
    "credited",
    "dropped",
    "unmarked",
    "stays_lifted",
]
"""`falls_back` is a measure in force that stands as proposed again; `unpaid` and `credited` are charges withdrawn,
`dropped` deadlines, `unmarked` addresses, `stays_lifted` a measure that was to be taken again after a clean-up."""


class Ending(NamedTuple):
    """One thing that ended. `name` is the abuse type, the kind of measure, the charge, the deadline or the mark."""

    what: What
    name: str
    at: datetime
    ip: str | None = None
    port: int | None = None
    amount: int = 0
    paid: int = 0
    currency: str = ""
    refund: bool | None = None


def endings(before: Docket, after: Docket) -> list[Ending]:
    """What ended between two states of a docket."""
    return [
        *_rejected(before, after),
        *_strikes(before, after),
        *_measures(before, after),
        *_charges(before, after),
        *_deadlines(before, after),
        *_flags(before, after),
    ]


def _rejected(before: Docket, after: Docket) -> list[Ending]:
    stood = {one.id for each in before.occurrences for one in each.reports if not one.rejected}
    return [
        Ending("rejected", one.category, one.at, amount=one.events)
        for each in after.occurrences
        for one in each.reports
        if one.rejected and one.id in stood
    ]


def _strikes(before: Docket, after: Docket) -> list[Ending]:
    stood = {one.id for one in before.occurrences if struck(one)}
    return [
        Ending("annulled", one.abuse_type, one.opened_at)
        for one in after.occurrences
        if one.id in stood and not struck(one)
    ]


def _measures(before: Docket, after: Docket) -> list[Ending]:
    now = {one.id: one for one in after.measures}
    standing = {(one.kind, one.ip, one.port): one for one in after.measures if stands(one)}
    found = []
    for one in before.measures:
        what = _of_measure(one, now[one.id], standing.get((one.kind, one.ip, one.port)))
        if what is not None:
            found.append(Ending(what, one.kind, one.at, one.ip, one.port, refund=now[one.id].refund))
    return found + _resting(before, after)


def _of_measure(was: Measure, now: Measure, standing: Measure | None) -> What | None:
    if not stands(was):
        return None
    if standing is None:
        return "lifted" if was.state == "in_force" else "withdrawn"
    if was.state == "in_force" and standing.state == "proposed":
        return "falls_back"
    return "refunded" if was.refund is False and now.refund is True else None


def _resting(before: Docket, after: Docket) -> list[Ending]:
    open_still = {one.measure for one in after.deadlines if one.name == "resume" and one.state == "open"}
    waited = {one.measure for one in before.deadlines if one.name == "resume" and one.state == "open"}
    return [
        Ending("stays_lifted", one.kind, one.at, one.ip, one.port)
        for one in before.measures
        if one.id in waited - open_still
    ]


def _charges(before: Docket, after: Docket) -> list[Ending]:
    now = {one.id: one for one in after.charges}
    return [
        _of_charge(one)
        for one in before.charges
        if one.state not in {"withdrawn", "rejected"} and now[one.id].state == "withdrawn"
    ]


def _of_charge(one: Charge) -> Ending:
    what: What = "credited" if one.paid else "withdrawn" if one.state == "proposed" else "unpaid"
    return Ending(what, one.item, one.at, one.ip, amount=one.amount, paid=one.paid, currency=one.currency)


def _deadlines(before: Docket, after: Docket) -> list[Ending]:
    over = {one.id for one in after.deadlines if one.state != "open"}
    counted = ("expiry", "resume")
    return [
        Ending("dropped", one.name, one.due)
        for one in before.deadlines
        if one.state == "open" and one.id in over and one.name not in counted
    ]


def _flags(before: Docket, after: Docket) -> list[Ending]:
    left = {(one.flag, one.ip) for one in after.flags}
    return [Ending("unmarked", one.flag, one.at, one.ip) for one in before.flags if (one.flag, one.ip) not in left]
