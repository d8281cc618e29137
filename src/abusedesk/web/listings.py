"""Listings as the pages show them: how each list does, each entry with what it is, and what accuses nobody."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from abusedesk.desk.listings.places import KIND, blocklist_of
from abusedesk.parsing.blocklists import Blocklist, meaning
from abusedesk.problem import Problem
from abusedesk.records.models import Channel, Listing, Service, Sweep, SweptBlock
from abusedesk.web import words
from abusedesk.web.views.brand import ChannelRow

BLOCKS = 50
"""So many blocks with entries that accuse nobody are shown."""

_VERDICTS: dict[str, tuple[str, words.Tone]] = {
    "corroborated": ("corroborated", "late"),
    "unverified": ("unverified", "wait"),
    "baseline": ("there before", ""),
    "range": ("names a range", ""),
    "unheld": ("held by nobody alone", ""),
}
_BECAUSE = {
    "corroborated": "a second answer confirmed it, and the list was read as clean since the holder has the address",
    "unverified": "confirmed, but not read as clean since the holder has the address",
    "baseline": "never read as clean before: it accuses nobody",
    "range": "the same record names neighbours of another service: it accuses nobody",
    "unheld": "no service alone held the address: it accuses nobody",
}

_WITHIN = "SELECT id FROM records_listing WHERE address <<= %s::inet"
_HELD_NOW = """
SELECT listing.id FROM records_listing listing JOIN records_assignment held ON listing.address <<= held.prefix
WHERE held.service_id = %s AND held.period @> now() AND listing.gone_at IS NULL
"""
_OVERLAPPING = "SELECT id FROM records_sweptblock WHERE shown <> '{}' AND block && ANY(%s::inet[])"

Network = IPv4Network | IPv6Network


class ListRow(NamedTuple):
    """A list that is asked: its channel with its state, its title, and the newest sweep with its share done, if any."""

    row: ChannelRow
    title: str
    sweep: Sweep | None
    done: int


class EntryRow(NamedTuple):
    """An entry: what it is in words with their tone, why, and what becomes of it next."""

    listing: Listing
    state: str
    tone: words.Tone
    because: str


class ShownRow(NamedTuple):
    """What a list says of some addresses of a block without accusing any."""

    title: str
    block: str
    addresses: int
    says: str
    since: datetime


def lists(now: datetime) -> list[ListRow]:
    """The lists that are asked."""
    found = Channel.objects.filter(kind=KIND).select_related("brand").order_by("name")
    return [_list_row(one, now) for one in found]


def _list_row(channel: Channel, now: datetime) -> ListRow:
    sweep = channel.sweeps.order_by("-began_at").first()
    done = min(100 * sweep.asked // sweep.addresses, 100) if sweep and sweep.addresses else 100
    return ListRow(ChannelRow(channel, now), title_of(channel), sweep, done)


def title_of(channel: Channel) -> str:
    """What the list of a channel is called."""
    described = _described(channel)
    return described.title if described else channel.name


def _described(channel: Channel) -> Blocklist | None:
    try:
        return blocklist_of(channel)
    except Problem:
        return None


def entry(listing: Listing) -> EntryRow:
    """An entry in words."""
    if listing.confirmed_at is None:
        if listing.gone_at is not None:
            return EntryRow(listing, "not confirmed", "", "the second answer did not name it")
        return EntryRow(listing, "seen once", "wait", "counts when a second answer confirms it")
    state, tone = _VERDICTS[listing.verdict]
    return EntryRow(listing, state, "" if listing.gone_at else tone, _BECAUSE[listing.verdict])


def matching(text: str) -> Q:
    """The entries on an address, within a prefix, or of a service whose number or label is like a text."""
    try:
        prefix = ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return Q(service__label__icontains=text) | Q(service__ref__iexact=text)
    return Q(pk__in=RawSQL(_WITHIN, [str(prefix)]))  # noqa: S611 - a constant with parameters


def of_service(service: Service) -> "QuerySet[Listing]":
    """The entries that were seen while a service held the address, and those there now on what it holds."""
    held = RawSQL(_HELD_NOW, [service.pk])  # noqa: S611 - a constant with parameters
    return Listing.objects.filter(Q(service=service) | Q(pk__in=held)).order_by("-seen_at", "-pk")


def shown(blocks: Iterable[SweptBlock], within: Sequence[Network] | None = None) -> list[ShownRow]:
    """What lists say without accusing anybody; with `within`, only of the addresses in these prefixes."""
    lists_by_name = {
        one.name: one for channel in Channel.objects.filter(kind=KIND) if (one := _described(channel)) is not None
    }
    return [row for block in blocks for row in _shown_rows(block, lists_by_name.get(block.blocklist), within)]


def _shown_rows(
    block: SweptBlock, described: Blocklist | None, prefixes: Sequence[Network] | None
) -> Iterator[ShownRow]:
    base = int(ip_network(str(block.block)).network_address)
    for code, known in sorted(block.shown.items()):
        who = [ip_address(base + place) for place in known["who"]]
        inside = who if prefixes is None else [one for one in who if any(one in prefix for prefix in prefixes)]
        if inside:
            says = meaning(described.codes if described else (), code).says
            title = described.title if described else block.blocklist
            yield ShownRow(title, str(block.block), len(inside), says, datetime.fromisoformat(known["since"]))


def shown_of_service(service: Service) -> list[ShownRow]:
    """What lists say, without accusing anybody, of the addresses that a service holds now."""
    held = [one.prefix for one in service.assignments.filter(period__contains=timezone.now())]
    overlapping = SweptBlock.objects.filter(pk__in=RawSQL(_OVERLAPPING, [[str(one) for one in held]]))  # noqa: S611 - a constant with parameters
    return shown(overlapping.order_by("blocklist", "block")[:BLOCKS], held) if held else []
