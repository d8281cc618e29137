"""The book of listings: what a round of readings changes, and which entry becomes a report.

An entry accuses when its codes accuse the very address, a second answer confirmed it, and a clean reading since the
present holder has the address stands before it (clauses, "Live only": Listings). Then it is a message like any other,
with the list as its proven origin. One without that clean reading is the same message without the origin, and so
unverified. Where the list was never seen to say nothing of the address, or has not yet been asked about all once, the
entry is the baseline; where its number stands at neighbours as well, it is about their range; where nobody alone holds
the address, nobody can be accused: all three are shown, and no report.
"""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from abusedesk.desk.listings.blocks import block_of, pack, unpack
from abusedesk.desk.listings.places import Looked
from abusedesk.desk.perform.marks import tell
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.desk.verify import LISTING
from abusedesk.parsing.blocklists import (
    Blocklist,
    Reading,
    Standing,
    accusing,
    document,
    meaning,
    shown_only,
    step,
)
from abusedesk.records.bulk import give_rows
from abusedesk.records.holders import Holders
from abusedesk.records.models import Case, Channel, Docket, Listing, ListingQuestion, Service, Sweep, SweptBlock
from abusedesk.records.packs import pack_of

PAUSE = timedelta(minutes=30)
"""So long after the first answer the second is asked; longer where the first said that it holds longer (its TTL), so
that no cache on the way can give it again."""

LONGEST_PAUSE = timedelta(hours=12)
RETRY = timedelta(minutes=10)

_SAVE_BLOCKS = """
INSERT INTO records_sweptblock (blocklist, block, cleared, shown)
SELECT blocklist, block::inet, decode(cleared, 'base64'), shown
FROM json_to_recordset(%s::json) AS row(blocklist text, block text, cleared text, shown jsonb)
ON CONFLICT (blocklist, block) DO UPDATE SET cleared = EXCLUDED.cleared, shown = EXCLUDED.shown
"""


class Block:
    """One block of addresses while its readings change."""

    def __init__(self, clean: bytes = b"", shown: Mapping[str, Any] | None = None) -> None:
        self.clean = unpack(clean)
        self.shown: dict[str, Any] = dict(shown or {})

    def note_shown(self, place: int, codes: Iterable[str], at: datetime) -> None:
        """The codes that accuse nobody, as they stand for one address now."""
        now = set(codes)
        for code in now | set(self.shown):
            known = self.shown.get(code, {"since": at.isoformat(), "who": []})
            who = sorted({*known["who"], place} if code in now else {*known["who"]} - {place})
            self.shown[code] = {**known, "who": who}
        self.shown = {code: known for code, known in self.shown.items() if known["who"]}


class Round(NamedTuple):
    """What is about to be written: whose readings these are, and what was known before.

    `is_first` says whether the list has not yet been asked about all addresses once.
    """

    blocklist: Blocklist
    channel: Channel
    looked: Looked
    table: Holders
    is_first: bool
    blocks: dict[str, Block]
    present: dict[str, Listing]

    @property
    def at(self) -> datetime:
        """When the list was asked."""
        return self.looked.at


@transaction.atomic
def record(blocklist: Blocklist, channel: Channel, looked: Looked, table: Holders) -> int:
    """Writes what a list said. Returns how many entries became reports."""
    readings = {address: one for address, one in looked.readings.items() if one.state != "none"}
    _ask_later(blocklist.name, looked, set(looked.asked) - set(readings))
    if not readings:
        return 0
    swept = Sweep.objects.filter(blocklist=blocklist.name).exclude(ended_at=None).exists()
    blocks, present = _blocks(blocklist.name, readings), _present(blocklist.name, readings)
    now = Round(blocklist, channel, looked, table, not swept, blocks, present)
    changed = [found for one, reading in readings.items() if (found := _read(now, one, reading)) is not None]
    _save_blocks(blocklist.name, blocks)
    return _settle(now, changed)


def _present(blocklist: str, addresses: Iterable[str]) -> dict[str, Listing]:
    rows = Listing.objects.select_for_update().filter(blocklist=blocklist, gone_at=None, address__in=list(addresses))
    return {one.address: one for one in rows.order_by("pk")}


