"""Fills a fresh installation with two brands, their customers, and a day of complaints that went through every stage.

Nothing is painted on: the messages are received, read, attributed, verified and decided by the very stages that serve a
real desk, in the order of their times, with deadlines fired in between and notices and measures carried out.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from abusedesk.cli.demo import inventories, lists, machines, mail_port, staff
from abusedesk.cli.demo.day import COLLEAGUE, Answer, Arrival, Day, Deed, Happening, Verdict
from abusedesk.cli.demo.machines import Scene
from abusedesk.cli.demo.mail import Keys, plain
from abusedesk.cli.demo.people import CHANNEL, World
from abusedesk.cli.demo.policy import propose_change, publish_change
from abusedesk.cli.progress import Progress
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.hearing import tokens, unread
from abusedesk.desk.hearing.answers import CUSTOMER_WROTE, READ_REPLY
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects, perform_targets
from abusedesk.desk.public_form import door
from abusedesk.desk.receive import Incoming, receive
from abusedesk.desk.watch import fire_due
from abusedesk.records.models import Brand, Channel, Deadline, Notice, Review

LOGIN = "demo"
WORKER = "demo"
BATCH = 200


class Summary(NamedTuple):
    """How to sign in to the demo."""

    name: str
    password: str


def fill(progress: Progress) -> Summary:
    """Fill the database with the demo, or find it filled. Returns the staff login.

    Everything has a key of its own, so that a run that was broken off is carried on by the next.
    """
    folder = Path(settings.CONFIGURATION.data) / "demo"
    login = _staff(folder)
    if _is_filled():
        progress.note("the demo's data is there")
        return login
    world = World(_began(), Keys(folder / "keys"))
    progress.note("brands, customers and services")
    with _without_waiting_for_the_disk(), _list() as listed:
        world.people()
        world.tenants()
        machines.make_keys(world)
        lists.set_up(listed)
        for brand in world.brands.values():
            door.switch(brand, on=True)
        publish_change(world.brands["jimcloud"], world.began)
        happenings = _happenings(world, listed)
        for one in progress.over(happenings, "a day of complaints", len(happenings)):
            _play(one, world)
        _until(world.began)
        propose_change(world.brands["jimcloud"], world.began)
        staff.make_rota(LOGIN, world.began)
        staff.appeal(world.brands["jimcloud"], world.began)
        inventories.take_stock(world, folder)
    Channel.objects.filter(name=CHANNEL).update(watermark=world.began)
    return login


def _is_filled() -> bool:
    return Channel.objects.filter(name=CHANNEL, watermark__isnull=False).exists()


def _began() -> datetime:
    """The instant that the demo's day ends at: now, or that of the run that was broken off."""
    before = Channel.objects.filter(name=CHANNEL).values_list("last_message_at", flat=True).first()
    moment = before or timezone.now().replace(microsecond=0)
    return moment.astimezone(UTC)


@contextmanager
def _list() -> Iterator[lists.List]:
    listed = lists.List()
    try:
        yield listed
    finally:
        listed.close()


def _happenings(world: World, listed: lists.List) -> list[Happening | Scene]:
    """The whole day, in order."""
    scenes = (*machines.scenes(world), *lists.scenes(world, listed), *mail_port.scenes(world, listed))
    return sorted([*Day(world).happenings(), *scenes], key=lambda one: one.at)


def _play(one: Happening | Scene, world: World) -> None:
    """Let the desk work up to the moment, then let the thing happen."""
    _until(one.at)
    if isinstance(one, Arrival):
        receive(_incoming(one, world.brands[one.brand]))
    elif isinstance(one, Answer):
        receive(_answer(one, world))
    elif isinstance(one, Verdict):
        _read(one, world)
    elif isinstance(one, Scene):
        one.play()
    else:
        _do(one, world)
    _work(one.at)


def _incoming(one: Arrival, brand: Brand) -> Incoming:
    return Incoming(
        data=one.data, channel=CHANNEL, received_at=one.at, name=one.name, brand=brand.pk, recipient=one.recipient
    )


def _answer(one: Answer, world: World) -> Incoming:
    """The customer's mail, to the address that the newest notice by then asked for."""
    asked = Notice.objects.filter(case__service=world.tenant(one.tenant), to="customer", written_at__lte=one.at)
    notice = asked.select_related("brand", "case__ticket__customer").latest("written_at")
    ticket, brand = notice.case.ticket, notice.brand  # type: ignore[union-attr]
    to, customer = tokens.reply_address(brand, ticket.token), ticket.customer
    quoted = "\n".join(f"> {line}" for line in notice.text.splitlines()[:6])
    text = f"{one.text}\n\n{customer.name}\n\nOn {notice.written_at:%d %B %Y}, {brand.name} wrote:\n{quoted}\n"
    sender, more = f"{customer.name} <{customer.email}>", {"In-Reply-To": notice.message_id}
    data = plain(sender, to, f"Re: {notice.subject}", text, one.at, more=more)
    return Incoming(data, CHANNEL, one.at, name="answer.eml", brand=brand.pk, recipient=brand.sender)


def _read(one: Verdict, world: World) -> None:
    """The colleague reads what lies unread of the customer."""
    asked = Review.objects.filter(case__service=world.tenant(one.tenant), closed_at=None, opened_at__lte=one.at)
    for review in asked.filter(reason__in=(READ_REPLY, CUSTOMER_WROTE)).order_by("opened_at"):
        verdict: unread.Verdict = "complete" if one.complete else "incomplete"
        unread.read_reply(review, verdict, COLLEAGUE, one.at)


def _do(one: Deed, world: World) -> None:
    submit(docket_of(world.tenant(one.tenant)), one.stimulus, key=one.name, at=one.at, by=one.by)


def _until(moment: datetime) -> None:
    """Fire every deadline up to a moment, each at its own instant, and carry out what it brings."""
    while due := _next_due(moment):
        if not fire_due(due):
            break
        _work(due)


def _next_due(moment: datetime) -> datetime | None:
    waiting = Deadline.objects.filter(state="open", due__lte=moment).order_by("due")
    return waiting.values_list("due", flat=True).first()


def _work(now: datetime) -> None:
    """What the worker's lanes do, until nothing is left to do."""
    for lane in (process_messages, _notify, _drive):
        while lane(now, BATCH) == BATCH:
            continue


def _notify(now: datetime, limit: int) -> int:
    return perform_effects(WORKER, now, limit)


def _drive(now: datetime, limit: int) -> int:
    return perform_targets(WORKER, now, limit)


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """What a power failure takes from a demo, the next run makes again."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


def _staff(folder: Path) -> Summary:
    """The login, with a password made once and kept where only the owner of the data folder can read it."""
    file = folder / "password"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12) + "\n")
    password = file.read_text().strip()
    people = get_user_model()
    user, new = people.objects.get_or_create(username=LOGIN, defaults={"is_staff": True, "is_superuser": True})
    if new or not user.check_password(password):
        user.set_password(password)
        user.save()
    colleague, new = people.objects.get_or_create(username=COLLEAGUE)
    if new:
        colleague.set_unusable_password()
        colleague.save()
    return Summary(LOGIN, password)
