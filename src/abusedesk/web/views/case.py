"""A case: what is asked, what happens next, how it came about, and what a person can do."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from abusedesk.desk import telephone
from abusedesk.desk.answering.threads import of_reports
from abusedesk.desk.decide import state_of
from abusedesk.desk.hearing.answers import CUSTOMER_WROTE, READ_REPLY
from abusedesk.desk.hearing.unread import HOLDING
from abusedesk.desk.requests import findings_of
from abusedesk.policy.docket import Docket
from abusedesk.policy.measures import loses_refund
from abusedesk.records.models import (
    Appeal,
    Campaign,
    Case,
    Charge,
    CustomerRequest,
    Deadline,
    Decision,
    Duty,
    Event,
    Measure,
    Notice,
    Proposal,
    Report,
    Review,
    Thread,
    ThreadEntry,
    TicketEntry,
)
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.web import clauses, words
from abusedesk.web.ahead import ahead_of
from abusedesk.web.belief import Fact, facts_of
from abusedesk.web.forms import FORMS, ByHand, Expire, OfMeasure, StayLifted, ToClean, about
from abusedesk.web.glass import own_proposals
from abusedesk.web.readers import may_read_restricted, may_suppress
from abusedesk.web.request_words import in_short
from abusedesk.web.story import Step, Story, Under, story_of, why_of

_FOLDED = Q(campaign__isnull=False) & (Q(campaign__closed_at=None) | Q(rejected_at__isnull=False))
"""The reports that a campaign speaks for: one that is open, or one with which they were rejected."""

_REPORTS = 25
_EVENTS = 6
_NOTICES = 30
_THREAD_ENTRIES = 100


class Shown(NamedTuple):
    """A report on the case page: its events that concern the case, and how many more there are."""

    report: Report
    events: list[Event]
    more: int
    evidence: list[Fact]


class Talk(NamedTuple):
    """A reporter's thread, what was written in it, and the receipts and outcomes that went into it."""

    thread: Thread
    entries: list[ThreadEntry]
    notices: list[Notice]


class AskCard(NamedTuple):
    """One thing that a person must decide, with what each answer does."""

    what: str
    detail: str
    yes: str
    no: str
    does: str
    fields: dict[str, str]
    clauses: list[str]
    irreversible: bool = False
    more: str = ""
    """Where all that is known of it stands."""
    proposal: int | None = None
    """What waits, on a screen of its own."""


class StateRow(NamedTuple):
    """A measure with what the outside says of it."""

    measure: Measure
    title: str
    outside: str
    tone: str
    chain: list[str]
    due: Deadline | None = None
    acts: tuple[OfMeasure, ...] = ()


