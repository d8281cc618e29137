"""The queue: what needs a person now, one row per case, and beside it the reviews that have no case."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Func, Q, QuerySet, TextField, Value
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from abusedesk.records.models import Brand, Case, Duty, Effect, Event, Message, Proposal, Report, Review
from abusedesk.vocabulary.assurance import RANK
from abusedesk.web import paging, words
from abusedesk.web.readers import files_for, may_read_restricted
from abusedesk.web.standing import MOST, capped
from abusedesk.web.views import asked

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "verify": ("Verify", ("review:verify_report", "review:low_assurance")),
    "approve": ("Approve", ("proposal:",)),
    "answer": ("Answer", ("request:",)),
    "failed": ("Failed", ("failed:",)),
    "appeal": ("Appeals", ("appeal:",)),
}
"""The filter chips: their word, and how the needs that they cover begin."""

_TALLIED = 5000
_RAIL = 12
_REASONS = 4
_NOBODY = UUID(int=0)

_OF_INVENTORIES = """
SELECT (SELECT count(*) FROM records_comparison WHERE state = 'waiting'),
       (SELECT count(*) FROM records_contradiction WHERE ended_at IS NULL AND choice = '')
"""


class Row(NamedTuple):
    """One case as the list shows it."""

    case: Case
    asks: list[words.Ask]
    assurance: str


class Chip(NamedTuple):
    """One filter: its value, its word, and how many rows it would show."""

    value: str
    word: str
    number: int


def queue(request: HttpRequest) -> HttpResponse:
    """What needs a person now."""
    waiting = Case.objects.exclude(needs=[])
    shown = _filtered(waiting, request)
    page = _page(shown, request)
    requests = asked.waiting(request.GET.get("brand", ""))
    context = {
        "rows": rows_of(page.rows),
        "next": page.next,
        "brands": Brand.objects.order_by("name"),
        "kinds": _chips(waiting, request, {"answer": len(requests)}),
        "reviews": _reviews_without_case(request),
        "inventories": _of_inventories(),
        "approvals": capped(Proposal.objects.filter(closed_at=None)[: MOST + 1].count()),
        "files": capped(files_for(request.user).filter(state="open")[: MOST + 1].count()),
        "duties": _open_duties(request.GET.get("brand", "")),
        "requests": requests if _shows_requests(request) else [],
        "kept_back": _kept_back(request.GET.get("brand", "")),
        "filtered": any(request.GET.get(name) for name in ("brand", "kind", "q")),
    }
    return render(request, "web/queue_list.html" if request.htmx else "web/queue.html", context)  # type: ignore[attr-defined]


def _shows_requests(request: HttpRequest) -> bool:
    """Whether requests that stand in no case's row belong here: not where another kind of work is looked for."""
    return request.GET.get("kind", "") in {"", "answer"} and not request.GET.get("q", "").strip()


def _kept_back(brand: str) -> list[dict[str, Any]]:
    """Mails that have not gone out by our own doing: how many for each reason, the most first."""
    found = Effect.objects.filter(state__in=("pending", "gathered")).exclude(waits="")
    found = found.filter(brand__slug=brand) if brand else found
    counted = found.values("waits").annotate(number=Count("pk")).order_by("-number", "waits")[:_REASONS]
    return [dict(one) for one in counted]


def _open_duties(brand: str) -> "QuerySet[Duty]":
    """What upstreams demand and nobody has closed, the most urgent first."""
    found = Duty.objects.filter(closed_at=None).select_related("brand", "service").order_by("due")
    return found.filter(brand__slug=brand) if brand else found


def cases(request: HttpRequest) -> HttpResponse:
    """Every case, the last opened first, whether anything is asked or not."""
    page = paging.latest_made(_filtered(Case.objects.all(), request), request.GET.get("after", ""))
    context = {"rows": rows_of(page.rows), "next": page.next, "brands": Brand.objects.order_by("name")}
    return render(request, "web/cases.html", context)


def _page(shown: "QuerySet[Case]", request: HttpRequest) -> paging.Page:
    after = request.GET.get("after", "")
    related = shown.select_related("service", "customer", "brand")
    if request.GET.get("order") == "newest":
        return paging.newest_first(related, "last_at", after)
    return paging.soonest_first(related, "next_due", "last_at", after)


