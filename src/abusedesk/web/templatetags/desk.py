"""Filters and tags that the templates use: icons, times, money, words, and what every page shows around itself."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from abusedesk.records.models import Brand
from abusedesk.vocabulary.assurance import ASSURANCES, RANK
from abusedesk.vocabulary.duration import plain_length
from abusedesk.web import clauses as law
from abusedesk.web import words
from abusedesk.web.clauses import anchor
from abusedesk.web.payload import subject_of
from abusedesk.web.standing import Standing, standing_of

register = template.Library()

register.filter("plain", words.plain)
register.filter("sentence", words.sentence)
register.filter("category", words.category)
register.filter("item", words.item)
register.filter("review", words.review)
register.filter("length_of", plain_length)
register.filter("noun", words.measure)
register.filter("subject", subject_of)
register.filter("report_format", words.report_format)
register.filter("designation", words.designation)


@register.simple_tag
def icon(name: str) -> SafeString:
    """One drawing of the sprite; decoration only, so hidden from screen readers."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("web/icons.svg"), name
    )


@register.filter
def at(moment: datetime | None) -> SafeString | str:
    """An instant as day and time, with the exact one in the tooltip."""
    if moment is None:
        return ""
    form = "%-d %b, %H:%M" if moment.year == timezone.now().year else "%-d %b %Y, %H:%M"
    return _time(moment, moment.strftime(form), "when")


@register.filter
def on(moment: datetime | None) -> SafeString | str:
    """An instant as a date with its year."""
    return "" if moment is None else _time(moment, f"{moment:%-d %b %Y}", "when")


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago an instant was, in its two largest units."""
    if moment is None:
        return ""
    return _time(moment, f"{plain_length(timezone.now() - moment)} ago", "when")


@register.filter
def age(moment: datetime | None) -> SafeString | str:
    """How long ago an instant was, in one unit, for narrow columns."""
    if moment is None:
        return ""
    minutes = max(int((timezone.now() - moment).total_seconds()) // 60, 0)
    text = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h" if minutes < 1440 else f"{minutes // 1440} d"
    return _time(moment, text, "when")


@register.filter
def countdown(moment: datetime | None) -> SafeString | str:
    """How long until an instant, kept current by the browser."""
    if moment is None:
        return ""
    left = moment - timezone.now()
    over = left.total_seconds() < 0
    state = " over" if over else " soon" if left.total_seconds() < 7200 else ""
    text = f"{plain_length(left)} over" if over else f"in {plain_length(left)}"
    return _time(moment, text, f"when{state}", " data-countdown")


def _time(moment: datetime, text: str, css: str, extra: str = "") -> SafeString:
    mark = SafeString(extra)
    return format_html(
        '<time class="{}" datetime="{}" title="{}"{}>{}</time>',
        css,
        moment.isoformat(),
        f"{moment:%a %-d %b %Y, %H:%M:%S} UTC",
        mark,
        text,
    )


@register.filter
def money(minor: int | None, currency: str = "") -> str:
    """An amount in minor units with its currency."""
    return "" if minor is None else words.money(minor, currency)


@register.filter
def assurance(name: str) -> SafeString:
    """An assurance as a meter of four and its word."""
    if not name:
        return SafeString("")
    reached = RANK.get(name, 0)
    bars = format_html_join(
        "", '<b class="{}"></b>', (("on" if rank <= reached else "",) for rank in range(len(ASSURANCES)))
    )
    return format_html(
        '<span class="meter" title="{}"><i aria-hidden="true">{}</i>{}</span>',
        words.ASSURANCE.get(name, ""),
        bars,
        name,
    )


@register.filter
def in_words(grade: str) -> str:
    """What an assurance means."""
    return words.ASSURANCE.get(grade, "")


@register.simple_tag(takes_context=True)
def standing(context: dict[str, Any]) -> Standing:
    """What every page shows around itself: how much waits, which brands are held."""
    request: HttpRequest = context["request"]
    return standing_of(request)


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """The theme that this browser was set to: `light`, `dark`, or empty for the system's."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return chosen if chosen in {"light", "dark"} else ""


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The page's own query string with some parameters changed; paging starts anew."""
    parameters = context["request"].GET.copy()
    parameters.pop("after", None)
    for name, value in changes.items():
        parameters.pop(name, None)
        if value not in (None, ""):
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}"


@register.simple_tag
def token() -> str:
    """A fresh token for a form, so that the form sent twice counts once."""
    return uuid4().hex


@register.filter
def lead(text: str) -> str:
    """What stands before the first colon."""
    return text.partition(": ")[0]


@register.simple_tag
def clause_chip(clause: str, brand: Brand | None) -> SafeString:
    """A clause's id that leads to it on the page of the brand's policy, with its title in the tooltip."""
    if brand is None:
        return format_html('<span class="clause">{}</span>', clause)
    return format_html(
        '<a class="clause" href="{}" title="{}">{}</a>', law.address(clause, brand), law.title(clause, brand), clause
    )


register.filter("anchor", anchor)

_SECTIONS = {
    "case": "queue",
    "approvals": "queue",
    "approval": "queue",
    "review": "queue",
    "reviews": "queue",
    "customer": "customers",
    "contact": "customers",
    "new-contact": "customers",
    "service": "customers",
    "message": "messages",
    "reading": "messages",
    "read-again": "messages",
    "reading-rule": "messages",
    "new-reading-rule": "messages",
    "channel": "brands",
    "channels": "brands",
    "listings": "brands",
    "new-channel": "brands",
    "duty": "queue",
    "requests": "queue",
    "request": "queue",
    "new-request": "queue",
    "new-service-request": "customers",
    "duties": "queue",
    "keys": "brands",
    "reporters": "brands",
    "reporter": "brands",
    "new-reporter": "brands",
    "edit-reporter": "brands",
    "new-key": "brands",
    "inventories": "brands",
    "inventory": "brands",
    "new-inventory": "brands",
    "difference": "brands",
    "contradictions": "brands",
    "unassigned": "brands",
    "notice": "outbox",
    "files": "more",
    "file": "more",
    "file-report": "more",
    "alerts": "more",
    "alert": "more",
    "on-call": "more",
    "new-way": "more",
    "way": "more",
    "new-rota": "more",
    "rota": "more",
    "severities": "brands",
    "brand": "brands",
    "approval-terms": "brands",
    "notices-say": "brands",
    "reporters-told": "brands",
    "addresses": "brands",
    "policy": "policies",
    "what-if": "policies",
    "trial": "policies",
    "publications": "policies",
    "publication": "policies",
}


@register.simple_tag(takes_context=True)
def section(context: dict[str, Any]) -> str:
    """Which entry of the navigation the page belongs to."""
    match = getattr(context.get("request"), "resolver_match", None)
    name = match.url_name if match else ""
    return _SECTIONS.get(name or "", name or "")
