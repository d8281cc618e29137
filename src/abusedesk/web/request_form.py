"""The form for what a customer asks for: the fields that its kind needs, and the customer's own words."""

from typing import Any
from uuid import uuid4

from django import forms

from abusedesk.desk.requests import Asked
from abusedesk.records.csv_tables import domain
from abusedesk.records.models import Brand, Service
from abusedesk.vocabulary.request import ABOUT_ADDRESS, CAUSES
from abusedesk.web import request_words
from abusedesk.web.forms import MinorUnits

_TEXT = {"autocomplete": "off", "spellcheck": "false"}


class RequestForm(forms.Form):
    """One kind of request on one service. `token` makes a form that is sent twice count once."""

    button = "Enter the request"
    does = "The policy answers at once, and the customer is told. What it leaves to a person waits for a yes or no."
    field_order = ("service", "brand", "domain", "selector", "ip", "cause", "words")

    service = forms.CharField(
        label="Service",
        max_length=100,
        widget=forms.TextInput(attrs={**_TEXT, "placeholder": "vps-1001"}),
        help_text="Its own id, as it stands on the page of the service.",
    )
    brand = forms.ModelChoiceField(
        Brand.objects.order_by("name"),
        label="Brand, where several have it",
        required=False,
        to_field_name="slug",
        empty_label="any",
    )
    domain = forms.CharField(
        label="Domain that will send mail",
        max_length=253,
        required=False,
        widget=forms.TextInput(attrs={**_TEXT, "placeholder": "shop.example.net"}),
    )
    selector = forms.CharField(
        label="DKIM selector",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs=_TEXT),
        help_text="As the customer names it. Empty: usual ones are tried.",
    )
    ip = forms.GenericIPAddressField(label="Address", required=False, widget=forms.TextInput(attrs=_TEXT))
    cause = forms.ChoiceField(
        label="Why it cannot be used",
        required=False,
        choices=(("", "not said"), *((one, request_words.CAUSES[one]) for one in CAUSES)),
        help_text="Where the policy goes by it and it is not said, a person is asked.",
    )
    words = forms.CharField(
        label="The customer's words",
        max_length=20000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)
    message = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, kind: str, known: Service | None, *args: Any, **more: Any) -> None:
        more.setdefault("initial", {}).setdefault("token", uuid4().hex)
        super().__init__(*args, **more)
        self._kind, self._known = kind, known
        for name in self._unneeded():
            del self.fields[name]
        if "ip" in self.fields:
            self.fields["ip"].required = kind in ABOUT_ADDRESS
            if kind not in ABOUT_ADDRESS:
                self.fields["ip"].label = "Address that will send it"
                self.fields["ip"].help_text = "Empty: the first addresses of the service are looked at."
        if "domain" in self.fields:
            self.fields["domain"].required = True

    def _unneeded(self) -> list[str]:
        unneeded = ["service", "brand"] if self._known else []
        if self._kind != "open_mail_port":
            unneeded += ["domain", "selector"]
        if self._kind != "replace_ip":
            unneeded.append("cause")
        if self._kind == "restore":
            unneeded.append("ip")
        return unneeded

    def clean_domain(self) -> str:
        try:
            return domain(self.cleaned_data["domain"].strip())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_selector(self) -> str:
        return str(self.cleaned_data["selector"]).strip().removesuffix("._domainkey")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "service" in self.fields and cleaned.get("service"):
            self._known = self._named(cleaned)
        return cleaned

    def _named(self, cleaned: dict[str, Any]) -> Service | None:
        ref = cleaned["service"].strip()
        found = Service.objects.select_related("brand", "customer").filter(ref=ref)
        meant = list(found.filter(brand=cleaned["brand"]) if cleaned.get("brand") else found[:2])
        if not meant:
            self.add_error("service", f"There is no service {ref}; look for it under Customers.")
        elif len(meant) > 1:
            self.add_error("brand", f"Several brands have a service {ref}: say which.")
        return meant[0] if len(meant) == 1 else None

    def asked(self) -> Asked:
        """What the checked form says. Only after it was found valid."""
        if self._known is None:
            raise ValueError("the form names no service")
        said = self.cleaned_data
        texts = {name: said.get(name) or "" for name in ("ip", "cause", "domain", "selector", "words")}
        return Asked(self._known, self._kind, said["token"], **texts, message=said["message"])


class VerdictForm(forms.Form):
    """Yes or no to a request, with the reason that is kept and that the customer reads."""

    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept for the record, and sent to the customer as it stands.",
    )
    fee = MinorUnits(label="Fee before it is restored", required=False)
    decision = forms.ChoiceField(choices=(("approve", "approve"), ("reject", "reject")))
    token = forms.CharField(max_length=64)

    def __init__(self, *args: Any, fee: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        if fee:
            self.fields["fee"].widget.attrs |= {"placeholder": "none", "inputmode": "decimal"}
        else:
            del self.fields["fee"]


class AnswerForm(forms.Form):
    """A person's own answer to what the policy could not answer."""

    reason = forms.CharField(
        label="Your answer",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Sent to the customer as it stands. It lifts nothing by itself.",
    )


class StepForm(forms.Form):
    """A step done outside, with what is to be remembered of it."""

    note = forms.CharField(max_length=500, required=False)
