"""Publishing: a changed policy is put forward by one person and decided by another; the story stays for good."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.decide import settings_of
from abusedesk.desk.policies import publish as desk
from abusedesk.desk.policies.whatif import runs
from abusedesk.policy.author.back import reaches_back
from abusedesk.policy.author.pack_zip import zip_of
from abusedesk.policy.pack import Pack
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Publication
from abusedesk.records.packs import kept
from abusedesk.web import pack_checks
from abusedesk.web.readers import may_publish
from abusedesk.web.views import whatif
from abusedesk.web.views.whatif import ProposeForm

_SHOWN = 50
_TRIED = 5
_MEANT = "What reaches back, named below, must be confirmed as meant; or give the change a version from a date to come"


class RejectForm(forms.Form):
    """Why a proposal is not taken."""

    reason = forms.CharField(label="Reason, for its author", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


def publications(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a decision, and all that was ever published or not."""
    brand = get_object_or_404(Brand, slug=slug)
    found = list(brand.publications.order_by("-proposed_at").defer("cases")[:_SHOWN])
    context = {
        "brand": brand,
        "waiting": [one for one in found if one.state == "proposed"],
        "past": [one for one in found if one.state != "proposed"],
        "current": _current(brand),
        "may_publish": may_publish(request.user),
    }
    return render(request, "web/publications.html", context)


def publication(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One publication: what it changes, and what was decided about it by whom."""
    return _page(request, _find(slug, pk), RejectForm())


@require_POST
def propose(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """Put a what-if forward as the brand's policy."""
    run, form = whatif.find(slug, pk), ProposeForm(request.POST)
    if not may_publish(request.user):
        return _locked(request, run.brand)
    if form.is_valid():
        try:
            made = desk.propose(
                run.brand,
                runs.files_of(run),
                request.user.get_username(),
                form.cleaned_data["note"],
                reaching_back_is_meant=form.cleaned_data["meant"],
            )
        except desk.ReachesBackError:
            form.add_error(None, _MEANT)
        except Problem as problem:
            form.add_error(None, str(problem))
        else:
            messages.info(request, "Proposed. It waits for another person.", extra_tags="wait")
            return redirect("publication", slug, made.pk)
    return whatif.page(request, run, propose=form, status=422)


@require_POST
def approve(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Publish what another person proposed: from now on the brand goes by it."""
    return _decide(request, slug, pk, desk.approve, said="Published. The next decision is made by it.", tone="good")


@require_POST
def withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take back one's own proposal."""
    return _decide(request, slug, pk, desk.withdraw, said="Withdrawn.")


@require_POST
def reject(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Turn down what another person proposed, with a reason."""
    form = RejectForm(request.POST)
    if not form.is_valid() and may_publish(request.user):
        return _page(request, _find(slug, pk), form, status=422)

    def turn_down(one: Publication, by: str) -> object:
        return desk.reject(one, by, form.cleaned_data["reason"])

    return _decide(request, slug, pk, turn_down, said="Rejected. The author sees the reason.")


@require_POST
def try_out(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make a what-if of what was proposed, or of a policy of before: what it would change today, and have changed."""
    one = _find(slug, pk)
    if one.state == "proposed":
        title = f"What {one.author} proposed on {one.proposed_at:%-d %B %Y}"
    else:
        title = f"Back to the policy of {one.decided_at or one.proposed_at:%-d %B %Y}"
    try:
        files = desk.files_of_publication(one)
        run = runs.make(one.brand, files, request.user.get_username(), title, timezone.now())
    except Problem as problem:
        messages.error(request, str(problem), extra_tags="late")
        return redirect("publication", slug, pk)
    return redirect("trial", slug, run.pk)


def publication_zip(request: HttpRequest, slug: str, pk: int) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The pack of a publication as a zip."""
    one = _find(slug, pk)
    try:
        data = zip_of(desk.files_of_publication(one))
    except Problem as problem:
        raise Http404(str(problem)) from None
    response = HttpResponse(data, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-pack-{one.pk}.zip"'
    return response


def _find(slug: str, pk: int) -> Publication:
    return get_object_or_404(Publication.objects.select_related("brand", "pack"), pk=pk, brand__slug=slug)


def _current(brand: Brand) -> int | None:
    """The publication that the brand goes by, if it goes by one."""
    if brand.published_id is None:
        return None
    found = brand.publications.filter(state="published", pack=brand.published_id)
    return found.order_by("-decided_at").values_list("pk", flat=True).first()


def _locked(request: HttpRequest, brand: Brand) -> HttpResponse:
    return render(request, "web/publish_locked.html", {"brand": brand}, status=403)


def _decide(
    request: HttpRequest, slug: str, pk: int, how: Callable[[Publication, str], object], *, said: str, tone: str = ""
) -> HttpResponse:
    one = _find(slug, pk)
    if not may_publish(request.user):
        return _locked(request, one.brand)
    try:
        how(one, request.user.get_username())
    except Problem as problem:
        messages.error(request, str(problem), extra_tags="late")
    else:
        messages.success(request, said, extra_tags=tone)
    return redirect("publication", slug, pk)


def _page(request: HttpRequest, one: Publication, form: RejectForm, status: int = 200) -> HttpResponse:
    before, after, problem = _packs(one)
    files = desk.files_of_publication(one)
    checks = pack_checks.checks_of(files) if one.state == "proposed" else None
    context = {
        "publication": one,
        "brand": one.brand,
        "problem": problem,
        "changes": pack_checks.changes(before, after, desk.cases_before(one), files) if before and after else None,
        "backwards": _reaching_back(one, before, after),
        "checks": checks,
        "entries": one.entries.order_by("sequence"),
        "form": form,
        "tried": one.brand.what_ifs.filter(digest=one.pack_id).order_by("-at").defer("files", "result")[:_TRIED],
        "own": one.author.casefold() == request.user.get_username().casefold(),
        "outdated": one.state == "proposed" and desk.is_outdated(one),
        "current": one.pk == _current(one.brand),
        "may_publish": may_publish(request.user),
    }
    return render(request, "web/publication.html", context, status=status)


def _packs(one: Publication) -> tuple[Pack | None, Pack | None, str]:
    """The pack before and the one proposed, as they were kept, and why they cannot be read where they cannot."""
    try:
        return kept(one.previous), kept(one.pack_id), ""
    except Problem as problem:
        return None, None, str(problem)


def _reaching_back(one: Publication, before: Pack | None, after: Pack | None) -> list[str]:
    """What reaches back: of a proposal as things stand, of a decided one as it was told to whoever decided."""
    if one.state != "proposed" or before is None or after is None:
        return list(one.reaches_back)
    return reaches_back(before, after, settings_of(one.brand), timezone.now())
