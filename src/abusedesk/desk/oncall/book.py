"""The book of alerts: opened when a thing is wrong, told again when it grows, acknowledged by a person, over by itself.

Whom it is told is written in the same transaction as the alert, so that an alert is never there without its telling.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from abusedesk.desk.oncall.house import house
from abusedesk.desk.oncall.kinds import TEST, quiet_until
from abusedesk.desk.oncall.rota import Turns, on_call, read_stand_ins
from abusedesk.desk.oncall.wrong import Wrong, wrong
from abusedesk.records.bell import ring
from abusedesk.records.models import Alert, Rota, Telling, Way

REST = timedelta(minutes=15)
"""What is wrong again so soon after it was over was never over: it is the same alert."""

LAPS = 3
"""So often a page goes round all levels before it waits on the console for whoever comes."""

KEPT = timedelta(days=365)
"""How long an alert is kept after it was over."""

# Any constant: two watches that looked at the same time would open the same alert twice.
_LOCK = 0x616C6572


def look(now: datetime) -> int:
    """One step of the watch: what is wrong now is brought into the book, and who was told in vain is followed.

    Returns how many alerts were opened, grew or went to the next level.
    """
    return keep(wrong(house(now)), now) + escalate(now)


@transaction.atomic
def keep(found: Iterable[Wrong], now: datetime) -> int:
    """Brings the book up to date with what is wrong now. Returns how many alerts began or grew."""
    if not _is_alone():
        return 0
    wanted = {one.key: one for one in found}
    known = {one.key: one for one in Alert.objects.select_for_update().filter(over_at=None).exclude(kind=TEST)}
    for key in known.keys() - wanted.keys():
        _end(known[key], now)
    begun = wanted.keys() - known.keys()
    lately = _lately(begun, now)
    if begun:
        Telling.objects.filter(alert__key__in=begun, over=True, state="pending").delete()
    told = sum(_note(known.get(key) or lately.get(key), one, now) for key, one in wanted.items())
    if told:
        ring()
    return told


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        alone: bool = cursor.fetchone()[0]
    return alone


def _lately(keys: Iterable[str], now: datetime) -> dict[str, Alert]:
    """The last alerts of these keys, where they were over only just."""
    found = Alert.objects.select_for_update().filter(key__in=list(keys), over_at__gt=now - REST).order_by("over_at")
    return {one.key: one for one in found}


def _end(alert: Alert, now: datetime) -> None:
    alert.over_at = now
    alert.save(update_fields=["over_at"])
    # Before the rest is dropped: what is being sent at this moment may yet be taken.
    _tell_over(alert, now)
    alert.tellings.filter(state="pending", over=False).update(state="dropped", done_at=now)


def _tell_over(alert: Alert, now: datetime) -> None:
    """Orders that who was told hears that it is over: once it surely is, and not at night unless it woke somebody."""
    told = alert.tellings.filter(Q(state="done") | Q(state="pending", lease_until__gt=now), over=False)
    settings = alert.brand.settings if alert.brand else {}
    key = f"{alert.pk}:{now.isoformat()}:over"
    made = [
        Telling(alert=alert, key=f"{key}:{person}", person=person, way=way, over=True, due=due)
        for person, way in told.order_by("done_at").values_list("person", "way")
        if (due := quiet_until(alert.severity, person, settings, now + REST)) is not None
    ]
    Telling.objects.bulk_create({one.person: one for one in made}.values())


def _note(alert: Alert | None, one: Wrong, now: datetime) -> int:
    """Opens an alert, or says what became of it. Whether it is told now."""
    if alert is None:
        alert = Alert(brand_id=one.brand, kind=one.kind, key=one.key, opened_at=now, times=0)
        grew, graver = True, False
    else:
        grew = bool(set(one.things) - set(alert.things))
        graver = one.severity == "page" != alert.severity and alert.acknowledged_at is None
    alert.severity, alert.summary, alert.link = one.severity, one.summary, one.link
    alert.things, alert.last_at, alert.over_at = list(one.things), now, None
    if grew:
        alert.times += 1
        alert.acknowledged_at, alert.acknowledged_by = None, ""
    if grew or graver:
        alert.level, alert.escalates_at = 0, None
    alert.save()
    if grew or graver:
        _tell(alert, now)
    return int(grew or graver)


def _tell(alert: Alert, now: datetime) -> None:
    """Orders the tellings of an alert's next level: pages to whoever is on call, and what is new to the team."""
    who = _on_call(alert, now) if alert.severity == "page" else ""
    people = {who} if alert.level > 1 else {who, ""} if _team_has_ways() else {who}
    key = f"{alert.pk}:{alert.times}:{alert.level}"
    made = [Telling(alert=alert, key=f"{key}:{one}", person=one, due=now) for one in sorted(people)]
    Telling.objects.bulk_create(made, ignore_conflicts=True)


