"""Whether a notice is ours: a page for anybody, on which the code of a notice is typed.

It works without JavaScript, names no customer, and says of a wrong code only that the notice is not ours.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from abusedesk.desk import genuine
from abusedesk.desk.hearing.tokens import answer_address
from abusedesk.desk.public_form.letters import LANGUAGES
from abusedesk.desk.public_form.limits import network_of
from abusedesk.records.models import Brand
from abusedesk.web.verify_words import SAY
from abusedesk.web.views.public import client_of, for_anybody


@for_anybody
@require_http_methods(["GET", "HEAD"])
def verify(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    """The page, and what is told of the code that was typed."""
    brand = get_object_or_404(Brand, slug=slug)
    typed = request.GET.get("code", "").strip()[:60]
    known = {
        "brand": brand,
        "say": SAY[language].of(brand.name, answer_address(brand)),
        "language": language,
        "languages": LANGUAGES.items(),
        "typed": typed,
    }
    if not typed:
        return render(request, "public/verify.html", known)
    if not genuine.may_ask(network_of(client_of(request)), timezone.now()):
        return render(request, "public/verify.html", {**known, "state": "often"}, status=429)
    found = genuine.look_up(typed, brand)
    return render(request, "public/verify.html", {**known, "state": "ours" if found else "not_ours", "found": found})
