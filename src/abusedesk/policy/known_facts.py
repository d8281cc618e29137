"""The facts that conditions may name, each with its type, the moments at which it is known, and what it means.

A fact whose getter answers None is missing: the condition that needs it is unknown.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from abusedesk.policy import charges, occurrences, strikes
from abusedesk.policy.condition import FactType
from abusedesk.policy.docket import stands
from abusedesk.policy.rule import Moment
from abusedesk.policy.stimulus import Cost, Evidence, Reply, Report, Request

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

THRESHOLD: FactType = "bool"
_OCCURRENCE: tuple[Moment, ...] = ("occurrence", "report", "strike", "missed")
_REPORT: tuple[Moment, ...] = ("occurrence", "report", "strike")

Getter = Callable[["Draft"], object]


class Fact(NamedTuple):
    """`moments` is empty where the fact is known at every moment."""

    type: FactType
    get: Getter
    meaning: str
    moments: tuple[Moment, ...] = ()


def declared_at(moment: Moment) -> dict[str, FactType]:
    """The facts known at a moment, with their types."""
    return {name: fact.type for name, fact in FACTS.items() if not fact.moments or moment in fact.moments}


def _abuse_type(draft: "Draft") -> str | None:
    return draft.occurrence.abuse_type if draft.occurrence is not None else None


def _strikes(draft: "Draft") -> int:
    strike = draft.occurrence.strike if draft.occurrence is not None else None
    if strike is not None and strike.annulled_at is None:
        return strike.number
    return len(strikes.counting(draft))


def _strikes_of_type(draft: "Draft") -> int:
    strike = draft.occurrence.strike if draft.occurrence is not None else None
    return strike.of_type if strike is not None and strike.annulled_at is None else 0


def _in_force(draft: "Draft", kind: str) -> bool:
    return any(one.kind == kind and one.state == "in_force" for one in draft.measures)


def _proposed(draft: "Draft", kind: str) -> bool:
    return any(one.kind == kind and one.state == "proposed" for one in draft.measures)


def _without_refund(draft: "Draft") -> bool:
    return any(one.kind == "suspend" and one.state == "in_force" and one.refund is False for one in draft.measures)


def _mandated(draft: "Draft") -> bool:
    return isinstance(draft.stimulus, Report) and draft.stimulus.mandate is not None


def _ip_flags(draft: "Draft") -> tuple[str, ...] | None:
    ip = draft.stimulus.ip if isinstance(draft.stimulus, Request) else None
    return tuple(one.flag for one in draft.flags if one.ip == ip) if ip is not None else None


def _ip_struck(draft: "Draft") -> bool | None:
    ip = draft.stimulus.ip if isinstance(draft.stimulus, Request) else None
    return ip in draft.facts.struck_ips or ip in strikes.addresses(draft) if ip is not None else None


FACTS: dict[str, Fact] = {
    "service_type": Fact("text", lambda d: d.facts.service_type, "the service's type in the provider's catalogue"),
    "trial": Fact("bool", lambda d: d.facts.trial, "the service is a trial"),
    "protected": Fact("bool", lambda d: d.facts.protected, "the customer or the service is marked protected"),
    "has_reseller": Fact("bool", lambda d: d.facts.reseller is not None, "the customer came through a reseller"),
    "mail_port": Fact("bool", lambda d: d.mail_port, "the service's mail port was opened on application"),
    "strikes": Fact("int", _strikes, "strikes of the service not lapsed, the one at hand counted"),
    "points": Fact("int", strikes.points, "what the strikes that count weigh together"),
    "terminated": Fact("bool", lambda d: _in_force(d, "terminate"), "the service is terminated"),
    "termination_proposed": Fact("bool", lambda d: _proposed(d, "terminate"), "its termination is proposed"),
    "suspended": Fact("bool", lambda d: _in_force(d, "suspend"), "the service is suspended"),
    "suspended_without_refund": Fact("bool", _without_refund, "the service is suspended without refund"),
    "standing": Fact(
        "texts", lambda d: tuple(one.kind for one in d.measures if stands(one)), "measures in force or proposed"
    ),
    "unpaid": Fact("bool", charges.any_owed, "a charge of the service is not wholly paid"),
    "proposed_items": Fact(
        "texts",
        lambda d: tuple(dict.fromkeys(one.item for one in d.charges if one.state == "proposed")),
        "the items of proposed charges",
    ),
    "unprocessed": Fact(
        "bool", occurrences.any_unprocessed, "an occurrence still waits for the reply that it asks for"
    ),
    "unanswered_types": Fact(
        "texts", occurrences.unanswered_types, "the abuse types of occurrences with a strike that wait for a reply"
    ),
    "abuse_type": Fact("text", _abuse_type, "the occurrence's abuse type", (*_OCCURRENCE, "notice")),
    "strikes_of_type": Fact("int", _strikes_of_type, "strikes of its abuse type when it counted, or 0", _OCCURRENCE),
    "case_events": Fact("int", occurrences.known_events, "the case's events by reporters who are known", _OCCURRENCE),
    "misses": Fact("int", lambda d: len(d.occurrence.misses) if d.occurrence else 0, "missed replies", _OCCURRENCE),
    "reply_missed": Fact("bool", occurrences.reply_missed, "a reply to the occurrence was missed", _OCCURRENCE),
    "category": Fact("text", lambda d: d.report.category if d.report else None, "the report's category", _REPORT),
    "events": Fact("int", lambda d: d.report.events if d.report else None, "the report's events", _REPORT),
    "stability_risk": Fact(
        "bool", lambda d: d.report.stability_risk if d.report else None, "the network's stability is at risk", _REPORT
    ),
    "mandated": Fact("bool", _mandated, "an upstream or a law asks for a shorter reply time", _REPORT),
    "complete": Fact(
        "bool",
        lambda d: d.stimulus.complete if isinstance(d.stimulus, Reply) else None,
        "the reply reports the processing as complete",
        ("reply",),
    ),
    "accepted": Fact(
        "bool",
        lambda d: d.stimulus.accepted if isinstance(d.stimulus, Evidence) else None,
        "staff accept the evidence",
        ("evidence",),
    ),
    "cost": Fact(
        "text", lambda d: d.stimulus.kind if isinstance(d.stimulus, Cost) else None, "the kind of cost", ("cost",)
    ),
    "cause": Fact(
        "text",
        lambda d: d.stimulus.cause if isinstance(d.stimulus, Request) else None,
        "the cause that the request states",
        ("request",),
    ),
    "ip_flags": Fact("texts", _ip_flags, "the flags on the request's address", ("request",)),
    "ip_struck": Fact("bool", _ip_struck, "a strike stands on the request's address", ("request",)),
    "measure": Fact("text", lambda d: d.measure, "the measure that came into force", ("measure",)),
    "item": Fact("text", lambda d: d.item, "the item that became owed", ("owed",)),
}


def _customer_age(draft: "Draft") -> timedelta | None:
    return _between(draft.facts.customer_since, draft.at)


def _since_first_notice(draft: "Draft") -> timedelta | None:
    return _between(draft.occurrence.chain_from, draft.at) if draft.occurrence is not None else None


def _between(since: datetime | None, at: datetime) -> timedelta | None:
    return at - since if since is not None else None


def _span(number: int) -> Callable[["Draft"], timedelta]:
    """How long ago the first of the newest so many strikes that count began; for ever where there are fewer."""

    def span(draft: "Draft") -> timedelta:
        counted = sorted(one.opened_at for one in strikes.counting(draft))
        return draft.at - counted[-number] if len(counted) >= number else timedelta.max

    return span


DURATIONS: dict[str, Callable[["Draft"], timedelta | None]] = {
    "customer_age": _customer_age,
    "since_first_notice": _since_first_notice,
    **{f"span_of_{word}_strikes": _span(number) for number, word in enumerate(("two", "three", "four", "five"), 2)},
}
"""The durations that thresholds may compare with a parameter.

Since the customer came, since the first notice, and since the first of the newest strikes, two to five of them: so many
strikes came within a time where that is no longer ago.
"""
