"""Our mistake: what was wrong, what undoing it brings, one confirmation, and what is on record of it."""

from collections import defaultdict
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import structlog
from django.contrib import messages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import appeals
from abusedesk.desk.answering.letters import LONGEST
from abusedesk.desk.mistake import downtime
from abusedesk.desk.mistake.letter import apology
from abusedesk.desk.mistake.perform import Confirmed, carry_out, record
from abusedesk.desk.mistake.picks import Pick, pick_of
from abusedesk.desk.mistake.plan import Plan, Wanted, plan
from abusedesk.desk.perform.reaching import first_address
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Docket, Mistake
from abusedesk.web import mistake_words as said
from abusedesk.web import paging
from abusedesk.web.mistake_scope import OFFERED, Scope, options, scope_of
from abusedesk.web.words import Line

log = structlog.get_logger()

_FOLLOWED = "followed:"


class Chosen(NamedTuple):
    """What a form says: what is undone, what of the follow-ups is too and what stands, and what else is undone."""

    picks: frozenset[Pick] | None
    undo: frozenset[Pick]
    stands: frozenset[Pick]
    besides: frozenset[Pick]


# --- before ---------------------------------------------------------------------------------------------------------


def new(request: HttpRequest) -> HttpResponse:
    """Say what was wrong, see what follows, confirm."""
    scope, wrong = scope_of(request.GET), request.GET.get("wrong", "")
    if scope.appeal is not None:
        try:
            appeals.check_may_decide(scope.appeal, request.user.get_username())
        except Problem as problem:
            messages.error(request, str(problem), extra_tags="late")
            return redirect("appeal", scope.appeal.pk)
    if wrong not in OFFERED:
        return render(request, "web/mistake_new.html", {"scope": scope, "wrong": said.WRONG.items()})
    return _preview(request, scope, wrong)


def _preview(request: HttpRequest, scope: Scope, wrong: str) -> HttpResponse:
    chosen, now = _chosen(request), timezone.now()
    offered = options(scope, wrong, chosen.picks)
    reason = request.POST.get("reason", "").strip()[:300]
    by = request.user.get_username()
    picks = tuple(one.pick for one in offered if one.chosen)
    found = plan(scope.dockets, Wanted(picks, (*chosen.undo, *chosen.besides), by, reason), now)
    lost = downtime.outages(found)
    away = downtime.of_outages(lost, now)
    draft = apology(scope.case, [one for lines in found.ended.values() for one in lines], away)
    wrongs = _wrongs(request, found, chosen, reason)
    if request.POST.get("do") == "confirm" and not wrongs:
        return _confirm(request, scope, wrong, found, draft)
    address = first_address(scope.case.customer)
    context = {
        "scope": scope,
        "wrong": wrong,
        "title": said.WRONG[wrong][0],
        "options": offered,
        "lines": _lines(found),
        "asked": [
            (one, said.asked(one, found.after[one.pick.docket]), _answer(one.pick, chosen)) for one in found.asked
        ],
        "left": [
            (one, said.thing(one, found.before[one.docket]), one in chosen.besides)
            for one in found.left
            if _is_named(one, found)
        ],
        "untold": found.untold,
        "away": said.hours(away) if away else "",
        "lost": lost,
        "letter": _letter(request, draft),
        "draft": _digest(draft),
        "address": address,
        "sends": request.POST.get("send") == "yes" if request.method == "POST" else bool(address),
        "reason": reason,
        "verdict": request.POST.get("verdict", "granted"),
        "seen": found.seen,
        "token": request.POST.get("token") or uuid4().hex,
        "wrongs": wrongs if request.POST.get("do") == "confirm" else [],
    }
    return render(request, "web/mistake_preview.html", context, status=422 if context["wrongs"] else 200)


def _chosen(request: HttpRequest) -> Chosen:
    if request.method != "POST":
        return Chosen(None, frozenset(), frozenset(), frozenset())
    answers = {name.removeprefix(_FOLLOWED): value for name, value in request.POST.items() if _FOLLOWED in name}
    return Chosen(
        _read(request.POST.getlist("pick")),
        _read(one for one, value in answers.items() if value == "undo"),
        _read(one for one, value in answers.items() if value == "stands"),
        _read(request.POST.getlist("besides")),
    )


def _read(texts: Any) -> frozenset[Pick]:
    return frozenset(one for text in texts if (one := pick_of(text)) is not None)


def _answer(pick: Pick, chosen: Chosen) -> str:
    return "undo" if pick in chosen.undo else "stands" if pick in chosen.stands else ""


def _is_named(pick: Pick, found: Plan) -> bool:
    """Whether it was there before: what only falls back to a proposal is told as such."""
    rows = found.before[pick.docket]
    known = {*(one.id for one in rows.measures), *(one.id for one in rows.charges), *(one.id for one in rows.deadlines)}
    return pick.id in known


def _lines(found: Plan) -> list[tuple[str, list[Line]]]:
    """What ends, service by service."""
    named = Docket.objects.filter(pk__in=found.ended).select_related("service")
    names = {one.pk: str(one.service) if one.service else str(one.brand) for one in named}
    return [(names[pk], [said.ending(one) for one in lines]) for pk, lines in found.ended.items()]


