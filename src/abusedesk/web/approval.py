"""All that a person needs to say yes or no, gathered from the docket and the tables, and from the policy itself.

What would follow is asked of the policy on the docket as it is now. Nothing here is written.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import F, Sum

from abusedesk.actuators.chain import names_of
from abusedesk.actuators.registry import DEFAULT
from abusedesk.desk.approvals.overdue import expires_at, overdue_at
from abusedesk.desk.approvals.say import Answer, foreseen, would
from abusedesk.desk.approvals.voices import Chain, Voice, chain_of, hindrance, may_reject, terms_of
from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.policy.decision import AnyEffect, Lift, Take
from abusedesk.policy.docket import Docket, Ground, HeardReport, Occurrence
from abusedesk.problem import Problem
from abusedesk.records.holders import holders
from abusedesk.records.models import Charge, Event, Measure, Proposal, Report, Service, Strike
from abusedesk.vocabulary.approval import Terms, Verdict
from abusedesk.vocabulary.measure import ON_ADDRESS
from abusedesk.vocabulary.passing_on import defanged
from abusedesk.web import words
from abusedesk.web.story import Order

REPORTS = 8
_EVENTS = 4
_EXTRACT = 600
_BESIDE = 20

ANYBODY_ELSE = Voice("")
"""Who did not propose it: what would follow if somebody who may say so says it."""

# Prefixes nest, and what lies within those of a service that carries others is theirs.
_WITHIN = """
SELECT DISTINCT other.service_id FROM records_assignment mine JOIN records_assignment other
    ON other.prefix << mine.prefix AND other.service_id <> mine.service_id AND other.period @> %(now)s::timestamptz
WHERE mine.service_id = %(service)s AND mine.period @> %(now)s::timestamptz LIMIT %(limit)s
"""


class Standing(NamedTuple):
    """How a proposal stands to the person who looks at it.

    `hindered` says why this person cannot say yes; `may_reject` whether a no is taken. `progress` is how far its chain
    is, empty where one yes is enough.
    """

    what: str
    overdue: bool
    hindered: str
    may_reject: bool
    progress: str


class Follows(NamedTuple):
    """What an answer would lead to: orders, what they do outside, what is owed then, and a digest of it all."""

    orders: list[Order]
    outside: list[str]
    owed: int
    foreseen: str


class Rests(NamedTuple):
    """A report on which it rests: as the docket has it, with the stored one while that is kept."""

    heard: HeardReport
    report: Report | None
    extract: str
    events: list[tuple[str, str, datetime | None, int, str]]


class History(NamedTuple):
    """What came before: of the service, and in numbers of the customer's other services."""

    strikes: list[Occurrence]
    measures: list[Measure]
    charges: list[Charge]
    strikes_elsewhere: int
    services: int


def standing_of(one: Proposal, voice: Voice, now: datetime) -> Standing:
    """How a proposal stands to a person; a setting that cannot be read stands in the way of a yes."""
    what = words.sentence(words.waits(one.kind, one.name, one.items, one.amount, one.currency))
    try:
        terms = terms_of(one.brand)
    except Problem as problem:
        return Standing(what, overdue=True, hindered=str(problem), may_reject=False, progress="")
    chain, late = chain_of(one, terms), overdue_at(one, terms)
    progress = f"{len(chain.given)} of {len(chain.steps)} said yes" if len(chain.steps) > 1 else ""
    hindered = hindrance(voice, one, chain, terms)
    return Standing(what, bool(late and late <= now), hindered, may_reject(voice, one, chain, terms), progress)


def terms_and_chain(one: Proposal) -> tuple[Terms, Chain] | None:
    """What the brand says of it and how far it is; None where the setting cannot be read."""
    try:
        terms = terms_of(one.brand)
    except Problem:
        return None
    return terms, chain_of(one, terms)


def follows(one: Proposal, verdict: Verdict, now: datetime) -> Follows:
    """What the policy would order on an answer to a proposal."""
    return follow_all([one], verdict, ANYBODY_ELSE, now)[0]


def follow_all(proposals: Sequence[Proposal], verdict: Verdict, voice: Voice, now: datetime) -> list[Follows]:
    """What it would order on the same answer to each of several, one after the other."""
    decided = would(proposals, Answer(verdict, voice), now)
    return [
        _follows(one, each.decision.effects, each.decision.docket) for one, each in zip(proposals, decided, strict=True)
    ]


def _follows(one: Proposal, effects: Sequence[AnyEffect], after: Docket) -> Follows:
    orders = [Order(words.effect_line(effect), effect.clauses) for effect in effects]
    return Follows(orders, _outside(one, effects), owed_in(after), foreseen(effects))


def owed_in(docket: Docket) -> int:
    """What is unpaid of a service, in minor units."""
    return sum(charge.amount - charge.paid for charge in docket.charges if charge.state == "owed")


def owed_by_customer(one: Proposal) -> list[tuple[str, int]]:
    """What the customer owes for all services, by currency."""
    owed = Charge.objects.filter(customer=one.customer, state="owed").values("currency")
    sums = owed.annotate(owed=Sum(F("amount") - F("paid"))).order_by("currency")
    return [(row["currency"], row["owed"]) for row in sums]


