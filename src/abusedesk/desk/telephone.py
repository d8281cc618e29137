"""Lifting for some hours without an approver, on the telephone or so that a customer can clean up.

The measure is taken again by itself. How long and how often one agent may do so in a day, both ways together, are
settings of the brand. A termination is not touched.
"""

from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import transaction

from abusedesk.desk.enact import Enacted, docket_of, submit
from abusedesk.policy.stimulus import LiftedToClean
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Docket, Measure, TelephoneLift

HOURS, TIMES = "telephone_hours", "telephone_times"
"""The brand's settings: for how many hours at most, and how often one agent may do so within a day."""

USUAL_HOURS, USUAL_TIMES = 24, 5
MOST_HOURS, MOST_TIMES = 720, 100
DAY = timedelta(days=1)


def hours(brand: Brand) -> int:
    """For how many hours an agent may lift a measure of a brand; 0 is never."""
    return _number(brand, HOURS, USUAL_HOURS, MOST_HOURS)


def times(brand: Brand) -> int:
    """How often one agent may do so within 24 hours."""
    return _number(brand, TIMES, USUAL_TIMES, MOST_TIMES)


def _number(brand: Brand, name: str, usual: int, most: int) -> int:
    given = brand.settings.get(name)
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return int(given) if is_number and 0 <= given <= most else usual


def used(brand: Brand, by: str, now: datetime) -> int:
    """How often an agent did so for a brand within the last 24 hours."""
    return TelephoneLift.objects.filter(by=by, at__gt=now - DAY, brand=brand).count()


def may_lift(measure: Measure) -> bool:
    """Whether a measure can be lifted so: ours, in force, and no termination."""
    return measure.decided == "in_force" and measure.kind != "terminate" and not measure.upstream


def lift(measure: Measure, length: int, by: str, reason: str, *, token: str, now: datetime) -> Enacted | None:
    """Lifts a measure for so many hours. None where it was told before. Raises Problem where it may not be lifted."""
    if not may_lift(measure):
        raise Problem("This cannot be lifted on the telephone: it is not in force, it is the upstream's, or final.")
    told = LiftedToClean(measure.kind, now + timedelta(hours=length), by, reason, _ip(measure), measure.port)  # type: ignore[arg-type]
    return lift_for(measure.brand, docket_of(measure.service), told, key=f"telephone:{token}", now=now)


@transaction.atomic
def lift_for(brand: Brand, docket: Docket, told: LiftedToClean, *, key: str, now: datetime) -> Enacted | None:
    """Tells the policy what somebody lifts until an instant, or until another one than before.

    None where it was told before. Raises Problem where it is for longer, or more often, than the brand allows.
    """
    # One agent's lifts are counted one after the other.
    list(get_user_model().objects.select_for_update().filter(username=told.by).values_list("pk"))
    if TelephoneLift.objects.filter(key=key).exists():
        return None
    _check(brand, told, now)
    TelephoneLift.objects.create(brand=brand, by=told.by, at=now, key=key)
    return submit(docket, told, key=key, at=now, by=told.by)


def _ip(measure: Measure) -> str | None:
    return str(measure.ip) if measure.ip else None


def _check(brand: Brand, told: LiftedToClean, now: datetime) -> None:
    most = timedelta(hours=hours(brand))
    if not most:
        raise Problem(f"{brand.name} has nothing lifted for some hours without an approver.")
    if told.until is None or not now < told.until <= now + most:
        raise Problem(f"Without an approver a measure of {brand.name} is lifted for 1 to {hours(brand)} hours.")
    if used(brand, told.by, now) >= times(brand):
        raise Problem(f"You lifted {times(brand)} times for {brand.name} within a day; a colleague has to do this one.")
