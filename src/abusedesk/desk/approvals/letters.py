"""Mails to those who may answer: one to each, about what that person can answer and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from abusedesk.desk.approvals.voices import Voice, everybody, who_can
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.models import Effect, Proposal
from abusedesk.vocabulary.money import format_amount

NOTICE = "approvals"
"""What these mails are called in the outbox."""

AGAIN = timedelta(days=1)
"""How long until the same people are reminded of the same thing again; an older mail is not sent any more."""


class Words(NamedTuple):
    """A mail's subject, and what it says before its list."""

    subject: str
    text: str


def write_to_approvers(proposals: Sequence[Proposal], words: Words, now: datetime) -> int:
    """Orders one mail to each who can answer any of these, which lists those. Returns how many mails."""
    if not proposals:
        return 0
    letters = _letters(proposals)
    made = [_effect(voice, mine, words, now) for voice, mine in letters]
    Effect.objects.bulk_create(made, ignore_conflicts=True)
    ring()
    return len(made)


def _letters(proposals: Sequence[Proposal]) -> list[tuple[Voice, list[Proposal]]]:
    """Whom to write to about which. Where nobody who can answer has an address, the staff of the brand."""
    reachable = [one for one in everybody() if one.address]
    found: dict[Voice, list[Proposal]] = defaultdict(list)
    for one in proposals:
        staff = Voice("", address=str(one.brand.settings.get("staff_address", "")))
        for voice in _able(one, reachable) or [staff]:
            found[voice].append(one)
    return list(found.items())


def _able(one: Proposal, people: Iterable[Voice]) -> list[Voice]:
    try:
        return who_can(one, people)
    except Problem:
        return []


def _effect(voice: Voice, mine: Sequence[Proposal], words: Words, now: datetime) -> Effect:
    brand = mine[0].brand
    lines = [words.text, "", *map(_line, mine), "", f"{settings.CONFIGURATION.url}/approvals"]
    return Effect(
        brand=brand,
        key=f"{NOTICE}:{brand.pk}:{now.isoformat()}:{mine[0].pk}:{voice.name}",
        kind="alert",
        payload={
            "to": "staff",
            "template": NOTICE,
            "address": voice.address,
            "words": {"subject": f"[{brand.name}] {words.subject}", "text": "\n".join(lines)},
            "until": (now + AGAIN).isoformat(),
        },
        due=now,
    )


def _line(one: Proposal) -> str:
    amount = f", {one.currency} {format_amount(one.amount)}" if one.kind == "charge" else ""
    where = f"{settings.CONFIGURATION.url}/approvals/{one.pk}"
    about = f"{one.name.replace('_', ' ')}{amount}: {one.service}, {one.customer}"
    return f"* {about}, since {one.at:%-d %b %H:%M} UTC\n  {where}"