def _letter(request: HttpRequest, draft: str) -> str:
    """What was written, or the draft where nobody changed the last one."""
    written = _plain(request.POST.get("letter", ""))
    if request.method != "POST" or _digest(written) == request.POST.get("draft"):
        return draft
    return written


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")[:LONGEST]


def _digest(text: str) -> str:
    return sha256(" ".join(text.split()).encode()).hexdigest()[:24]


def _wrongs(request: HttpRequest, found: Plan, chosen: Chosen, reason: str) -> list[str]:
    """What keeps it from being confirmed."""
    open_still = [one for one in found.asked if not _answer(one.pick, chosen)]
    return [
        text
        for text, is_wrong in (
            ("Nothing is chosen, so nothing would be undone.", not found.moves),
            ("Say of each follow-up whether it is undone too.", bool(open_still)),
            ("Say in a few words what was wrong.", not reason),
            ("Something changed since you looked. See what follows now, then confirm.", _changed(request, found)),
        )
        if is_wrong
    ]


def _changed(request: HttpRequest, found: Plan) -> bool:
    return request.POST.get("seen") != found.seen


def _confirm(request: HttpRequest, scope: Scope, wrong: str, found: Plan, draft: str) -> HttpResponse:
    now = timezone.now()
    lines = [(about, line) for about, rows in _lines(found) for line in rows]
    confirmed = Confirmed(
        case=scope.case,
        wrong=wrong,
        by=request.user.get_username(),
        reason=request.POST.get("reason", "").strip()[:300],
        said=said.said(lines),
        letter=_letter(request, draft) if request.POST.get("send") == "yes" else "",
        key=_token(request),
        appeal=scope.appeal,
        verdict=("partly" if request.POST.get("verdict") == "partly" else "granted") if scope.appeal else "",
    )
    made = record(found, confirmed, now)
    _carry_out(request, made.pk)
    return redirect("mistake", made.pk)


def _token(request: HttpRequest) -> str:
    try:
        return UUID(request.POST.get("token", "")).hex
    except ValueError:
        raise Http404("no mistake of this form") from None


def _carry_out(request: HttpRequest, pk: int) -> None:
    """Carries it out as far as it goes now; the watch goes on with what is left."""
    try:
        carry_out(pk, timezone.now())
    except DatabaseError:
        log.exception("mistake not undone yet", mistake=pk)
        text = "It is on record, and not all of it is done yet. It goes on by itself within a minute or two."
        messages.warning(request, text, extra_tags="late")


# --- after ----------------------------------------------------------------------------------------------------------


def mistake(request: HttpRequest, pk: int) -> HttpResponse:
    """What was undone, the letter, and the time without the service."""
    one = get_object_or_404(
        Mistake.objects.select_related("case__service", "customer", "brand", "appeal", "case__brand"), pk=pk
    )
    now = timezone.now()
    lost = list(one.downtimes.select_related("service", "measure").order_by("since", "pk"))
    context = {
        "mistake": one,
        "title": said.WRONG[one.wrong][0],
        "lost": lost,
        "away": said.hours(downtime.of_mistakes([one], now)[one.pk]),
        "runs": any(each.until is None for each in lost),
    }
    return render(request, "web/mistake.html", context)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with what broke off."""
    _carry_out(request, get_object_or_404(Mistake, pk=pk).pk)
    return redirect("mistake", pk)


def mistakes(request: HttpRequest) -> HttpResponse:
    """All mistakes, newest first, and how long customers were without a service by them."""
    found = Mistake.objects.select_related("brand", "customer", "case__service")
    if request.GET.get("brand"):
        found = found.filter(brand__slug=request.GET["brand"])
    page = paging.newest_first(found, "at", request.GET.get("after", ""))
    away = downtime.of_mistakes(page.rows, timezone.now())
    context = {
        "rows": [(one, said.WRONG[one.wrong][0], said.hours(away[one.pk])) for one in page.rows],
        "next": page.next,
        "sums": _sums(request.GET.get("brand", "")),
        "brands": Brand.objects.order_by("name"),
    }
    return render(request, "web/mistakes.html", context)


class Sum(NamedTuple):
    """A brand's mistakes of one month."""

    month: Any
    brand: str
    number: int
    away: str


def _sums(brand: str) -> list[Sum]:
    """By brand and month, the last twelve months with mistakes; the month is that in which it was undone, in UTC."""
    now = timezone.now()
    found = Mistake.objects.filter(at__gte=now - timedelta(days=366)).select_related("brand")
    if brand:
        found = found.filter(brand__slug=brand)
    rows = list(found.only("at", "brand__name"))
    away = downtime.of_mistakes(rows, now)
    by_month: dict[tuple[Any, str], list[Mistake]] = defaultdict(list)
    for one in rows:
        by_month[one.at.date().replace(day=1), one.brand.name].append(one)
    return [
        Sum(month, name, len(ones), said.hours(sum((away[one.pk] for one in ones), timedelta())))
        for (month, name), ones in sorted(by_month.items(), key=lambda row: (row[0][0], row[0][1]), reverse=True)
    ]
