"""A brand's addresses: what each is for, with that which kind of file mail to it opens; and its public form."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from abusedesk.desk.public_form import door
from abusedesk.records.models import Brand, BrandAddress
from abusedesk.vocabulary.designation import DESIGNATIONS
from abusedesk.web.readers import may_change_channels


class AddressForm(forms.Form):
    """An address and what it is for."""

    address = forms.EmailField(label="Address", max_length=254)
    kind = forms.ChoiceField(
        label="What comes there", choices=[(one.name, one.title) for one in DESIGNATIONS.values()], initial="abuse"
    )

    def __init__(self, brand: Brand, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self._brand = brand

    def clean_address(self) -> str:
        """An address that no other brand has."""
        address: str = self.cleaned_data["address"].lower()
        other = BrandAddress.objects.filter(address__iexact=address).exclude(brand=self._brand).first()
        if other is not None:
            raise forms.ValidationError(f"It is an address of {other.brand.name}; remove it there first.")
        return address


def addresses(request: HttpRequest, slug: str) -> HttpResponse:
    """The addresses of a brand, each with what it is for; one more, or another purpose for one."""
    one = _brand(request, slug)
    form = AddressForm(one, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        BrandAddress.objects.update_or_create(address=given["address"], defaults={"brand": one, "kind": given["kind"]})
        kind = DESIGNATIONS[given["kind"]].title
        messages.success(request, f"Mail to {given['address']}: {kind}, from now on.", extra_tags="good")
        return redirect("addresses", slug)
    context = {
        "brand": one,
        "form": form,
        "addresses": one.addresses.order_by("kind", "address"),
        "form_open": door.is_open(one),
        "form_at": f"{settings.CONFIGURATION.public_url or ''}{reverse('public-form', args=[slug])}",
    }
    return render(request, "web/addresses.html", context, status=422 if request.method == "POST" else 200)


@require_POST
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """An address is the brand's no more. What came there stays."""
    one = _brand(request, slug)
    gone = get_object_or_404(BrandAddress, pk=pk, brand=one)
    gone.delete()
    messages.info(request, f"{gone.address} is {one.name}'s no more. Its files stay.", extra_tags="wait")
    return redirect("addresses", slug)


@require_POST
def switch_form(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch the public form on or off."""
    one = _brand(request, slug)
    on = request.POST.get("form") == "on"
    door.switch(one, on=on)
    text = "The form is open to everybody." if on else "The form is closed. What waits to be confirmed still can be."
    messages.info(request, text, extra_tags="wait")
    return redirect("addresses", slug)


def _brand(request: HttpRequest, slug: str) -> Brand:
    if not may_change_channels(request.user):
        raise PermissionDenied
    return get_object_or_404(Brand, slug=slug)
