"""What every page shows around itself: how much waits for a person, what is wrong, which brands are held or pretend."""

from typing import NamedTuple

from django.http import HttpRequest

from abusedesk.records.models import Alert, Brand, Case, Publication

MOST = 1000
"""Counting stops here: beyond it the number tells nobody more, and costs more than the page."""


class Standing(NamedTuple):
    """`waiting` cases and `proposals` need a person, and `alerts` that nobody has yet; the brands `held` are stopped,
    those `dry` only pretend."""

    waiting: str
    proposals: int
    held: list[Brand]
    dry: list[Brand]
    alerts: int


def standing_of(request: HttpRequest) -> Standing:
    """The standing of the whole desk, asked once per request."""
    known: Standing | None = getattr(request, "_standing", None)
    if known is None:
        known = _ask()
        request._standing = known  # type: ignore[attr-defined]
    return known


def _ask() -> Standing:
    brands = list(
        Brand.objects.exclude(held_since=None, dry_run=False).only(
            "slug", "name", "held_since", "held_by", "held_reason", "dry_run"
        )
    )
    return Standing(
        waiting=capped(Case.objects.exclude(needs=[])[: MOST + 1].count()),
        proposals=Publication.objects.filter(state="proposed").count(),
        held=[brand for brand in brands if brand.held_since],
        dry=[brand for brand in brands if brand.dry_run],
        alerts=Alert.objects.filter(over_at=None, acknowledged_at=None).count(),
    )


def capped(number: int) -> str:
    """A count as text, `1,000+` where counting stopped."""
    return f"{MOST:,}+" if number > MOST else f"{number:,}"
