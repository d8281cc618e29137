"""Keys of the API: all of them, a new one whose secret is shown once, and one revoked."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from abusedesk.records import keys as rows
from abusedesk.records.models import ApiKey
from abusedesk.web.key_form import KeyForm
from abusedesk.web.readers import may_keep_keys


def keys(request: HttpRequest) -> HttpResponse:
    """Every key that was made; those that open nothing any more last."""
    found = ApiKey.objects.select_related("reporter", "brand").order_by("label", "pk")
    now = timezone.now()
    context = {
        "standing": [one for one in found if _stands(one)],
        "ended": [one for one in found if not _stands(one)],
        "now": now,
        "may_change": may_keep_keys(request.user),
    }
    return render(request, "web/keys.html", context)


@never_cache
def new_key(request: HttpRequest) -> HttpResponse:
    """A new key. The answer to the form is the only page that ever shows its secret."""
    _must_may(request)
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        key, secret = rows.make(form.wanted(), request.user.get_username(), timezone.now())
        return render(request, "web/key_made.html", {"key": key, "secret": secret})
    return render(request, "web/key_new.html", {"form": form}, status=422 if request.method == "POST" else 200)


@require_POST
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    """From now on the key opens nothing."""
    _must_may(request)
    key = get_object_or_404(ApiKey, pk=pk)
    rows.revoke(key, request.user.get_username(), timezone.now())
    messages.info(request, f"{key.label} is revoked: its key opens nothing any more.", extra_tags="wait")
    return redirect("keys")


def _stands(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > timezone.now())


def _must_may(request: HttpRequest) -> None:
    if not may_keep_keys(request.user):
        raise PermissionDenied
