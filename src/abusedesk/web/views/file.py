"""Files of designated addresses: the register, one file with its mails and its answer, a report made of it."""

from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import designated
from abusedesk.desk.attribute import Placed
from abusedesk.parsing.formats.form import Said, said_in
from abusedesk.parsing.material import Material
from abusedesk.parsing.read import read
from abusedesk.records.models import Brand, FileEntry, LegalFile, Message, Report, Service
from abusedesk.records.packs import pack_of
from abusedesk.records.payload import read_payload
from abusedesk.vocabulary.designation import AUTHORITY, DESIGNATIONS, FILED
from abusedesk.web import paging, words
from abusedesk.web.file_forms import DueForm, EntryForm, ReportForm
from abusedesk.web.readers import files_for, may_read_restricted

_SHOWN = 50
_LONGEST = 20_000
SAID = {
    "answered": "Recorded: it is answered.",
    "note": "Your note is in the file.",
    "closed": "Closed. What follows on it opens it again.",
}


class Mail(NamedTuple):
    """An entry with what a mail says, where it is one and its bytes are kept."""

    entry: FileEntry
    text: str
    gone: bool = False


class Held(NamedTuple):
    """A source with the service that held it, and what it would be under the brand's policy."""

    placed: Placed
    service: Service | None


def files(request: HttpRequest) -> HttpResponse:
    """The register, what was written to last first."""
    kind, state, brand = (request.GET.get(name, "") for name in ("kind", "state", "brand"))
    found = files_for(request.user).select_related("brand", "customer", "service")
    if kind in FILED:
        found = found.filter(kind=kind)
    if state in LegalFile.STATES:
        found = found.filter(state=state)
    if brand:
        found = found.filter(brand__slug=brand)
    page = paging.newest_first(found, "last_at", request.GET.get("after", ""))
    context = {
        "rows": [(one, DESIGNATIONS[one.kind]) for one in page.rows],
        "next": page.next,
        "kinds": [DESIGNATIONS[one] for one in FILED if one != AUTHORITY or may_read_restricted(request.user)],
        "states": LegalFile.STATES,
        "brands": Brand.objects.order_by("name"),
        "addressed": Brand.objects.filter(addresses__kind__in=FILED).exists(),
        "restricted": may_read_restricted(request.user),
    }
    return render(request, "web/files.html", context)


def file(request: HttpRequest, pk: int) -> HttpResponse:
    """One file."""
    return _page(request, _find(request, pk))


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody takes it; who has it gives it back."""
    one, name = _find(request, pk), request.user.get_username()
    LegalFile.objects.filter(pk=one.pk).update(taken_by="" if one.taken_by == name else name)
    return redirect("file", pk)


@require_POST
def enter(request: HttpRequest, pk: int) -> HttpResponse:
    """An answer, a note, or the end of it, with a word."""
    one, form = _find(request, pk), EntryForm(request.POST)
    if not form.is_valid():
        return _page(request, one, entry=form, status=422)
    kind = form.cleaned_data["kind"]
    designated.enter(one, kind, request.user.get_username(), timezone.now(), form.cleaned_data["text"])
    messages.success(request, SAID[kind], extra_tags="good")
    return redirect("file", pk)


@require_POST
def due(request: HttpRequest, pk: int) -> HttpResponse:
    """Until when it must be answered."""
    one, form = _find(request, pk), DueForm(request.POST)
    if not form.is_valid():
        return _page(request, one, due=form, status=422)
    given = form.cleaned_data
    designated.set_due(one, given["due"], given["reason"], request.user.get_username(), timezone.now())
    return redirect("file", pk)


def report(request: HttpRequest, pk: int) -> HttpResponse:
    """A report made of the file: looked at first, then made."""
    one = _find(request, pk)
    form = ReportForm(request.POST if request.method == "POST" else None, initial=_begun(one))
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "web/file_report.html", {"file": one, "form": form}, status=status)
    said = form.said(one)
    if request.POST.get("step") != "make":
        return _preview(request, one, form, said)
    designated.make_report(one, said, request.user.get_username(), timezone.now())
    messages.success(request, "The report is made. In a moment it is read, and the policy decides.", extra_tags="good")
    return redirect("file", pk)


def _preview(request: HttpRequest, one: LegalFile, form: ReportForm, said: Said) -> HttpResponse:
    placed = designated.would_be(said, one.brand_id, timezone.now())
    services = Service.objects.select_related("customer").in_bulk([at.service for at in placed if at.service])
    context = {
        "file": one,
        "form": form,
        "said": said,
        "held": [Held(at, services.get(at.service or 0)) for at in placed],
        "abuse_type": words.plain(pack_of(one.brand).abuse_type(said.category).name),
    }
    return render(request, "web/file_report.html", context)


def _begun(one: LegalFile) -> dict[str, Any]:
    """What the form begins with: what a reader finds in the first mail, where anything."""
    data = _first_mail(one)
    reading = read(data) if data is not None else None
    events = (*reading.events, *reading.found) if reading else ()
    return {
        "about": "\n".join(dict.fromkeys(event.url or event.source for event in events)),
        "category": events[0].category if events else "other/unclassified",
        "occurred_at": _moment(next((event.occurred_at for event in events if event.occurred_at), one.received_at)),
    }


def _first_mail(one: LegalFile) -> bytes | None:
    first = one.entries.filter(kind="received").order_by("at", "pk").values_list("message_id", flat=True).first()
    message = Message.objects.filter(pk=first).first() if first else None
    return read_payload(message) if message else None


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _find(request: HttpRequest, pk: int) -> LegalFile:
    found = files_for(request.user).filter(pk=pk).select_related("brand", "customer", "service").first()
    if found is None:
        raise Http404("no such file, or none for this reader")
    return found


def _page(request: HttpRequest, one: LegalFile, status: int = 200, **given: forms.Form) -> HttpResponse:
    entries = list(one.entries.order_by("-at", "-pk")[:_SHOWN])
    made = [entry.message_id for entry in entries if entry.message_id is not None]
    context = {
        "file": one,
        "kind": DESIGNATIONS[one.kind],
        "mails": _mails(entries),
        "reports": Report.objects.filter(message_id__in=made).order_by("received_at")[:_SHOWN],
        "entry": given.get("entry") or EntryForm(),
        "due": given.get("due") or DueForm(initial={"due": _moment(one.due) if one.due else ""}),
        "mine": one.taken_by == request.user.get_username(),
    }
    return render(request, "web/file.html", context, status=status)


def _mails(entries: list[FileEntry]) -> list[Mail]:
    ids = [entry.message_id for entry in entries if entry.kind == "received" and entry.message_id is not None]
    known = Message.objects.filter(pk__in=ids).in_bulk()
    return [_mail(entry, known.get(entry.message_id) if entry.message_id else None) for entry in entries]


def _mail(entry: FileEntry, message: Message | None) -> Mail:
    if entry.kind != "received":
        return Mail(entry, entry.text)
    data = read_payload(message) if message else None
    return Mail(entry, _words(data)[:_LONGEST] if data else entry.text, data is None)


def _words(data: bytes) -> str:
    said = said_in(data)
    if said is None:
        return Material(data).text.strip()
    files = [f"[file: {one.name}, {len(one.content)} bytes]" for one in said.files]
    return "\n\n".join(filter(None, ["\n".join(said.about), said.description, said.evidence, said.name, *files]))
