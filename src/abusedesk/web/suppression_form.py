"""The form of a suppression: what it covers, why, who answers for it, until when, and what becomes of the reports."""

from datetime import UTC, datetime, time
from ipaddress import ip_network
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils import timezone

from abusedesk.records.models import Brand, Service, Suppression
from abusedesk.records.models.fields import Network
from abusedesk.vocabulary.category import CATEGORIES, ILLEGAL_CONTENT
from abusedesk.web import words

KINDS = {
    "scanner": "a research scanner",
    "tor_exit": "a Tor exit",
    "vpn": "a VPN service",
    "honeypot": "a customer's honeypot",
    "sinkhole": "a sinkhole",
    "other": "something else",
}
EFFECTS = {
    "count_only": "Count only: reports are kept and shown, and the policy never hears of them",
    "no_notice": "No notice: the case hears of them, but the customer is not told, so no deadline, strike or charge",
    "propose": "Propose: all goes on as ever, but every measure waits for a person",
}
_WIDEST = {4: 8, 6: 19}
_CRITERIA = ("network", "service", "sender", "category", "port")


def categories() -> list[tuple[str, str]]:
    """What a suppression may name: nothing, a whole class, or one pair. Illegal content is never suppressed."""
    pairs = sorted(CATEGORIES - ILLEGAL_CONTENT)
    classes = sorted({pair.partition("/")[0] for pair in pairs})
    return [
        ("", "any"),
        *((f"{one}/*", f"{words.plain(one)}: all") for one in classes),
        *((pair, f"{words.plain(pair.partition('/')[0])}: {words.category(pair)}") for pair in pairs),
    ]


class SuppressionForm(forms.Form):
    """A suppression as staff fill it in."""

    name = forms.CharField(label="Name", max_length=120, help_text="As it is shown on each report that it covers.")
    kind = forms.ChoiceField(label="It is about", choices=list(KINDS.items()))
    reason = forms.CharField(
        label="Why it is no abuse", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), strip=True
    )
    network = forms.CharField(
        label="Address or prefix", required=False, max_length=60, help_text="192.0.2.7 or 192.0.2.0/24"
    )
    service = forms.CharField(label="Service", required=False, max_length=100, help_text="The provider's own id of it.")
    sender = forms.CharField(
        label="Reporter", required=False, max_length=320, help_text="An address, or a domain with all below it."
    )
    category = forms.ChoiceField(label="Category", required=False, choices=categories)
    port = forms.IntegerField(label="Port", required=False, min_value=1, max_value=65535)
    brand = forms.ModelChoiceField(
        label="Brand", queryset=Brand.objects.order_by("name"), required=False, empty_label="every brand"
    )
    effect = forms.ChoiceField(
        label="What becomes of such reports", choices=list(EFFECTS.items()), widget=forms.RadioSelect
    )
    owner = forms.CharField(label="Who answers for it", max_length=150, help_text="Somebody with an account.")
    until = forms.DateField(
        label="Ends on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="At the beginning of that day, UTC. Reports act again from then on.",
    )
    endless = forms.BooleanField(label="It has no end", required=False)

    @staticmethod
    def initial_of(row: Suppression) -> dict[str, Any]:
        """What the form shows of a suppression."""
        plain = ("name", "kind", "reason", "sender", "category", "port", "effect", "owner")
        return {
            **{name: getattr(row, name) for name in plain},
            "network": shown_prefix(row.prefix),
            "service": row.service.ref if row.service else "",
            "brand": row.brand_id,
            "until": row.until.date() if row.until else None,
            "endless": row.until is None,
        }

    def clean_network(self) -> Network | None:
        """A network without host bits, none wider than a registry hands out."""
        text = self.cleaned_data["network"].strip()
        if not text:
            return None
        try:
            network = ip_network(text)
        except ValueError:
            raise forms.ValidationError(f"“{text}” is no address and no prefix such as 192.0.2.0/24.") from None
        if network.prefixlen < _WIDEST[network.version]:
            raise forms.ValidationError(f"That is wider than a /{_WIDEST[network.version]}; name a narrower one.")
        return network

    def clean_sender(self) -> str:
        """An address or a domain in small letters."""
        text: str = self.cleaned_data["sender"].strip().strip("<>").lower().removeprefix("@")
        if text and ("." not in text.rpartition("@")[2] or " " in text):
            raise forms.ValidationError("An address such as scan@example.net, or a domain such as example.net.")
        return text

    def clean_owner(self) -> str:
        """Somebody with an open account."""
        name: str = self.cleaned_data["owner"].strip()
        if not get_user_model().objects.filter(username=name, is_active=True).exists():
            raise forms.ValidationError("Nobody with an open account has this name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Finds the service, and says what is missing."""
        cleaned = super().clean() or {}
        if cleaned.get("service"):
            cleaned["service"] = self._service(cleaned["service"].strip(), cleaned.get("brand"))
        if not self.errors and not any(cleaned.get(name) for name in _CRITERIA):
            self.add_error("network", "Name at least one of address, service, reporter, category and port.")
        self._check_end(cleaned)
        return cleaned

    def _check_end(self, cleaned: dict[str, Any]) -> None:
        if "until" not in self.errors and not cleaned.get("until") and not cleaned.get("endless"):
            self.add_error("until", "Say when it ends, or that it has no end.")
        elif cleaned.get("until") and cleaned.get("endless"):
            self.add_error("until", "It either ends on a day or has no end.")
        elif cleaned.get("until") and cleaned["until"] <= timezone.now().date():
            self.add_error("until", "That day has begun already; name a later one.")

    def _service(self, ref: str, brand: Brand | None) -> Service | None:
        found = list((brand.services if brand else Service.objects).filter(ref=ref)[:2])
        if len(found) == 1:
            return found[0]
        fault = "Services of several brands have this id; choose the brand." if found else "No service has this id."
        self.add_error("service", fault)
        return None

    def fill(self, row: Suppression) -> Suppression:
        """Puts what the checked form says into a row."""
        given = self.cleaned_data
        for name in ("name", "kind", "reason", "sender", "category", "port", "brand", "effect", "owner"):
            setattr(row, name, given[name])
        row.prefix = given["network"]
        row.service = given["service"] or None
        row.until = datetime.combine(given["until"], time(), UTC) if given["until"] else None
        row.ended_by = ""
        return row


def shown_prefix(prefix: Network | None) -> str:
    """A prefix as people write it: a single address without its length."""
    if prefix is None:
        return ""
    return str(prefix.network_address) if prefix.prefixlen == prefix.max_prefixlen else str(prefix)
