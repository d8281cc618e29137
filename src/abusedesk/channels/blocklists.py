"""Blocklists: the provider's own addresses asked of one list, steadily and at its rate, again and again.

A round asks for a few seconds and remembers how far it came, so a restart goes on there. First come addresses that wait
for a second answer or that somebody wants to know about, then the next of the sweep.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from abusedesk.desk.channel import Driver, Option, Round, option
from abusedesk.desk.listings import book
from abusedesk.desk.listings.addresses import Plan, plan_for
from abusedesk.desk.listings.asking import look
from abusedesk.desk.listings.known import closed, known, own, titles
from abusedesk.desk.listings.places import KIND, Looked, blocklist_of, place_of
from abusedesk.parsing.blocklists import Blocklist, own_codes, sweep_words
from abusedesk.problem import Problem
from abusedesk.records.holders import holders
from abusedesk.records.models import Channel, Sweep

ROUND_S = 5.0
"""So long a round asks at most; it is also how long switching the channel off may take."""

MOST = 20_000
TEST_EVERY = timedelta(minutes=15)
"""A list that has nothing to be asked is asked for its test entries so often, so that its health is known."""

FASTEST = 20_000.0
_RATES = (1.0, FASTEST)


class _Way(NamedTuple):
    """How far the present sweep is: its row, the address asked last (empty: none), and what it asks."""

    sweep: Sweep
    last: str
    plan: Plan


def ask(channel: Channel) -> Round:
    """One round. Raises Problem where the list does not answer properly; then nothing that it said counts."""
    return ask_at(channel, datetime.now(UTC))


def ask_at(channel: Channel, now: datetime) -> Round:
    """One round, as at an instant."""
    place = place_of(channel)
    most = min(max(int(place.per_second * ROUND_S), 1), MOST)
    first = book.due(channel, place.blocklist.name, now, most)
    way = _way(channel, place.blocklist, now)
    chunk = way.plan.after(way.last, most - len(first)) if way else []
    if not first and not chunk and way is None and not _must_test(channel, now):
        return Round(0, 0, None, channel.memory)
    looked = look(place, list(dict.fromkeys([*first, *chunk])))._replace(at=now)
    if looked.wrong:
        raise Problem(f"{place.blocklist.title} is {looked.wrong}")
    taken = book.record(place.blocklist, channel, looked, holders())
    book.answer_questions(channel, place.blocklist, looked)
    return _went_on(channel, way, chunk, looked, taken)


def _must_test(channel: Channel, now: datetime) -> bool:
    tested = channel.memory.get("tested_at")
    return not tested or now - datetime.fromisoformat(tested) >= TEST_EVERY


def _way(channel: Channel, blocklist: Blocklist, now: datetime) -> _Way | None:
    """The sweep that runs, or the next one when it is time; None in between."""
    sweep = Sweep.objects.filter(channel=channel, pk=channel.memory.get("sweep", 0), ended_at=None).first()
    if sweep is None:
        newest = Sweep.objects.filter(channel=channel, blocklist=blocklist.name).order_by("-began_at").first()
        if newest is not None and newest.ended_at is not None and now - newest.began_at < every(channel):
            return None
        sweep, last = Sweep(channel=channel, blocklist=blocklist.name, began_at=now), ""
    else:
        last = str(channel.memory.get("last", ""))
    plan = plan_for(holders(), channel.brand_id, sweep.began_at, ipv6=blocklist.ipv6)
    if sweep.pk is None:
        sweep.addresses = plan.total
        _begin(channel, sweep)
    return _Way(sweep, last, plan)


@transaction.atomic
def _begin(channel: Channel, sweep: Sweep) -> None:
    """The sweep and the channel's memory of it are written together: a process that ends now leaves no sweep behind."""
    sweep.save()
    channel.memory = {**channel.memory, "sweep": sweep.pk, "last": ""}
    Channel.objects.filter(pk=channel.pk).update(memory=channel.memory)


def _went_on(channel: Channel, way: _Way | None, chunk: list[str], looked: Looked, taken: int) -> Round:
    memory: dict[str, Any] = {
        **channel.memory,
        "tested_at": looked.at.isoformat(),
        "without_ipv6": looked.without_ipv6 or channel.memory.get("without_ipv6", ""),
    }
    if way is None:
        return Round(taken, 0, None, memory)
    last = chunk[-1] if chunk else way.last
    left = way.plan.left(last)
    memory |= {"sweep": way.sweep.pk, "last": last}
    with transaction.atomic():
        _save_progress(way.sweep, chunk, looked, left)
        # Remembered before the round is over: whoever is ended now goes on here.
        Channel.objects.filter(pk=channel.pk).update(memory=memory)
    return Round(taken, left, None if left else way.sweep.began_at, memory, more=bool(left))


def _save_progress(sweep: Sweep, chunk: list[str], looked: Looked, left: int) -> None:
    sweep.asked += len(chunk)
    sweep.unanswered += sum(1 for one in chunk if one not in looked.readings or looked.readings[one].state == "none")
    if not left:
        sweep.ended_at = looked.at
        book.ask_for_the_rest(sweep)
    sweep.save()