def case(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole case."""
    one = find(pk)
    return render(request, "web/case.html", context_of(request, one))


def find(pk: int) -> Case:
    """A case with all that its page names, or a 404."""
    return get_object_or_404(
        Case.objects.select_related("service__docket", "customer__reseller", "brand", "ticket"), pk=pk
    )


def context_of(request: HttpRequest, one: Case) -> dict[str, Any]:
    """All that the case page shows."""
    # What a person proposed on a service without any occurrence belongs to no case, and is shown on all of its cases.
    of_case = Q(case=one) | Q(case=None, docket=one.service.docket)
    measures = list(Measure.objects.filter(of_case).select_related("brand").order_by("-at", "-pk"))
    charges = list(one.charges.order_by("-at", "-pk"))
    strikes = list(one.strikes.order_by("-at"))
    deadlines = list(one.deadlines.order_by("state", "due"))
    of_measures = _of_measures(one)
    reviews = _reviews(request, one)
    story, docket = story_of(one), state_of(one.service.docket)
    reports, folded = shown_reports(one), folded_reports(one)
    return {
        "case": one,
        "brand": one.brand,
        "asks": words.asks(one.needs),
        "duties": Duty.objects.filter(service=one.service, closed_at=None).select_related("brand").order_by("due"),
        "appeals": _appeals(one),
        "cards": _with_screens(one, _cards(docket, measures, charges, reviews, reports) + _request_cards(one, docket)),
        "folded": folded,
        "may_suppress": may_suppress(request.user),
        "own": own_proposals(docket, one.brand, request.user),
        "ahead": ahead_of(one, docket),
        "clock_stands": Review.objects.filter(HOLDING, docket=one.service.docket, closed_at=None).exists(),
        "conversation": conversation_of(one),
        "threads": _threads(reports),
        "story": story,
        "reports": reports,
        "notices": _notices(one),
        "measures": [_with_acts(measure, of_measures.get(measure.item)) for measure in measures],
        "charges": charges,
        "owed": sum(charge.amount - charge.paid for charge in charges if charge.state == "owed"),
        "strikes": strikes,
        "deadlines": [deadline for deadline in deadlines if deadline.state != "open"],
        "law": clauses.of_decisions(
            one.brand,
            _cited(story, measures, charges, strikes, deadlines, reviews),
            _cited_under(story),
            one.opened_at,
        ),
        "forms": {name: form() for name, form in FORMS.items() if not issubclass(form, OfMeasure)},
        "irreversible": {"terminate"},
        "ips": _addresses(reports),
    }


def _appeals(one: Case) -> list[Appeal]:
    """The open appeals; nothing is asked where the case needs nobody for one."""
    if not any(need.startswith("appeal:") for need in one.needs):
        return []
    return list(Appeal.objects.filter(case=one, outcome="").order_by("due", "pk"))


def older(request: HttpRequest, pk: int) -> HttpResponse:
    """The next older steps of the story."""
    before = parse_datetime(request.GET.get("before", ""))
    if before is None or before.tzinfo is None:
        raise Http404("no instant")
    one = find(pk)
    return render(request, "web/story.html", {"story": story_of(one, before), "case": one, "brand": one.brand})


def why(request: HttpRequest, pk: int) -> HttpResponse:
    """Why one decision came out as it did."""
    decision = get_object_or_404(Decision.objects.select_related("docket__brand"), pk=pk)
    lines = why_of(decision)
    return render(
        request,
        "web/why.html",
        {
            "decision": decision,
            "brand": decision.docket.brand,
            "acted": [line for line in lines if line.verdict != "missed"],
            "missed": [line for line in lines if line.verdict == "missed"],
            "hash": bytes(decision.hash).hex()[:16],
            "pack": bytes(decision.pack_digest).hex()[:12],
        },
    )


def shown_reports(one: Case) -> list[Shown]:
    """The case's newest reports outside of campaigns, each with its first events."""
    counted = Event.objects.filter(case_id=one.pk).values("report_id").annotate(rows=Count("pk"))
    rows = {row["report_id"]: row["rows"] for row in counted}
    apart = Report.objects.filter(pk__in=rows).exclude(_FOLDED).select_related("reporter", "suppression")
    reports = apart.order_by("-received_at")[:_REPORTS]
    events: dict[Any, list[Event]] = defaultdict(list)
    for event in Event.objects.filter(case_id=one.pk, report_id__in=[report.pk for report in reports]).order_by(
        "occurred_at"
    )[:500]:
        events[event.report_id].append(event)
    return [
        Shown(
            report,
            events[report.pk][:_EVENTS],
            rows[report.pk] - len(events[report.pk][:_EVENTS]),
            facts_of(report.evidence),
        )
        for report in reports
    ]


def folded_reports(one: Case) -> list[tuple[Campaign, int]]:
    """The campaigns that the case's reports are part of, and how many of them are."""
    told = Event.objects.filter(case_id=one.pk).values("report_id")
    counted = dict(Report.objects.filter(_FOLDED, pk__in=told).values_list("campaign").annotate(number=Count("pk")))
    known = Campaign.objects.in_bulk(counted)
    return [(known[pk], counted[pk]) for pk in sorted(counted, reverse=True)]


def _reviews(request: HttpRequest, one: Case) -> list[Review]:
    reviews = one.reviews.filter(closed_at=None).order_by("opened_at")
    return list(reviews if may_read_restricted(request.user) else reviews.filter(restricted=False))


def conversation_of(one: Case) -> list[TicketEntry]:
    """What the desk and the customer wrote to each other, newest first.

    An answer in the ticket of another case of the service counts for this one too, and stands in its timeline.
    """
    beside = Q(ticket__case__service=one.service_id, ticket__customer=one.customer_id, at__gte=one.opened_at)
    entries = TicketEntry.objects.filter(Q(ticket__case=one) | beside & Q(author="customer"))
    return list(entries.select_related("notice", "ticket__case").order_by("-at", "-pk")[:_NOTICES])


def _threads(reports: list[Shown]) -> list[Talk]:
    """The conversations with the reporters of the reports shown."""
    found = of_reports(shown.report for shown in reports)
    entries, notices = defaultdict(list), defaultdict(list)
    for entry in (
        ThreadEntry.objects.filter(thread__in=found).select_related("notice").order_by("at", "pk")[:_THREAD_ENTRIES]
    ):
        entries[entry.thread_id].append(entry)
    for notice in Notice.objects.filter(thread__in=found, remark=None).order_by("written_at")[:_THREAD_ENTRIES]:
        notices[notice.thread_id or 0].append(notice)
    return [Talk(one, entries[one.pk], notices[one.pk]) for one in found]


def _notices(one: Case) -> list[Any]:
    return list(one.notices.order_by("-written_at")[:_NOTICES])


def state_row(measure: Measure) -> StateRow:
    """A measure as the lists show it."""
    outside, tone = words.measure_state(measure.decided, measure.state, measure.ended)
    title = words.measure(measure.kind, port=measure.port, ip=measure.ip)
    return StateRow(measure, words.sentence(title), outside, tone, words.chain(measure.tried))


def _of_measures(one: Case) -> dict[str, Deadline]:
    """When the measures of the service expire or stand again, by their ids in the docket."""
    running = Deadline.objects.filter(docket=one.service.docket, state="open").exclude(measure="")
    return {each.measure: each for each in running}


def _with_acts(measure: Measure, due: Deadline | None) -> StateRow:
    """A measure with when it ends or stands again, and what staff may say of it."""
    return state_row(measure)._replace(due=due, acts=tuple(about(form, measure) for form in _sayable(measure, due)))


def _sayable(measure: Measure, due: Deadline | None) -> tuple[type[OfMeasure], ...]:
    lifts: tuple[type[OfMeasure], ...] = (ToClean,) if telephone.hours(measure.brand) else ()
    if due is not None and due.name == "resume":
        return *lifts, StayLifted
    if measure.decided != "in_force" or measure.upstream or measure.kind == "terminate":
        return ()
    return *lifts, Expire


def _addresses(reports: Iterable[Shown]) -> list[str]:
    return sorted({str(event.ip) for shown in reports for event in shown.events if event.ip})


def _cited(story: Story, *rows: Iterable[Any]) -> list[str]:
    """Every clause that the page names, each once, in the order of first mention."""
    named = [clause for group in rows for row in group for clause in row.clauses]
    named += [clause for step in story.steps for clause in _of_step(step)]
    return list(dict.fromkeys(named))


def _cited_under(story: Story) -> dict[str, list[Under]]:
    """What each clause was cited under, the newest first."""
    found: dict[str, list[Under]] = defaultdict(list)
    for step in story.steps:
        if step.under is not None:
            for clause in _of_step(step):
                found[clause].append(step.under)
    return found


def _of_step(step: Step) -> Iterable[str]:
    yield from step.clauses
    for order in step.orders:
        yield from order.clauses


# ---------- what is asked ----------


def _cards(
    docket: Docket, measures: list[Measure], charges: list[Charge], reviews: list[Review], reports: list[Shown]
) -> list[AskCard | dict[str, Any]]:
    losing = {one.id for one in docket.measures if loses_refund(one)}
    proposed = [
        _measure_card(measure, loses=measure.item in losing)
        for measure in measures
        if measure.decided == "proposed" or measure.item in losing
    ]
    proposed += _charge_cards(charge for charge in charges if charge.state == "proposed")
    answers = [one for one in reviews if one.reason in ANSWERS and one.message_id]
    others = [one for one in reviews if one not in answers]
    return [
        *_answer_cards(answers, docket),
        *_failed_cards(measures),
        *proposed,
        *_review_cards(others, reports),
    ]


ANSWERS = {READ_REPLY, CUSTOMER_WROTE}
"""The reviews that ask what an answer says. They are answered on the case, where a clock may wait for it."""


def _answer_cards(reviews: list[Review], docket: Docket) -> list[dict[str, Any]]:
    """One card for each answer that a person has to read, with its words."""
    messages = [one.message_id for one in reviews]
    entries = TicketEntry.objects.filter(message_id__in=messages, ticket__case__in=[one.case_id for one in reviews])
    written = {entry.message_id: entry for entry in entries}
    return [
        {"reply": one, "asks": words.review(one.reason), "entry": written.get(one.message_id), "only_read": not asked}
        for one in reviews
        for asked in [one.reason == READ_REPLY or _unprocessed(docket, one.opened_at)]
    ]


def _unprocessed(docket: Docket, at: datetime) -> bool:
    return any(one.processed_at is None and not one.closed and one.opened_at <= at for one in docket.occurrences)


def _request_cards(one: Case, docket: Docket) -> list[AskCard | dict[str, Any]]:
    """What the customer asks for on the service, with a page of its own each."""
    if all(request.state != "needs_approval" for request in docket.requests):
        return []
    waiting = CustomerRequest.objects.filter(service=one.service_id, state="needs_approval").order_by("at")
    return [
        AskCard(
            what=f"The customer asks to {words.REQUEST.get(asked.kind) or words.plain(asked.kind)}",
            detail=" ".join(filter(None, (asked.ip and f"For {asked.ip}.", f"Asked {words.instant(asked.at)}."))),
            yes="Grant",
            no="Deny",
            does=in_short(findings_of(asked)) or "Granted, what stands in its way is lifted, once nothing is unpaid.",
            fields={"request": asked.item},
            clauses=list(asked.clauses),
            more=reverse("request", args=[asked.pk]),
        )
        for asked in waiting
    ]


def _with_screens(one: Case, cards: list[AskCard | dict[str, Any]]) -> list[AskCard | dict[str, Any]]:
    """The cards, each with the screen where all is shown that is needed to answer it."""
    waiting = Proposal.objects.filter(docket=one.service.docket, closed_at=None)
    screens = {(each.kind, each.request or each.name): each.pk for each in waiting}
    named = {"measure": "measure", "item": "charge", "request": "request"}

    def screen(card: AskCard) -> int | None:
        return next((screens.get((named[field], name)) for field, name in card.fields.items()), None)

    return [card._replace(proposal=screen(card)) if isinstance(card, AskCard) else card for card in cards]


def _measure_card(measure: Measure, *, loses: bool) -> AskCard:
    noun = words.measure(measure.kind, port=measure.port, ip=measure.ip)
    final = measure.kind == "terminate"
    if loses:
        return AskCard(
            what=f"Take the refund of the {noun}?",
            detail="The measure stands; without a refund is only proposed.",
            yes="Without refund",
            no="Reject",
            does="The measure goes on, without refund.",
            fields={"measure": measure.kind},
            clauses=list(measure.clauses),
        )
    refund = "" if measure.refund is None else "With refund. " if measure.refund else "Without refund. "
    return AskCard(
        what=f"Approve a {noun}?",
        detail=f"{refund}Proposed {measure.at:%-d %b, %H:%M} UTC.",
        yes=f"Approve {MEASURE_NOUN[measure.kind]}",
        no="Reject",
        does=words.MEASURE_DOES[measure.kind],
        fields={"measure": measure.kind},
        clauses=list(measure.clauses),
        irreversible=final,
    )


def _charge_cards(charges: Iterable[Charge]) -> list[AskCard]:
    """An approval covers all proposals of one name, so they are one card."""
    named: dict[str, list[Charge]] = defaultdict(list)
    for charge in charges:
        named[charge.name].append(charge)
    return [_charge_card(name, rows) for name, rows in named.items()]


def _charge_card(name: str, rows: list[Charge]) -> AskCard:
    total = words.money(sum(row.amount for row in rows), rows[0].currency)
    about = ", ".join(str(row.ip) for row in rows if row.ip)
    return AskCard(
        what=f"Approve {words.charge(name)}, {total}?",
        detail=f"For {about}." if about else f"Proposed {rows[0].at:%-d %b, %H:%M} UTC.",
        yes="Approve charge",
        no="Reject",
        does="The customer owes the amount from then on. A payment deadline may start.",
        fields={"item": name},
        clauses=list(dict.fromkeys(clause for row in rows for clause in row.clauses)),
    )


def _failed_cards(measures: list[Measure]) -> list[dict[str, Any]]:
    failed = (one for one in measures if one.state == "failed")
    return [{"failed": state_row(one), "error": one.error, "accept": _accept(one)} for one in failed]


def _accept(measure: Measure) -> OfMeasure | None:
    """What was seen undone outside may be accepted."""
    return about(ByHand, measure) if measure.decided == "in_force" and measure.outside.get("drifted") else None


BELIEF = {"verify_report", "low_assurance"}
"""The reviews that ask whether a report can be believed. They are answered on the report itself."""


def _review_cards(reviews: list[Review], reports: list[Shown]) -> list[dict[str, Any]]:
    """One card for all reports to be judged, and one for every other question."""
    known = {shown.report.pk: shown.report for shown in reports}
    reviews = _outside_campaigns(reviews)
    judged = [one for one in reviews if one.reason in BELIEF and one.report_id]
    cards: list[dict[str, Any]] = [
        {"review": one, "asks": words.review(one.reason)} for one in reviews if one not in judged
    ]
    if judged:
        further = {one.report_id for one in judged if one.report_id} - set(known)
        known |= Report.objects.select_related("reporter").in_bulk(further)
        found = dict.fromkeys(one.report_id for one in judged)
        law = list(dict.fromkeys(clause for one in judged for clause in one.clauses))
        rows = [{"id": report, "report": known.get(report) if report else None} for report in found]
        asks = "Can this report be believed?" if len(rows) == 1 else f"Can these {len(rows)} reports be believed?"
        cards.insert(0, {"judge": rows, "asks": asks, "clauses": law})
    return cards


def _outside_campaigns(reviews: list[Review]) -> list[Review]:
    """The questions but those about reports of an open campaign, which is judged as one."""
    asked = [one.report_id for one in reviews if one.reason in BELIEF and one.report_id]
    of_one = Report.objects.filter(pk__in=asked, campaign__isnull=False, campaign__closed_at=None)
    folded = set(of_one.values_list("pk", flat=True)) if asked else set()
    return [one for one in reviews if one.reason not in BELIEF or one.report_id not in folded]
