"""What a decision means to the customer and to the provider, in terms that two packs share.

A docket's own ids (`m3`, `o1`) differ as soon as one decision does. Here everything is named by what it is about: the
kind, the target, the instant, and the *root*, which is the first report of the occurrence that it came of.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, get_args

from msgspec import Struct

from abusedesk.policy.decision import (
    Annul,
    Answer,
    AnyEffect,
    ChargeMade,
    Decision,
    FlagSet,
    Lift,
    Notify,
    PointsAdded,
    Review,
    SetDeadline,
    StrikeMade,
    Take,
    Withdraw,
)
from abusedesk.policy.docket import Charge, Docket
from abusedesk.vocabulary.instant import format_instant
from abusedesk.vocabulary.measure import MeasureKind
from abusedesk.vocabulary.money import format_amount, parse_amount

Kind = Literal[
    "measure",
    "refund",
    "charge",
    "withdraw",
    "lift",
    "strike",
    "points",
    "annul",
    "flag",
    "answer",
    "deadline",
    "notice",
    "review",
]
"""In order of weight. `refund`: a standing measure is stated again with another refund."""

KINDS: tuple[Kind, ...] = get_args(Kind)
HEAVY: tuple[MeasureKind, ...] = ("terminate", "suspend", "shutdown", "null_route", "block_port", "rate_limit")
MODES = ("automatic", "approved", "proposed", "")
_KIND, _HEAVY, _MODE = ({name: place for place, name in enumerate(names)} for names in (KINDS, HEAVY, MODES))
WITHOUT_REFUND, WITH_REFUND, BY_UPSTREAM = "without refund", "with refund", "by the upstream"


class Consequence(Struct, frozen=True, gc=False, array_like=True):
    """One effect without the ids of its docket.

    `what` is the measure, the charge's or withdrawn item, the abuse type of a strike, the flag, the kind of a request,
    the name of a deadline, the template of a notice, or the reason of a review. `mode` is that of a measure or charge,
    the answer to a request, or to whom a notice goes. `amount` is in minor units of `currency`. `detail` is what else
    sets it apart: a strike's number, whether money is given back. `due` is a deadline's. `root` is the report that
    opened the occurrence it came of, `by` the stimulus that brought it at `at`.
    """

    at: datetime
    kind: Kind
    what: str
    mode: str = ""
    ip: str | None = None
    port: int | None = None
    amount: int = 0
    currency: str = ""
    detail: str = ""
    root: str = ""
    case: str | None = None
    by: str = ""
    clauses: tuple[str, ...] = ()
    due: datetime | None = None

    def same_as(self) -> tuple[object, ...]:
        """What two replays must agree on for it to be the same; the clauses that order it may differ."""
        return (
            self.at, self.kind, self.what, self.mode, self.ip, self.port, self.amount, self.currency, self.detail,
            self.root, self.due,
        )  # fmt: skip

    def subject(self) -> tuple[object, ...]:
        """What it is about: two of one subject are one thing that came otherwise, not one gained and one lost."""
        return self.kind, self.what, self.ip, self.port, self.root or self.at

    def weight(self) -> tuple[int, int, int]:
        """Its place among others."""
        return weight_of(self.kind, self.what, self.mode)

    @property
    def text(self) -> str:
        """In a few words, such as `suspend, automatic, without refund`."""
        return f"{self.head}, {self.tail}" if self.tail else self.head

    @property
    def tail(self) -> str:
        """The detail, or when it is due."""
        return f"due {format_instant(self.due)}" if self.due is not None else self.detail

    @property
    def head(self) -> str:
        """The same without its detail."""
        words = _TEXTS.get(self.kind, "{what}").format(what=self.what.replace("_", " "))
        if self.currency:
            words += f" {format_amount(self.amount)} {self.currency}"
        if self.ip:
            words += f" on {self.ip}"
        if self.port:
            words += f" port {self.port}"
        mode = f"to the {self.mode}" if self.kind == "notice" else self.mode.replace("_", " ")
        return f"{words}, {mode}" if mode else words


_TEXTS = {
    "refund": "refund of {what} changed",
    "withdraw": "withdraw {what}",
    "lift": "lift {what}",
    "strike": "strike for {what}",
    "points": "points for {what}",
    "annul": "annul the strike for {what}",
    "flag": "flag {what}",
    "answer": "answer to {what}",
    "deadline": "{what} deadline",
    "notice": "notice {what}",
    "review": "review {what}",
}


def consequences(at: datetime, by: str, before: Docket, decision: Decision) -> list[Consequence]:
    """What a decision made at an instant, on a docket as it was before, means."""
    docket = decision.docket
    return [_READ[type(effect)](effect, at, by, before, docket) for effect in decision.effects]


def weight_of(kind: Kind, what: str, mode: str) -> tuple[int, int, int]:
    """A place among others, the heaviest first: what cuts a customer off, then money, then the rest."""
    return _KIND[kind], _HEAVY.get(what, len(HEAVY)), _MODE.get(mode, len(MODES))


def root_of(docket: Docket, occurrence: str | None) -> str:
    """The id of the report that opened an occurrence; empty where there is none."""
    if occurrence is None:
        return ""
    for one in reversed(docket.occurrences):
        if one.id == occurrence:
            return one.reports[0].id if one.reports else ""
    return ""


def _type_in(case: str | None) -> str | None:
    return case[case.rfind("/") + 1 :] if case else None


# The readers give a consequence's fields in their order, by place: a million of them are made in one replay.


def _measure(effect: Take, at: datetime, by: str, before: Docket, docket: Docket) -> Consequence:
    stood = any(
        one.id == effect.item_id and one.mode == effect.mode and one.state == _STATE.get(effect.mode, "in_force")
        for one in before.measures
    )
    detail = "" if effect.refund is None else WITH_REFUND if effect.refund else WITHOUT_REFUND
    if effect.upstream:
        detail = f"{detail}, {BY_UPSTREAM}" if detail else BY_UPSTREAM
    root, case = root_of(docket, effect.occurrence), _type_in(effect.case)
    kind: Kind = "refund" if stood else "measure"
    return Consequence(
        at, kind, effect.measure, effect.mode, effect.ip, effect.port, 0, "", detail, root, case, by, effect.clauses
    )


_STATE = {"proposed": "proposed"}


def _lift(effect: Lift, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    detail, root = BY_UPSTREAM if effect.upstream else "", root_of(docket, effect.occurrence)
    return Consequence(
        at, "lift", effect.measure, "", effect.ip, effect.port, 0, "", detail, root, None, by, effect.clauses
    )


def _charge(effect: ChargeMade, at: datetime, by: str, before: Docket, docket: Docket) -> Consequence:
    """A charge; one stated again because it grew counts with what was added."""
    stood = _find(before, effect.item_id)
    amount, detail = parse_amount(effect.amount), ""
    if stood is not None and stood.mode == effect.mode:
        amount, detail = amount - stood.amount, "added"
    root, case = root_of(docket, effect.occurrence), _type_in(effect.case)
    return Consequence(
        at, "charge", effect.item, effect.mode, effect.ip, None, amount, effect.currency, detail, root, case, by,
        effect.clauses,
    )  # fmt: skip


def _withdraw(effect: Withdraw, at: datetime, by: str, before: Docket, docket: Docket) -> Consequence:
    """A proposed measure or a charge taken back; a charge made and withdrawn at once is found in the new docket."""
    what, mode, amount, currency = effect.item or effect.measure or "", "proposed", 0, ""
    charge = _find(before, effect.item_id) or _find(docket, effect.item_id) if effect.item is not None else None
    if charge is not None:
        mode, amount, currency = charge.mode, charge.amount, charge.currency
    root, case = root_of(docket, effect.occurrence), _type_in(effect.case)
    return Consequence(
        at, "withdraw", what, mode, effect.ip, None, amount, currency, "", root, case, by, effect.clauses
    )


def _find(docket: Docket, charge: str | None) -> Charge | None:
    return next((one for one in docket.charges if one.id == charge), None)


def _strike(effect: StrikeMade, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    what, root = effect.abuse_type, root_of(docket, effect.occurrence)
    detail = f"number {effect.number}"
    return Consequence(at, "strike", what, "", None, None, 0, "", detail, root, what, by, effect.clauses)


def _points(effect: PointsAdded, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    what, root = effect.abuse_type, root_of(docket, effect.occurrence)
    detail = f"{effect.points} more"
    return Consequence(at, "points", what, "", None, None, 0, "", detail, root, what, by, effect.clauses)


def _annul(effect: Annul, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    what, root = effect.abuse_type, root_of(docket, effect.occurrence)
    return Consequence(at, "annul", what, "", None, None, 0, "", "", root, what, by, effect.clauses)


def _notice(effect: Notify, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    root, case, detail = root_of(docket, effect.occurrence), _type_in(effect.case), "+".join(effect.via)
    return Consequence(
        at, "notice", effect.template, effect.to, effect.ip, None, 0, "", detail, root, case, by, effect.clauses
    )


def _deadline(effect: SetDeadline, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    root, case = root_of(docket, effect.occurrence), _type_in(effect.case)
    return Consequence(
        at, "deadline", effect.name, "", None, None, 0, "", "", root, case, by, effect.clauses, effect.due
    )


def _flag(effect: FlagSet, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    root, case = root_of(docket, effect.occurrence), _type_in(effect.case)
    return Consequence(at, "flag", effect.flag, "", effect.ip, None, 0, "", "", root, case, by, effect.clauses)


def _answer(effect: Answer, at: datetime, by: str, _: Docket, __: Docket) -> Consequence:
    what, mode, root = effect.kind, effect.answer, effect.request
    return Consequence(at, "answer", what, mode, effect.ip, None, 0, "", "", root, None, by, effect.clauses)


def _review(effect: Review, at: datetime, by: str, _: Docket, docket: Docket) -> Consequence:
    root, case = effect.report or root_of(docket, effect.occurrence), _type_in(effect.case)
    detail = f"missing {effect.missing}" if effect.missing else ""
    return Consequence(at, "review", effect.reason, "", effect.ip, None, 0, "", detail, root, case, by, effect.clauses)


_READ: dict[type[AnyEffect], Callable[[Any, datetime, str, Docket, Docket], Consequence]] = {
    StrikeMade: _strike,
    PointsAdded: _points,
    Annul: _annul,
    Notify: _notice,
    SetDeadline: _deadline,
    Take: _measure,
    Lift: _lift,
    ChargeMade: _charge,
    Withdraw: _withdraw,
    FlagSet: _flag,
    Answer: _answer,
    Review: _review,
}