def every(channel: Channel) -> timedelta:
    """How long from the beginning of one sweep to that of the next."""
    return timedelta(hours=float(option(channel, "hours") or blocklist_of(channel).hours))


def about(channel: Channel) -> str:
    """What a sweep asks and how long it takes, before it begins."""
    try:
        blocklist = blocklist_of(channel)
        rate = float(option(channel, "per_second") or blocklist.per_second)
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        plan = plan_for(holders(), channel.brand_id, minute, ipv6=blocklist.ipv6)
        return " ".join(filter(None, (f"{sweep_words(plan.total, rate, every(channel))}.", blocklist.terms)))
    except Problem as problem:
        return str(problem)


def stale_after(channel: Channel) -> timedelta:
    """A list is behind when a whole sweep was left out."""
    try:
        return 2 * every(channel) + timedelta(hours=1)
    except Problem:
        return timedelta(0)


# --- what it has to be told -----------------------------------------------------------------------------------------


def wrong(options: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the options together, by option."""
    chosen = known().get(options.get("list", ""))
    zone, key = options.get("zone", "").strip(), options.get("key_file", "")
    found: dict[str, str] = {}
    if chosen is None:
        found |= _wrong_own(zone, options.get("accuses", ""))
    elif zone:
        found["zone"] = f"{chosen.title} is asked at {chosen.public_zone}; leave this empty."
    needs_key = chosen.needs_key if chosen else "{key}" in zone
    if needs_key and not key:
        found["key_file"] = "It answers only to accounts: put the key of yours into a file and name it here."
    return found


def _wrong_own(zone: str, accuses: str) -> dict[str, str]:
    if not zone:
        return {"zone": "Say where your list is asked, such as bl.example.net."}
    if closed(zone):
        return {"zone": f"{closed(zone)}."}
    try:
        own(zone, accuses, ipv6=False)
    except ValueError:
        return {"accuses": "Write return codes such as 127.0.0.2, 127.0.0.4-7."}
    return {}


def _wrong_zone(text: str) -> str:
    labels = text.strip().strip(".").replace("{key}", "key").split(".")
    good = len(labels) > 1 and all(one and len(one) < 64 and one.replace("-", "").isalnum() for one in labels)
    return "" if good and len(text) < 150 else "A zone is a domain name such as bl.example.net."


def _wrong_codes(text: str) -> str:
    try:
        own_codes(text)
    except ValueError as error:
        return f"{error}. Write for example 127.0.0.2, 127.0.0.4-7."
    return ""


def _wrong_rate(text: str) -> str:
    low, high = _RATES
    return "" if _within(text, low, high) else f"A number from {low:g} to {high:g}."


def _wrong_hours(text: str) -> str:
    return "" if _within(text, 0.25, 24 * 31) else "Hours, from 0.25 to 744."


def _within(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False


def _wrong_servers(text: str) -> str:
    wrong_ones = [one for one in text.split(",") if not _is_server(one.strip())]
    return "" if not wrong_ones else f"{wrong_ones[0].strip()!r} is no address, as 192.0.2.53 or 192.0.2.53:5353."


def _is_server(text: str) -> bool:
    host, _, port = text.rpartition(":") if text.count(":") == 1 or text.startswith("[") else (text, "", "53")
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return port.isascii() and port.isdigit() and 0 < int(port) < 65536


def _wrong_file(text: str) -> str:
    return "" if Path(text).is_file() else "There is no such file on the machine that runs the desk."


DRIVER = Driver(
    KIND,
    "Blocklist",
    (
        Option("list", "List", "What its codes mean comes with the desk.", choices=titles()),
        Option("zone", "Zone", "Only for a list of your own: bl.example.net.", required=False, check=_wrong_zone),
        Option(
            "accuses", "Codes that accuse an address",
            "Only for a list of your own: 127.0.0.2, 127.0.0.4-7. All other codes are shown and accuse nobody.",
            required=False, check=_wrong_codes,
        ),
        Option(
            "ipv6", "Lists IPv6 addresses", "Only for a list of your own.", default="no", required=False,
            choices=(("no", "no"), ("yes", "yes")),
        ),
        Option("key_file", "File of the key", "Readable by the desk's user alone.", required=False, check=_wrong_file),
        Option(
            "nameservers", "Resolvers", "192.0.2.53, 192.0.2.54:5353. Empty: the system's. Lists refuse public ones.",
            required=False, check=_wrong_servers,
        ),
        Option("per_second", "Questions a second", "Empty: what suits the list.", required=False, check=_wrong_rate),
        Option("hours", "Hours between sweeps", "Empty: 24.", required=False, check=_wrong_hours),
    ),
    ask,
    brings_answers=False,
    check=wrong,
    about=about,
    stale_after=stale_after,
)  # fmt: skip