def _on_call(alert: Alert, now: datetime) -> str:
    """Who is told on the next level; the team where no rota says. Sets when the level after it follows."""
    levels = levels_of(alert.brand_id)
    if not levels:
        return ""
    rota = levels[alert.level % len(levels)]
    alert.level += 1
    alert.escalates_at = now + timedelta(minutes=rota.minutes) if alert.level < LAPS * len(levels) else None
    alert.save(update_fields=["level", "escalates_at"])
    return on_call(turns_of(rota), now)


def levels_of(brand: int | None) -> list[Rota]:
    """The levels of a brand, the first one first: its own, or those of all brands."""
    found = list(Rota.objects.filter(brand=brand).order_by("level")) if brand is not None else []
    return found or list(Rota.objects.filter(brand=None).order_by("level"))


def turns_of(rota: Rota) -> Turns:
    """The turns that a rota stands for."""
    stand_ins = read_stand_ins(rota.stand_ins, rota.zone)
    return Turns(tuple(rota.turns), rota.first, rota.weekday, rota.hour, rota.zone, stand_ins)


def _team_has_ways() -> bool:
    return Way.objects.filter(person="", enabled=True).exists()


@transaction.atomic
def escalate(now: datetime) -> int:
    """Tells the next level of every page that nobody acknowledged in time. Returns of how many."""
    waiting = Alert.objects.select_for_update(skip_locked=True).filter(
        severity="page", over_at=None, acknowledged_at=None, escalates_at__lte=now
    )
    due = list(waiting.order_by("escalates_at"))
    for alert in due:
        alert.escalates_at = None
        alert.save(update_fields=["escalates_at"])
        _tell(alert, now)
    if due:
        ring()
    return len(due)


@transaction.atomic
def acknowledge(alert: Alert, by: str, now: datetime) -> bool:
    """A person has it: nobody else is woken. False where somebody had it already, or it is over."""
    mine = Alert.objects.filter(pk=alert.pk, acknowledged_at=None, over_at=None)
    taken = mine.update(acknowledged_at=now, acknowledged_by=by, escalates_at=None)
    if taken:
        Telling.objects.filter(alert=alert, state="pending").update(state="dropped", done_at=now)
    return bool(taken)


def forget(now: datetime) -> None:
    """What was over for long is forgotten, with whom it was told."""
    Alert.objects.filter(over_at__lt=now - KEPT).delete()


@transaction.atomic
def send_test(way: Way, by: str, now: datetime) -> Telling:
    """An alert that says that it is none, told by one way at once. It is over from the beginning."""
    summary = f"a test of {way.name}, asked for by {by}; nothing is wrong"
    key = f"{TEST}:{way.pk}:{now.isoformat()}"
    times = {"opened_at": now, "last_at": now, "over_at": now}
    alert = Alert.objects.create(kind=TEST, key=key, severity="tell", summary=summary, link="/alerts", **times)
    return Telling.objects.create(
        alert=alert, key=f"{alert.pk}:1:0:{way.name}", person=way.person, due=now, state="test"
    )