def _read(now: Round, address: str, reading: Reading) -> Listing | None:
    """Notes one reading; the listing that it made or changed, if any."""
    name, place = block_of(address)
    block = now.blocks[name]
    block.note_shown(place, shown_only(now.blocklist.codes, reading), now.at)
    codes = accusing(now.blocklist.codes, reading)
    known = now.present.get(address)
    listing = known or Listing(blocklist=now.blocklist.name, address=address, clean_at=block.clean.get(place))
    before = standing_of(known) if known else None
    after = step(before, listed=bool(codes), at=now.at, wait=_wait(reading))
    if not codes:
        block.clean[place] = now.at
    if after is None:
        return None
    _set(listing, after)
    if codes:
        _describe(now, listing, codes)
    return listing


def _ask_later(blocklist: str, looked: Looked, unread: set[str]) -> None:
    """What waits for a second answer and got none that counts is not asked again at once."""
    waiting = Listing.objects.filter(blocklist=blocklist, gone_at=None, address__in=unread, again_at__lte=looked.at)
    waiting.update(again_at=looked.at + RETRY)


def _describe(now: Round, listing: Listing, codes: Iterable[str]) -> None:
    listing.codes = list(codes)
    listing.says = "; ".join(dict.fromkeys(meaning(now.blocklist.codes, code).says for code in listing.codes))
    listing.text = now.looked.texts.get(listing.address) or listing.text
    listing.last_seen_at = now.at
    if listing.pk is None:
        listing.title, listing.channel = now.blocklist.title, now.channel
        service = now.table.of_address(listing.address, now.at)
        listing.service_id = service
        listing.brand_id = now.table.brands.get(service or 0)


def standing_of(listing: Listing) -> Standing:
    """How far a listing is known, as a value."""
    return Standing(listing.seen_at, listing.again_at, listing.confirmed_at, listing.missing_since, listing.gone_at)


def _set(listing: Listing, one: Standing) -> None:
    listing.seen_at, listing.again_at, listing.confirmed_at = one.seen_at, one.again_at, one.confirmed_at
    listing.missing_since, listing.gone_at = one.missing_since, one.gone_at


def _wait(reading: Reading) -> timedelta:
    return min(max(PAUSE, timedelta(seconds=reading.ttl)), LONGEST_PAUSE)


# --- blocks ---------------------------------------------------------------------------------------------------------


def _blocks(blocklist: str, addresses: Iterable[str]) -> dict[str, Block]:
    names = sorted({block_of(address)[0] for address in addresses})
    rows = SweptBlock.objects.select_for_update().filter(blocklist=blocklist, block__in=names).order_by("block")
    known = {
        str(block): Block(bytes(clean), shown) for block, clean, shown in rows.values_list("block", "cleared", "shown")
    }
    return {name: known.get(name) or Block() for name in names}


def _save_blocks(blocklist: str, blocks: Mapping[str, Block]) -> None:
    rows = [
        {"blocklist": blocklist, "block": name, "cleared": pack(one.clean), "shown": one.shown}
        for name, one in blocks.items()
    ]
    give_rows(_SAVE_BLOCKS, rows)


def clean_since(blocklist: str, address: str) -> datetime | None:
    """When a list was last read as accusing an address of nothing; None where it never was."""
    name, place = block_of(address)
    row = SweptBlock.objects.filter(blocklist=blocklist, block=name).first()
    return unpack(bytes(row.cleared)).get(place) if row else None


# --- what follows ---------------------------------------------------------------------------------------------------


def _settle(now: Round, changed: list[Listing]) -> int:
    """Decides about what was confirmed just now, saves all, and tells of what is gone. Returns the reports made."""
    ripe = [one for one in changed if one.confirmed_at == now.at and not one.verdict]
    for one in ripe:
        one.verdict = verdict(now, one)
    for one in changed:
        one.save()
    reported = [one for one in ripe if one.verdict in {"corroborated", "unverified"}]
    messages = receive_many([_incoming(now, one) for one in reported])
    for one, message in zip(reported, messages, strict=True):
        Listing.objects.filter(pk=one.pk).update(message_id=message.message_id)
    for one in changed:
        if one.gone_at == now.at and one.confirmed_at is not None:
            _tell_gone(one)
    return len(reported)


def verdict(now: Round, listing: Listing) -> str:
    """What a confirmed entry is: see the top of this file."""
    if listing.service_id is None:
        return "unheld"
    if now.is_first or listing.clean_at is None:
        return "baseline"
    if _names_neighbours(now.blocklist, listing):
        return "range"
    since = now.table.assignments.held_since(listing.address, listing.seen_at)
    return "corroborated" if since is not None and listing.clean_at >= since else "unverified"


