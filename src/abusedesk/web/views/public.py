"""The public form: the only pages besides the login that are there for anybody.

They work without JavaScript, name no customer, and answer the same whatever an address is or is not. Following the link
of the mail shows a button; only the button confirms, because mail scanners follow links.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from abusedesk.desk.public_form import door
from abusedesk.desk.public_form.letters import CHINESE, ENGLISH, LANGUAGES
from abusedesk.desk.public_form.limits import network_of
from abusedesk.records.models import Brand, Submission
from abusedesk.vocabulary.designation import ABUSE
from abusedesk.web.public_form import FILE_MB, FILES, IllegalContentForm, PublicForm
from abusedesk.web.public_words import SAY

FORMS: dict[str, type[PublicForm]] = {ABUSE: PublicForm, "dsa": IllegalContentForm}
_HOURS = int(door.CONFIRMED_WITHIN.total_seconds() / 3600)


def for_anybody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """In the visitor's language, kept by nobody, and telling no other site where it was."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        language = language_of(request)
        with translation.override(language.lower()):
            response = view(request, *args, language=language, **given)
        # "no-referrer" would make browsers send the form as from nowhere, and it would be refused.
        response["Referrer-Policy"] = "same-origin"
        response["Content-Language"] = language
        response["X-Robots-Tag"] = "noindex"
        return response

    return never_cache(shown)


def language_of(request: HttpRequest) -> str:
    """The language chosen on the page, or the browser's where the form speaks it, or English."""
    chosen = request.GET.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    wanted = request.headers.get("Accept-Language", "").strip().lower()
    return CHINESE if wanted.startswith("zh") else ENGLISH


@for_anybody
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, slug: str, language: str, kind: str = ABUSE) -> HttpResponse:
    """The form, for abuse or for a notice of illegal content."""
    brand = _brand(slug)
    if request.method != "POST":
        return _form(request, brand, kind, language, FORMS[kind](language))
    filled = FORMS[kind](language, request.POST, request.FILES)
    if not filled.is_valid():
        return _form(request, brand, kind, language, filled, status=422)
    handed = door.Handed(brand, filled.said(), kind, network_of(client_of(request)), language)
    made = door.hand_in(handed, _links(request, slug, language), timezone.now())
    if not isinstance(made, Submission):
        filled.add_error("email" if made == "mailbox" else None, filled.say[made])
        return _form(request, brand, kind, language, filled, status=429)
    if not made.mailbox:
        return redirect(_links(request, slug, language)("state", door.token_of(made)))
    return redirect(f"{reverse('public-sent', args=[slug])}?lang={language}")


@for_anybody
@require_http_methods(["GET", "HEAD"])
def sent(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    """What to do now. It says the same to everybody."""
    return _page(request, "sent", _brand(slug), language)


@for_anybody
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, slug: str, token: str, language: str) -> HttpResponse:
    """The link of the mail: a button, and what it does."""
    one = door.to_confirm(token)
    if one is None or one.brand.slug != slug or one.confirmed_at is not None or one.document is None:
        return _page(request, "gone", _named(slug), language, status=410)
    if request.method != "POST":
        return _page(request, "confirm", one.brand, language)
    links = _links(request, slug, language)
    if not door.confirm(one, links, timezone.now()):
        return _page(request, "gone", one.brand, language, status=410)
    return redirect(links("state", door.token_of(one)))


@for_anybody
@require_http_methods(["GET", "HEAD"])
def state(request: HttpRequest, slug: str, token: str, language: str) -> HttpResponse:
    """How far a report has come, for whoever has the link of the receipt."""
    one = door.to_show(token)
    if one is None or one.brand.slug != slug or one.confirmed_at is None:
        return _page(request, "gone", _named(slug), language, status=410)
    said = SAY[language][door.state_of(one)]
    return _page(request, "state", one.brand, language, submission=one, state=said)


def _form(
    request: HttpRequest, brand: Brand, kind: str, language: str, filled: PublicForm, *, status: int = 200
) -> HttpResponse:
    begins = "dsa_" if kind != ABUSE else ""
    say = SAY[language]
    context = {
        "form": filled,
        "kind": kind,
        "title": f"{say[f'{begins}title']} {brand.name}",
        "lead": say[f"{begins}lead"].format(brand=brand.name),
    }
    return _page(request, "form", brand, language, status=status, **context)


def _page(
    request: HttpRequest, name: str, brand: Brand, language: str, status: int = 200, **context: Any
) -> HttpResponse:
    words = SAY[language].copy()
    for key in ("sent", "gone", "confirm"):
        words[key] = words[key].format(hours=_HOURS, brand=brand.name)
    known = {"say": words, "brand": brand, "language": language, "languages": LANGUAGES.items()}
    return render(request, f"public/{name}.html", {**known, **context}, status=status)


def too_large(request: HttpRequest) -> HttpResponse:
    """More than the form takes; asked before anything of it is read."""
    language = language_of(request)
    say = SAY[language]
    words = {"say": say, "language": language, "text": say["large"].format(size=FILES * FILE_MB)}
    return render(request, "public/large.html", words, status=413)


def client_of(request: HttpRequest) -> str:
    """The address that the request comes from: of the last hop before our own proxy, where there is one."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.CONFIGURATION.trusted_proxy else ""
    return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def _links(request: HttpRequest, slug: str, language: str) -> door.Links:
    base = settings.CONFIGURATION.public_url or f"{request.scheme}://{request.get_host()}"

    def link(page: str, token: str) -> str:
        return f"{base.rstrip('/')}{reverse(f'public-{page}', args=[slug, token])}?lang={language}"

    return link


def _brand(slug: str) -> Brand:
    """A brand whose form is on. Whether there is such a brand at all is not told."""
    one = Brand.objects.filter(slug=slug).first()
    if one is None or not door.is_open(one):
        raise Http404("no form here")
    return one


def _named(slug: str) -> Brand:
    """The brand, for a page that names it: what was handed in is confirmed and shown when the form is off, too."""
    one = Brand.objects.filter(slug=slug).first()
    if one is None or door.channel_of(one) is None:
        raise Http404("no form here")
    return one