def _outside(one: Proposal, effects: Iterable[AnyEffect]) -> list[str]:
    """Who carries out what the policy would order, and whether it can be undone; each once."""
    done = [_carried_out(one, effect) for effect in effects if isinstance(effect, Take | Lift)]
    return list(dict.fromkeys(line for line in done if line))


def _carried_out(one: Proposal, effect: Take | Lift) -> str:
    if effect.upstream or (isinstance(effect, Take) and effect.mode == "proposed"):
        return ""
    noun = words.sentence(words.measure(effect.measure, port=effect.port, ip=effect.ip))
    entry = one.brand.actuators.get(effect.measure) or one.brand.actuators.get("default") or {"actuator": DEFAULT}
    if isinstance(effect, Lift):
        return f"{noun}: lifted by {names_of(entry)}."
    return f"{noun}: by {names_of(entry)}. {words.MEASURE_DOES[effect.measure]}"


def beside(one: Proposal, now: datetime) -> list[Service]:
    """Other services that it would hit too: those within a service, or those that share an address."""
    if one.kind != "measure":
        return []
    found = _sharing(one, now) if one.name in ON_ADDRESS else _within(one, now)
    return list(Service.objects.filter(pk__in=found).select_related("customer").order_by("ref")[:_BESIDE])


def _sharing(one: Proposal, now: datetime) -> set[int]:
    known = holders()
    sharers = (each for item in one.items if item.get("ip") for each in known.sharers(item["ip"], now))
    return {int(each.service) for each in sharers} - {one.service_id}


def _within(one: Proposal, now: datetime) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_WITHIN, {"service": one.service_id, "now": now, "limit": _BESIDE})
        return {service for (service,) in cursor.fetchall()}


def grounds_of(one: Proposal, docket: Docket) -> tuple[list[Rests], str]:
    """The reports on which it rests, the newest first, and the version of the policy by which they count.

    A request, and what a person proposed, rest on no report; then it is the service's latest.
    """
    mine = {item["id"] for item in one.items}
    grounds = [ground for each in docket.measures if each.id in mine for ground in each.grounds]
    grounds += [ground for each in docket.charges if each.id in mine for ground in each.grounds]
    named = set(_occurrences(docket, grounds))
    resting = [each for each in docket.occurrences if each.id in named] or list(docket.occurrences[-1:])
    heard = sorted((report for each in resting for report in each.reports), key=lambda each: each.at, reverse=True)
    return _with_reports(one, heard[:REPORTS]), resting[-1].version if resting else ""


def _occurrences(docket: Docket, grounds: Iterable[Ground]) -> Iterable[str]:
    charges = {each.id: each for each in docket.charges}
    for ground in grounds:
        if ground.occurrence is not None:
            yield ground.occurrence
        elif ground.charge in charges:
            yield from _occurrences(docket, charges[ground.charge].grounds)


def _with_reports(one: Proposal, heard: Sequence[HeardReport]) -> list[Rests]:
    ids = [each.id for each in heard if len(each.id) == 36]
    stored = {str(each.pk): each for each in Report.objects.filter(pk__in=ids).select_related("reporter")}
    return [_ground(one, each, stored.get(each.id)) for each in heard]


def _ground(one: Proposal, heard: HeardReport, report: Report | None) -> Rests:
    if report is None:
        return Rests(heard, None, "", [])
    told = Event.objects.filter(report_id=report.pk, service_id=one.service_id).order_by("occurred_at")[:_EVENTS]
    events = [
        (each.source, words.category(each.category), each.occurred_at, each.count, defanged(each.url)) for each in told
    ]
    return Rests(heard, report, defanged(report.summary[:_EXTRACT]), events)


def history_of(one: Proposal, docket: Docket) -> History:
    """What came before."""
    elsewhere = Strike.objects.filter(case__customer=one.customer, annulled_at=None).exclude(docket=one.docket_id)
    return History(
        [each for each in reversed(docket.occurrences) if each.strike is not None],
        list(Measure.objects.filter(docket=one.docket_id).exclude(decided="proposed").order_by("-at", "-pk")[:12]),
        list(Charge.objects.filter(docket=one.docket_id).exclude(state="proposed").order_by("-at", "-pk")[:12]),
        elsewhere.count(),
        one.customer.services.filter(until=None).count(),
    )


def in_force(one: Proposal, now: datetime) -> str:
    """The version of the brand's policy that is in force now; empty where none is."""
    version = pack_of(one.brand).version_at(now, settings_of(one.brand))
    return version.id if version else ""


def if_nobody(one: Proposal, now: datetime) -> list[str]:
    """What happens to it while nobody answers."""
    known = terms_and_chain(one)
    if known is None:
        return ["It waits."]
    terms, _ = known
    late, end = overdue_at(one, terms), expires_at(one, terms)
    said = ["It waits, and nothing is done for or against the customer by it."]
    if late is not None:
        since = "are reminded once a day" if late <= now else f"are reminded from {words.instant(late)} on, once a day"
        said.append(f"Those who may answer {since}.")
    if end is not None:
        said.append(f"It expires on {words.instant(end)}: the clock says no.")
    return said
