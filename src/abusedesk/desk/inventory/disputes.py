"""Disputes in the records: opened when two inventories contradict each other, ended when they agree, decided by people.

A person's choice is remembered with the claims it was made from; when one of the claims changes, it is asked again.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from abusedesk.desk.inventory.precedence import Choice, Dispute, Said
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Contradiction, Inventory


def choices(brand: int) -> dict[tuple[str, str], Choice]:
    """What people chose, by fact and subject."""
    decided = Contradiction.objects.filter(brand=brand, ended_at=None).exclude(choice="")
    return {(one.fact, one.subject): Choice(one.choice, _said(one.claims)) for one in decided}


def keep(brand: Brand, found: Iterable[Dispute], at: datetime) -> None:
    """Brings the open contradictions of a brand to what was found."""
    now = {(one.fact, one.subject): one for one in found}
    standing = {(one.fact, one.subject): one for one in Contradiction.objects.filter(brand=brand, ended_at=None)}
    gone = [one.pk for key, one in standing.items() if key not in now]
    Contradiction.objects.filter(pk__in=gone).update(ended_at=at)
    new = [_row(brand, one, at) for key, one in now.items() if key not in standing]
    Contradiction.objects.bulk_create(new, batch_size=1000)
    for key, one in now.items():
        if key in standing:
            _bring_up_to_date(standing[key], one)


def _row(brand: Brand, one: Dispute, at: datetime) -> Contradiction:
    return Contradiction(
        brand=brand,
        fact=one.fact,
        subject=one.subject,
        claims=_stored(one),
        standing=one.standing,
        reason=one.reason,
        opened_at=at,
    )


def _bring_up_to_date(row: Contradiction, one: Dispute) -> None:
    if (row.claims, row.standing, row.reason) == (_stored(one), one.standing, one.reason):
        return
    if not one.chosen:
        row.choice, row.decided_by, row.decided_at = "", "", None
    row.claims, row.standing, row.reason = _stored(one), one.standing, one.reason
    row.save()


def decide(row: Contradiction, value: str, by: str) -> None:
    """A person's choice between the claims; every inventory that it concerns is compared again soon.

    Raises Problem for what nobody claims. An empty value takes the choice back.
    """
    claimed = {one["value"]: one["inventory"] for one in row.claims}
    if value and value not in claimed:
        raise Problem(f"nobody claims {value!r}; choose one of {', '.join(sorted(claimed))}")
    with transaction.atomic():
        changed = Contradiction.objects.filter(pk=row.pk, ended_at=None).update(
            choice=value, decided_by=by if value else "", decided_at=timezone.now() if value else None
        )
        if not changed:
            raise Problem("this contradiction is over: the inventories agree")
        Inventory.objects.filter(pk__in=claimed.values(), enabled=True).update(wanted_at=timezone.now())


def _stored(one: Dispute) -> list[dict[str, Any]]:
    return [said._asdict() for said in one.claims]


def _said(claims: list[dict[str, Any]]) -> tuple[Said, ...]:
    return tuple(Said(int(one["inventory"]), str(one["name"]), str(one["value"])) for one in claims)
