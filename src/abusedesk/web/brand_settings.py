"""A page on which some settings of a brand are shown and changed."""

from typing import Any, Protocol

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from abusedesk.records.models import Brand


class SettingsForm(Protocol):
    """A form of a brand's settings."""

    def is_valid(self) -> bool:
        """Whether it can be saved."""

    def settings(self) -> dict[str, Any]:
        """The settings that the checked form stands for."""


def settings_page(
    request: HttpRequest, brand: Brand, form: SettingsForm, template: str, *, may: bool, saved: str, **more: Any
) -> HttpResponse:
    """Shows the form, or saves it and says `saved`. Raises PermissionDenied for a change by who may not make it."""
    if request.method == "POST":
        if not may:
            raise PermissionDenied
        if form.is_valid():
            brand.set(form.settings())
            messages.success(request, saved, extra_tags="good")
            return redirect("brand", brand.slug)
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"brand": brand, "form": form, "may": may, **more}, status=status)