def _filtered(cases: "QuerySet[Case]", request: HttpRequest) -> "QuerySet[Case]":
    brand, kind, text = (request.GET.get(name, "").strip() for name in ("brand", "kind", "q"))
    cases = cases.select_related("service", "customer", "brand")
    if brand:
        cases = cases.filter(brand=_brand(brand))
    if kind in KINDS:
        cases = _of_kind(cases, KINDS[kind][1])
    return cases.filter(_matches(text)) if text else cases


def _brand(slug: str) -> int:
    """The id, so that the database sees how many cases the brand has and takes the index that fits."""
    return Brand.objects.filter(slug=slug).values_list("pk", flat=True).first() or 0


def _of_kind(cases: "QuerySet[Case]", beginnings: tuple[str, ...]) -> "QuerySet[Case]":
    if not any(beginning.endswith(":") for beginning in beginnings):
        return cases.filter(needs__overlap=list(beginnings))
    together = Func(F("needs"), Value(" "), function="array_to_string", output_field=TextField())
    wanted = Q()
    for beginning in beginnings:
        wanted |= Q(needs_text__contains=beginning)
    return cases.annotate(needs_text=together).filter(wanted)


def _matches(text: str) -> Q:
    return (
        Q(service__ref__icontains=text)
        | Q(service__label__icontains=text)
        | Q(customer__name__icontains=text)
        | Q(customer__ref__iexact=text)
        | Q(abuse_type__iexact=text)
    )


def _of_inventories() -> dict[str, int]:
    """How many differences and contradictions of inventories wait for a person, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_INVENTORIES)
        differences, contradictions = cursor.fetchone()
    return {"differences": differences, "contradictions": contradictions}


def _chips(waiting: "QuerySet[Case]", request: HttpRequest, beside: Mapping[str, int]) -> list[Chip]:
    """The filters; `beside` says how much of each kind stands in no case's row."""
    brand = request.GET.get("brand", "")
    chosen = waiting.filter(brand=_brand(brand)) if brand else waiting
    tally: Counter[str] = Counter()
    for needs in chosen.values_list("needs", flat=True)[:_TALLIED]:
        tally.update(
            {kind for kind, (_, beginnings) in KINDS.items() if any(need.startswith(beginnings) for need in needs)}
        )
    return [Chip(kind, word, tally[kind] + beside.get(kind, 0)) for kind, (word, _) in KINDS.items()]


def rows_of(cases: Iterable[Case]) -> list[Row]:
    """Cases as the list shows them, with what is asked and the best assurance of each."""
    cases = list(cases)
    believed = assurance_of(cases)
    return [Row(case, words.asks(case.needs), believed.get(case.pk, "")) for case in cases]


def assurance_of(cases: Iterable[Case]) -> dict[int, str]:
    """The best assurance among the reports of each case that staff have not rejected."""
    pairs = set(
        Event.objects.filter(case_id__in=[case.pk for case in cases]).values_list("case_id", "report_id").distinct()
    )
    grades = dict(
        Report.objects.filter(pk__in={report for _, report in pairs}, rejected_at=None).values_list("pk", "assurance")
    )
    best: dict[int, str] = {}
    for case, report in pairs:
        grade = grades.get(report)
        if case is not None and grade and RANK[grade] >= RANK[best.get(case, "unverified")]:
            best[case] = grade
    return best


def _reviews_without_case(request: HttpRequest) -> dict[str, Any]:
    waiting = open_reviews(request)
    return {
        "shown": with_messages(waiting.order_by("-opened_at")[:_RAIL]),
        "number": capped(waiting[: MOST + 1].count()),
    }


def open_reviews(request: HttpRequest) -> "QuerySet[Review]":
    """The open reviews without a case that the user may see, of the brand chosen."""
    rows = Review.objects.filter(case=None, closed_at=None).select_related("brand")
    if request.GET.get("brand"):
        rows = rows.filter(brand__slug=request.GET["brand"])
    return rows if may_read_restricted(request.user) else rows.filter(restricted=False)


def with_messages(rows: Iterable[Review]) -> list[dict[str, Any]]:
    """Reviews, each with the message that it is about."""
    reviews = list(rows)
    reports = dict(
        Report.objects.filter(pk__in=[one.report_id for one in reviews if one.report_id]).values_list(
            "pk", "message_id"
        )
    )
    about = {one.pk: one.message_id or (reports.get(one.report_id) if one.report_id else None) for one in reviews}
    known = Message.objects.defer("payload").in_bulk([message for message in about.values() if message])
    return [{"review": one, "message": known.get(about[one.pk] or _NOBODY)} for one in reviews]