def _names_neighbours(blocklist: Blocklist, listing: Listing) -> bool:
    """Whether every code's own record stands at an address of another service too."""
    numbers = [_number(blocklist, code, listing.text) for code in listing.codes]
    if not all(numbers):
        return False
    others = Listing.objects.filter(blocklist=blocklist.name, gone_at=None).exclude(service=listing.service_id)
    texts = " ".join(others.exclude(text="").values_list("text", flat=True))
    return all(re.search(rf"\b{re.escape(number)}\b", texts) for number in numbers)


def _number(blocklist: Blocklist, code: str, text: str) -> str:
    pattern = meaning(blocklist.codes, code).entry
    found = re.search(pattern, text) if pattern else None
    return found[0] if found else ""


def _incoming(now: Round, one: Listing) -> Incoming:
    """The report of an entry. Only one that accuses names the list as its proven origin."""
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{one.pk}.{one.address}.{one.blocklist}"))
    says = f"{one.says}. {one.text}".strip() if one.text else one.says
    origin = {"listing" if one.verdict == "corroborated" else "blocklist": one.title}
    return Incoming(
        document(now.blocklist, identity, one.address, one.seen_at, says),
        now.channel.name,
        now.at,
        f"{one.address} on {one.title}",
        one.brand_id,
        provenance=origin,
    )


def _tell_gone(one: Listing) -> None:
    """A line on the story of the service, and of the case where there is one; the customer's own word is none."""
    docket = Docket.objects.filter(service=one.service_id).first() if one.service_id else None
    if docket is None or docket.service_id is None or one.gone_at is None:
        return
    text = f"{one.address} is no longer on {one.title}: two answers in a row did not name it"
    tell(docket.pk, _case(docket.service_id), "delisted", one.gone_at, body={"text": text, "listing": one.pk})


def _case(service_id: int) -> int | None:
    service = Service.objects.select_related("brand").get(pk=service_id)
    abuse_type = pack_of(service.brand).abuse_type(LISTING).name
    return Case.objects.filter(service=service, abuse_type=abuse_type).values_list("pk", flat=True).first()


# --- what is to be asked out of turn --------------------------------------------------------------------------------


def due(channel: Channel, blocklist: str, at: datetime, most: int) -> list[str]:
    """Addresses to be asked before the sweep goes on: what somebody wants to know, what waits for a second answer."""
    wanted = ListingQuestion.objects.filter(channel=channel, answered_at=None).order_by("pk")
    waiting = Listing.objects.filter(blocklist=blocklist, gone_at=None, again_at__lte=at).order_by("again_at")
    found = [*wanted.values_list("address", flat=True)[:most], *waiting.values_list("address", flat=True)[:most]]
    return list(dict.fromkeys(found))[:most]


def ask_for_the_rest(sweep: Sweep) -> None:
    """Entries that the sweep did not come by, as nobody holds their addresses any more, are asked for by themselves."""
    found = Listing.objects.filter(blocklist=sweep.blocklist, gone_at=None, again_at=None)
    found.filter(last_seen_at__lt=sweep.began_at).update(again_at=sweep.ended_at)


def answer_questions(channel: Channel, blocklist: Blocklist, looked: Looked) -> None:
    """Writes down what the list said to those who asked."""
    unread = Reading("none", why=looked.without_ipv6 or "it was not asked")
    for one in ListingQuestion.objects.filter(channel=channel, answered_at=None, address__in=looked.asked):
        said = words_of(blocklist, looked.readings.get(one.address, unread), looked.texts.get(one.address, ""))
        ListingQuestion.objects.filter(pk=one.pk).update(answered_at=looked.at, answer=said)


def words_of(blocklist: Blocklist, reading: Reading, text: str = "") -> str:
    """A reading in words."""
    if reading.state == "none":
        return f"no reading: {reading.why}"
    if reading.state == "clean":
        return "not listed"
    said = "; ".join(dict.fromkeys(meaning(blocklist.codes, code).says for code in reading.codes))
    whom = "" if accusing(blocklist.codes, reading) else ", which accuses nobody"
    return f"listed ({', '.join(reading.codes)}): {said}{whom}" + (f". {text}" if text else "")
