"""The policies: every brand with the version in force, and one policy clause by clause."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.desk.policies.publish import files_of
from abusedesk.policy.author.coverage import ClauseCoverage
from abusedesk.policy.author.pack_zip import zip_of
from abusedesk.policy.author.show import as_html, sheet
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Publication
from abusedesk.web import citations, policy
from abusedesk.web.pack_files import covered, pack_at


class Row(NamedTuple):
    """A clause or safeguard on the page, the cases that try it, and how often it was cited, None while not counted."""

    card: Any
    cited: citations.Cited | None
    coverage: ClauseCoverage | None = None


class PolicyRow(NamedTuple):
    """A brand with its policy; `problem` says why it cannot be read, `waiting` how many proposals wait for a person."""

    brand: Brand
    title: str
    now: policy.VersionRow | None
    coming: policy.VersionRow | None
    problem: str
    published: Publication | None = None
    waiting: int = 0


def policies(request: HttpRequest) -> HttpResponse:
    """Every brand with the policy that it goes by."""
    rows = [_row(brand, timezone.now()) for brand in Brand.objects.order_by("name")]
    return render(request, "web/policies.html", {"rows": rows})


def policy_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One policy, as it stands now or stood at a date."""
    brand = get_object_or_404(Brand, slug=slug)
    at, wrong = _instant(request)
    try:
        pack = pack_at(brand, at)
    except Problem as problem:
        return render(request, "web/policy_unread.html", {"brand": brand, "problem": str(problem)}, status=503)
    shown = policy.shown(pack, settings_of(brand), at)
    text, kind = request.GET.get("q", "").strip(), request.GET.get("show", "")
    cited = citations.count(brand, timezone.now()) if request.GET.get("cited") else citations.known(brand)
    tried = covered(brand)
    tally = Counter(one.state for one in tried.values() if one.clause in pack.clauses)
    untested = frozenset(one.clause for one in tried.values() if one.state == "no case")
    context = {
        "brand": brand,
        "shown": shown,
        "rows": _rows(policy.matching(shown.cards, text, kind, untested), cited, tried),
        "safeguards": _rows(shown.safeguards, cited, tried),
        "tally": tally,
        "in_passing": tally["in passing"],
        "untested": tally["no case"],
        "at": at,
        "wrong": wrong,
        "dated": "at" in request.GET and not wrong,
        "kinds": policy.SHOWN,
        "counted": cited is not None,
        "days": citations.DAYS,
        "waiting": brand.publications.filter(state="proposed").count(),
        "filtered": bool(text or kind),
    }
    only_list = request.htmx and request.htmx.target == "clauses"  # type: ignore[attr-defined]
    return render(request, "web/policy_clauses.html" if only_list else "web/policy.html", context)


def cited(request: HttpRequest, slug: str) -> HttpResponse:
    """The counts of citations, for the page that is there already."""
    brand = get_object_or_404(Brand, slug=slug)
    counts = citations.count(brand, timezone.now())
    pack = _pack_or_404(brand)
    rows = _rows([*pack.clauses.values(), *policy.safeguards_of(pack)], counts)
    context = {"brand": brand, "rows": rows, "counted": counts is not None, "days": citations.DAYS}
    return render(request, "web/policy_cited.html", context)


def public(request: HttpRequest, slug: str) -> HttpResponse:
    """The policy as one page for the public, to be kept or put on the provider's own site."""
    brand = get_object_or_404(Brand, slug=slug)
    at, _ = _instant(request)
    try:
        page = as_html(sheet(pack_at(brand, at), at, settings_of(brand)))
    except Problem as problem:
        raise Http404(str(problem)) from None
    response = HttpResponse(page)
    response.headers["Content-Disposition"] = f'attachment; filename="{brand.slug}-policy-{at:%Y-%m-%d}.html"'
    return response


def pack_zip(request: HttpRequest, slug: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The pack's folder as a zip, to be changed and tried."""
    brand = get_object_or_404(Brand, slug=slug)
    _pack_or_404(brand)
    response = HttpResponse(zip_of(files_of(brand)), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{brand.slug}-pack.zip"'
    return response


def _row(brand: Brand, now: datetime) -> PolicyRow:
    try:
        pack = pack_of(brand)
    except Problem as problem:
        return PolicyRow(brand, brand.pack, None, None, str(problem))
    told = list(brand.publications.filter(state__in=["proposed", "published"]).order_by("-decided_at").defer("cases"))
    published = next((one for one in told if one.state == "published"), None)
    rows = policy.version_rows(pack, settings_of(brand), now)
    in_force = next((row for row in rows if row.state == "now"), None)
    coming = next((row for row in reversed(rows) if row.state == "coming" and row.since), None)
    waiting = sum(one.state == "proposed" for one in told)
    return PolicyRow(brand, pack.title, in_force, coming, "", published, waiting)


def _instant(request: HttpRequest) -> tuple[datetime, str]:
    """The instant that the page is asked for, the end of a day that is named, and what is wrong with it."""
    text = request.GET.get("at", "").strip()
    if not text:
        return timezone.now(), ""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return timezone.now(), f"“{text}” is no date; write it as 2026-01-31."
    return day, ""


def _pack_or_404(brand: Brand) -> Any:
    try:
        return pack_of(brand)
    except Problem as problem:
        raise Http404(str(problem)) from None


def _rows(
    cards: Iterable[Any],
    counts: Mapping[str, citations.Cited] | None,
    tried: Mapping[str, ClauseCoverage] | None = None,
) -> list[Row]:
    never = citations.Cited(0, [])
    return [
        Row(card, None if counts is None else counts.get(card.id, never), (tried or {}).get(card.id)) for card in cards
    ]
