"""What became of a message, in the few words that may be told to whoever sent it: never who the customer is."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from django.db.models import Q

from abusedesk.desk.decide import state_of
from abusedesk.policy.report_fate import fate_of
from abusedesk.records.models import Brand, Docket, Event, Measure, Message, Report, Review
from abusedesk.vocabulary.assurance import reaches

State = Literal["waiting", "read", "review", "set_aside"]
Code = Literal["in_progress", "uncorroborated", "measure_taken", "closed", "rejected", "known_before", "not_ours"]

STATES: dict[State, str] = {
    "waiting": "it is kept, and not read yet",
    "read": "it was read as a report",
    "review": "a person has to read it",
    "set_aside": "it was read, and is no report",
}
"""How far a message has come."""

OUTCOMES: dict[Code, str] = {
    "in_progress": "there is an open case on it",
    "uncorroborated": "it was noted; without a second source nothing is done",
    "measure_taken": "a measure stands against the source",
    "closed": "the case on it is closed",
    "rejected": "a person found that it does not hold",
    "known_before": "the same was told before",
    "not_ours": "nobody whom we serve had this address at that time",
}
"""What came of it, as a reason code and in words."""

SETTING = "tell_outcome"
"""The brand's setting under which outcomes are told."""

_STANDS = ("applying", "requested", "acknowledged", "in_force")


class Become(NamedTuple):
    """How far a message has come, why where that needs a reason, and each outcome that may be told."""

    state: State
    reason: str
    outcomes: tuple[tuple[str, Code], ...]
    """The category of each report in the message, and what came of it."""


def what_became(message: Message) -> Become:
    """What may be told of a message to whoever sent it."""
    state = _state(message)
    reason = message.reason if state in {"review", "set_aside"} else ""
    return Become(state, reason, tuple(_outcomes(message)) if state == "read" else ())


def _state(message: Message) -> State:
    if not message.outcome:
        return "waiting"
    if message.outcome == "reported":
        return "read"
    asked = message.outcome in {"needs_review", "rejected"}
    return "review" if asked and Review.objects.filter(message_id=message.pk, closed_at=None).exists() else "set_aside"


def _outcomes(message: Message) -> Iterable[tuple[str, Code]]:
    reports = list(Report.objects.filter(message_id=message.pk).select_related("brand").order_by("received_at", "pk"))
    if not reports:
        # Nothing new was in it, or it concerns none of our brands.
        nobody = Review.objects.filter(message_id=message.pk, reason="no_brand").exists()
        return [("", "not_ours" if nobody else "known_before")] if _brand_tells(message) else []
    told = [one for one in reports if one.brand.settings.get(SETTING)]
    places = _places(told)
    return [(places[one.pk][0], _outcome(one, places[one.pk][1])) for one in told]


def _brand_tells(message: Message) -> bool:
    brands = Brand.objects.filter(pk=message.brand_id) if message.brand_id else Brand.objects.all()
    found = list(brands)
    return bool(found) and all(one.settings.get(SETTING) for one in found)


def _places(reports: list[Report]) -> dict[object, tuple[str, list[int]]]:
    """The category of each report, and the services that held what it speaks of."""
    found: dict[object, tuple[str, list[int]]] = {one.pk: ("", []) for one in reports}
    rows = Event.objects.filter(report_id__in=list(found)).values_list("report_id", "category", "service_id")
    for report, category, service in rows.distinct():
        found[report] = (category, [*found[report][1], *([service] if service else [])])
    return found


def outcome_of(report: Report) -> Code:
    """What came of one report, as its occurrences stand now; of several, the furthest that one of them came.

    A measure counts as taken only where it stands outside too.
    """
    return _outcome(report, _places([report])[report.pk][1])


def _outcome(report: Report, services: list[int]) -> Code:
    if report.rejected_at is not None:
        return "rejected"
    if not services:
        return "not_ours"
    dockets = Docket.objects.filter(service__in=services).only("pk", "state")
    known = {one.pk: fate for one in dockets if (fate := fate_of(state_of(one), str(report.pk))) is not None}
    borne = Q(pk__in=[])
    for pk, fate in known.items():
        borne |= Q(docket=pk, item__in=fate.measures)
    if Measure.objects.filter(borne, decided="in_force", state__in=_STANDS).exists():
        return "measure_taken"
    fates = {one.fate for one in known.values()}
    if not fates:
        # A suppression held it back: it was noted, and the policy did not hear of it.
        return "uncorroborated"
    if "open" not in fates:
        return "closed" if "closed" in fates else "rejected"
    return "in_progress" if reaches(report.assurance, "authenticated") else "uncorroborated"
