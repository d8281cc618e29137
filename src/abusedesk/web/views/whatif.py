"""What-ifs: a changed policy in words, its faults, its cases, and what the past would have been under it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.desk.policies.publish import files_of, reaching_back
from abusedesk.desk.policies.whatif import runs
from abusedesk.policy.author.pack_zip import belongs, files_from_zip, zip_of
from abusedesk.policy.author.whatif import Difference
from abusedesk.policy.pack import Pack, pack_from
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Case, Service, WhatIfRun
from abusedesk.web import pack_checks, past_words, words
from abusedesk.web.policy_form import ChangeForm, UploadForm
from abusedesk.web.readers import may_publish

_HANDED_IN = "A pack handed in"
"""What is tried where nobody says what it is; no reason to give whoever has to approve it."""
_RECENT = 12
_GROUPS = 40
SPANS = {"30": "the last 30 days", "90": "the last 90 days", "365": "the last year", "": "all that is recorded"}
"""From when the past is played, in days, and how that is said."""


class PlayForm(forms.Form):
    """Which past is played, and how."""

    days = forms.ChoiceField(label="Over", choices=list(SPANS.items()), required=False)
    always = forms.BooleanField(
        label="as if the newest version had been in force all along",
        required=False,
        help_text="Without it, each day is decided by the version of its own date.",
    )


class ProposeForm(forms.Form):
    """Why the policy changes, and that its author means what reaches back."""

    note = forms.CharField(label="What changes and why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    meant = forms.BooleanField(label="This is meant", required=False)


class Group(NamedTuple):
    """The differences of one case, or of what is no case on a service, in words."""

    case: int | None
    abuse_type: str
    service: Service | None
    ref: str
    lines: list[past_words.Said]


def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a change, by its values or by handing in a pack, and see what was tried before."""
    brand = get_object_or_404(Brand, slug=slug)
    try:
        pack = pack_of(brand)
    except Problem as problem:
        return render(request, "web/policy_unread.html", {"brand": brand, "problem": str(problem)}, status=503)
    by_values = request.method == "POST" and request.POST.get("how") == "values"
    handed_in = request.method == "POST" and request.POST.get("how") == "upload"
    change = ChangeForm(pack, settings_of(brand), timezone.now().date(), request.POST if by_values else None)
    upload = UploadForm(request.POST, request.FILES) if handed_in else UploadForm()
    run = _from_values(request, brand, change) if by_values else None
    run = _from_upload(request, brand, upload) if handed_in else run
    if run is not None:
        return redirect("trial", slug, run.pk)
    context = {"brand": brand, "pack": pack, "change": change, "upload": upload, "recent": _recent(brand)}
    refused = by_values or handed_in
    return render(request, "web/what_if.html", context, status=422 if refused else 200)


