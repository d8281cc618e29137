"""A customer's contacts, added, changed and taken away by staff; notices go to them from the next one on."""

from typing import TYPE_CHECKING, Any

import structlog
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from abusedesk.records.csv_tables import language
from abusedesk.records.models import Contact, Customer
from abusedesk.vocabulary.contact import ROLES

log = structlog.get_logger()

if TYPE_CHECKING:
    _Form = forms.ModelForm[Contact]
else:
    _Form = forms.ModelForm  # Django's own class takes no type argument at run time.


class ContactForm(_Form):
    """One contact: where, what for, in which language, and its place among those of its role."""

    role = forms.ChoiceField(
        label="What for",
        choices=[(one, one) for one in ROLES],
        help_text="Notices go to abuse first, then technical, then the account's address, then the others.",
    )
    position = forms.IntegerField(
        label="Place among those of its role",
        min_value=0,
        max_value=999,
        initial=0,
        help_text="The lowest comes first.",
    )

    class Meta:
        model = Contact
        fields = ("email", "role", "language", "position")
        labels = {"email": "E-mail", "language": "Language"}  # noqa: RUF012 - Django reads it and never changes it
        help_texts = {"language": "Such as en, zh-Hans or de; empty is the customer's."}  # noqa: RUF012

    def clean_email(self) -> str:
        """An address that the customer has not among the contacts yet."""
        email: str = self.cleaned_data["email"].lower()
        same = Contact.objects.filter(customer=self.instance.customer_id, email__iexact=email)
        if same.exclude(pk=self.instance.pk or 0).exists():
            raise forms.ValidationError("This address is a contact of the customer already.")
        return email

    def clean_language(self) -> Any:
        """A language tag, or nothing."""
        try:
            return language(self.cleaned_data["language"])
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """A further contact of a customer."""
    return _edit(request, Contact(customer=get_object_or_404(Customer.objects.select_related("brand"), pk=pk)))


def change(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """One contact of a customer."""
    known = Contact.objects.select_related("customer__brand")
    return _edit(request, get_object_or_404(known, pk=contact, customer=pk))


@require_POST
def remove(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """Take a contact away."""
    one = get_object_or_404(Contact, pk=contact, customer=pk)
    one.delete()
    log.info("contact removed", customer=pk, by=request.user.get_username())
    messages.info(request, f"{one.email} gets no more notices.", extra_tags="wait")
    return redirect("customer", pk)


def _edit(request: HttpRequest, one: Contact) -> HttpResponse:
    form = ContactForm(request.POST or None, instance=one)
    if request.method == "POST" and form.is_valid():
        form.save()
        log.info("contact saved", customer=one.customer_id, by=request.user.get_username())
        messages.success(request, "Saved. It holds from the next notice on.", extra_tags="good")
        return redirect("customer", one.customer_id)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "contact": one, "customer": one.customer, "brand": one.customer.brand}
    return render(request, "web/contact.html", context, status=status)
