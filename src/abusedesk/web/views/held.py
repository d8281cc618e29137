"""What the brake holds: deadlines that would have acted against many customers at once, released or dropped."""

from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import brake
from abusedesk.records.models import Brand, Deadline
from abusedesk.web import words

SHOWN = 200


class Row(NamedTuple):
    """A deadline held, with what it would take in words."""

    deadline: Deadline
    would: str


class DecideForm(forms.Form):
    """Which of the deadlines held, what becomes of them, and why."""

    verdict = forms.ChoiceField(choices=(("release", "release"), ("drop", "drop")))
    whole = forms.BooleanField(required=False)
    chosen = forms.TypedMultipleChoiceField(required=False, coerce=int)
    reason = forms.CharField(label="Why", max_length=300)

    def __init__(self, brand: Brand, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chosen"].choices = [(pk, pk) for pk in brake.held_of(brand).values_list("pk", flat=True)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("whole") and not cleaned.get("chosen"):
            raise forms.ValidationError("Choose deadlines, or all of them.")
        return cleaned


def held(request: HttpRequest, slug: str) -> HttpResponse:
    """What is held of a brand."""
    return _page(request, get_object_or_404(Brand, slug=slug))


@require_POST
def decide_held(request: HttpRequest, slug: str) -> HttpResponse:
    """Release or drop what was chosen."""
    brand = get_object_or_404(Brand, slug=slug)
    form = DecideForm(brand, request.POST)
    if not form.is_valid():
        return _page(request, brand, form, 422)
    data, by, now = form.cleaned_data, request.user.get_username(), timezone.now()
    chosen = None if data["whole"] else data["chosen"]
    if data["verdict"] == "release":
        said = f"{words.several(brake.release(brand, chosen, by, data['reason'], now), 'deadline')} released."
    else:
        said = f"{words.several(brake.drop(brand, chosen, by, data['reason'], now), 'deadline')} dropped: no effect."
    messages.success(request, said, extra_tags="good")
    return redirect("held", slug)


def _page(request: HttpRequest, brand: Brand, form: DecideForm | None = None, status: int = 200) -> HttpResponse:
    waiting = brake.held_of(brand).select_related("case__service", "case__customer", "docket__service")
    context = {
        "brand": brand,
        "form": form,
        "number": waiting.count(),
        "limit": brake.limit_of(brand),
        "rows": [Row(one, _would(one)) for one in waiting[:SHOWN]],
    }
    return render(request, "web/held.html", context, status=status)


def _would(one: Deadline) -> str:
    takes = one.would or []
    nouns = [words.measure(take["measure"], port=take["port"], ip=take["ip"]) for take in takes]
    return words.sentence(words.joined(nouns))
