"""What notices to customers of a brand carry, when customers are reminded, and whether the ticket alone serves."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from abusedesk.desk import genuine
from abusedesk.desk.answering import reminders
from abusedesk.desk.perform import digest
from abusedesk.desk.perform.notice import HTML
from abusedesk.desk.perform.unserved import ticket_serves
from abusedesk.desk.perform.words import SHOWS_IDENTITIES, shows_identities
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.records.models import Brand
from abusedesk.vocabulary.duration import format_duration
from abusedesk.web.brand_settings import settings_page
from abusedesk.web.readers import may_change_channels

MOST_HOURS = 240
MOST_NOTICES = 1000


class NoticesForm(forms.Form):
    """The settings of a brand's notices."""

    html_notices = forms.BooleanField(
        label="HTML beside the text", required=False, help_text="The same words, and nothing to fetch."
    )
    show_identities = forms.BooleanField(
        label="Say who reported",
        required=False,
        help_text="Names of reporters, mail addresses and Message-IDs as they were written. A spammer learns from them "
        "which addresses are traps.",
    )
    ticket_serves = forms.BooleanField(
        label="The ticket alone serves a notice",
        required=False,
        help_text="If not, reply deadlines wait while no address of the customer can be reached.",
    )
    remind_hours = forms.IntegerField(
        label="Hours before a deadline at which the customer is reminded; 0 is never",
        min_value=0,
        max_value=MOST_HOURS,
        help_text="Only where the last mail about the case lies more than twice as long before the end.",
    )

    digest_from = forms.IntegerField(
        label="From which notice of one kind within an hour on one mail lists them all; 0 is never",
        min_value=0,
        max_value=MOST_NOTICES,
        help_text="The first ones, and what takes or charges something, go alone and at once.",
    )
    verify_page = forms.URLField(
        label="Page of your own site on which codes of notices are asked",
        required=False,
        assume_scheme="https",
        widget=forms.TextInput(attrs={"inputmode": "url"}),
        help_text="Empty: the desk's own page.",
    )

    @staticmethod
    def initial_of(brand: Brand) -> dict[str, Any]:
        """What the form shows of a brand."""
        return {
            "html_notices": bool(brand.settings.get(HTML, True)),
            "show_identities": shows_identities(brand),
            "ticket_serves": ticket_serves(brand),
            "digest_from": digest.terms_of(brand).first,
            "verify_page": brand.settings.get(genuine.PAGE, ""),
            "remind_hours": int(reminders.before(brand, timezone.now()) / timedelta(hours=1)),
        }

    def settings(self) -> dict[str, Any]:
        """The brand's settings that the checked form stands for."""
        given = self.cleaned_data
        return {
            HTML: given["html_notices"],
            SHOWS_IDENTITIES: given["show_identities"],
            "ticket_serves": given["ticket_serves"],
            REMIND_BEFORE: format_duration(timedelta(hours=given["remind_hours"])),
            digest.FROM: given["digest_from"],
            genuine.PAGE: given["verify_page"],
        }


def say(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change what notices carry."""
    brand = get_object_or_404(Brand, slug=slug)
    form = NoticesForm(request.POST or None, initial=NoticesForm.initial_of(brand))
    may, saved = may_change_channels(request.user), "Saved. It holds from the next notice on."
    own_word = reminders.own_word(brand)
    return settings_page(request, brand, form, "web/notices_say.html", may=may, saved=saved, own_word=own_word)