def trial(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """One changed policy: what changes, what is wrong with it, and the past under it."""
    run = find(slug, pk)
    return page(request, run)


def progress(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """How far the replay is, or what came of it."""
    run = find(slug, pk)
    context = {"run": run, "brand": run.brand, "form": PlayForm(initial=_initial(run)), **_past(request, run)}
    return render(request, "web/trial_progress.html", {**context, "overrides": _overrides(run)})


def checks(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """The faults of the changed pack, and how its own cases fare."""
    run = find(slug, pk)
    found = pack_checks.checks_of(runs.files_of(run))
    return render(request, "web/trial_checks.html", {"run": run, "checks": found})


def trial_zip(request: HttpRequest, slug: str, pk: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The changed pack as a zip."""
    run = find(slug, pk)
    response = HttpResponse(zip_of(runs.files_of(run)), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-pack-changed.zip"'
    return response


@require_POST
def play(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """Have the past played under the changed pack."""
    run = find(slug, pk)
    form = PlayForm(request.POST)
    if not form.is_valid():
        return page(request, run, play=form, status=422)
    days, now = form.cleaned_data["days"], timezone.now()
    since = now - timedelta(days=int(days)) if days else None
    runs.ask(run, since, as_if_always=form.cleaned_data["always"], now=now)
    return redirect("trial", slug, pk)


@require_POST
def delete(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """Forget a what-if; one that is being played ends."""
    find(slug, pk).delete()
    messages.info(request, "The what-if is deleted.")
    return redirect("what-if", slug)


def find(slug: str, pk: str) -> WhatIfRun:
    """A what-if of a brand, or a 404."""
    return get_object_or_404(WhatIfRun.objects.select_related("brand"), pk=pk, brand__slug=slug)


def _recent(brand: Brand) -> Iterable[WhatIfRun]:
    return brand.what_ifs.order_by("-at").defer("files", "result")[:_RECENT]


# ---------- making one ----------


def _from_values(request: HttpRequest, brand: Brand, form: ChangeForm) -> WhatIfRun | None:
    if not form.is_valid():
        return None
    try:
        files = files_of(brand)
        files["pack.yaml"] = form.changed(files["pack.yaml"].decode()).encode()
        return _made(request, brand, files, form.title())
    except Problem as problem:
        form.add_error(None, str(problem))
        return None


def _from_upload(request: HttpRequest, brand: Brand, form: UploadForm) -> WhatIfRun | None:
    if not form.is_valid():
        return None
    try:
        files = _handed_in(form.cleaned_data["pack"], brand)
        return _made(request, brand, files, form.cleaned_data["title"] or _HANDED_IN)
    except Problem as problem:
        form.add_error("pack", str(problem))
        return None


def _handed_in(file: Any, brand: Brand) -> dict[str, bytes]:
    data = file.read()
    if data[:2] == b"PK" or not file.name.endswith((".yaml", ".yml")):
        return files_from_zip(data)
    return {**files_of(brand), "pack.yaml": data}


def _made(request: HttpRequest, brand: Brand, files: dict[str, bytes], title: str) -> WhatIfRun:
    own = {name: data for name, data in files.items() if belongs(name)}
    return runs.make(brand, own, request.user.get_username(), title, timezone.now())


# ---------- one of them ----------


def page(
    request: HttpRequest,
    run: WhatIfRun,
    play: PlayForm | None = None,
    propose: ProposeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """One what-if, with the forms that may have been refused."""
    files, before = runs.files_of(run), files_of(run.brand)
    changed, present = pack_from(files), pack_of(run.brand)
    differences = pack_checks.changes(present, changed, before, files)
    context = {
        "run": run,
        "brand": run.brand,
        "form": play or PlayForm(initial=_initial(run)),
        "propose": propose or ProposeForm(initial={"note": run.title if run.title != _HANDED_IN else ""}),
        "changes": differences,
        "backwards": reaching_back(run.brand, changed),
        "outdated": run.present != present.digest,
        "same": changed.digest == present.digest and not differences,
        "overrides": _overrides(run),
        "may_publish": may_publish(request.user),
        **_past(request, run),
    }
    return render(request, "web/trial.html", context, status=status)


def _overrides(run: WhatIfRun) -> list[str]:
    return [words.plain(name) for name in settings_of(run.brand).overrides]


def _initial(run: WhatIfRun) -> dict[str, Any]:
    if run.asked_at is None:
        return {"days": "90", "always": _is_to_come(pack_from(runs.files_of(run)))}
    days = (run.asked_at - run.since).days if run.since else ""
    return {"days": str(days), "always": run.always}


def _is_to_come(pack: Pack) -> bool:
    since = pack.versions[-1].since
    return since is not None and since > timezone.now()


def _past(request: HttpRequest, run: WhatIfRun) -> dict[str, Any]:
    result = runs.result_of(run) if run.state == "done" else None
    percent = 100 * run.done // run.total if run.total else 0
    if result is None:
        return {"result": None, "percent": percent}
    kind = request.GET.get("kind", "")
    groups = _groups(run.brand, [one for one in result.differences if past_words.is_of(one, kind)])
    most = len(groups) if request.GET.get("all") else _GROUPS
    return {
        "result": result,
        "percent": 100,
        "headlines": past_words.headlines(result),
        "sums": past_words.sums(result),
        "kinds": past_words.kinds(result),
        "kind": kind,
        "groups": groups[:most],
        "more": len(groups[most:]),
        "unkept": result.differing - len(result.differences),
        "span": _span(run),
    }


def _span(run: WhatIfRun) -> str:
    if run.since is None or run.asked_at is None:
        return SPANS[""]
    days = str((run.asked_at - run.since).days)
    return SPANS.get(days) or f"the last {words.several(int(days), 'day')}"


def _groups(brand: Brand, differences: list[Difference]) -> list[Group]:
    """The differences by case, that with the heaviest first."""
    found: dict[tuple[str | None, str | None], list[Difference]] = {}
    for one in differences:
        found.setdefault((one.service, one.one.case), []).append(one)
    refs = {service for service, _ in found if service}
    services = {one.ref: one for one in Service.objects.filter(brand=brand, ref__in=refs).select_related("customer")}
    cases = {
        (case.service_id, case.abuse_type): case.pk
        for case in Case.objects.filter(service__in=services.values()).only("service_id", "abuse_type")
    }
    return [_group(key, ones, services, cases) for key, ones in found.items()]


def _group(
    key: tuple[str | None, str | None],
    ones: list[Difference],
    services: dict[str, Service],
    cases: dict[tuple[int, str], int],
) -> Group:
    ref, abuse_type = key
    service = services.get(ref or "")
    case = cases.get((service.pk, abuse_type)) if service and abuse_type else None
    return Group(case, abuse_type or "", service, ref or "", [past_words.said(one) for one in ones])
