"""What is wrong now: a pure function from the state of the house to the alerts that have to be open.

Each thing that is wrong has a key, so that the same thing is one alert for as long as it lasts. What comes in numbers
(proposals, failures) is one alert for each brand, with the things that it speaks of: a new one among them tells again.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from abusedesk.desk.oncall.kinds import Severity, severity_of
from abusedesk.policy.measures import BLAST_RADIUS, PROTECTED
from abusedesk.vocabulary.measure import MEASURE_NOUN

CLOCKS_APART = timedelta(minutes=1)
FAILING = timedelta(minutes=5)
"""So long a channel or an inventory may fail before anybody is told: most come back by themselves."""

SILENT = timedelta(minutes=10)
"""So long nobody may have polled deadlines or carried anything out."""

BY_THE_DESK = frozenset({"watch", "restore"})
"""Who holds a brand without a person: the watch in doubt, and a restore."""

POLLED, WORKED = "deadlines", "worker"
"""Heartbeats: deadlines were polled without an error; a worker is alive."""

_REVIEWS = {"mass_expiry": "brake", "break_glass": "break_glass"}


class BrandRow(NamedTuple):
    """A brand as far as alerts care."""

    pk: int
    slug: str
    name: str
    settings: Mapping[str, Any]
    dry_run: bool = False
    held_by: str = ""
    held_reason: str = ""


class Proposed(NamedTuple):
    """A measure that waits for a person, with the screen on which it is answered."""

    pk: int
    brand: int
    measure: str
    service: str
    case: int | None
    clauses: tuple[str, ...]
    protected: bool
    screen: int | None = None


class Broken(NamedTuple):
    """A measure that failed for good, or was undone outside and stays so."""

    pk: int
    brand: int
    measure: str
    service: str
    case: int | None
    drifted: bool


class Asked(NamedTuple):
    """An open review, an unsent notice, a file or a duty: one thing of a brand with its words and its place."""

    pk: int
    brand: int
    kind: str
    words: str = ""
    link: str = ""


class Source(NamedTuple):
    """A channel or an inventory that is asked. `late` says that it is further behind than it may be."""

    pk: int
    kind: str
    brand: int | None
    name: str
    failing_since: datetime | None
    error: str
    late: str = ""


class House(NamedTuple):
    """The state of the house at an instant, as rows."""

    at: datetime
    database_at: datetime
    brands: tuple[BrandRow, ...] = ()
    proposed: tuple[Proposed, ...] = ()
    broken: tuple[Broken, ...] = ()
    asked: tuple[Asked, ...] = ()
    sources: tuple[Source, ...] = ()
    beats: Mapping[str, datetime] = {}


class Wrong(NamedTuple):
    """One thing that is wrong. `link` is the place in the console where a person puts it right."""

    kind: str
    key: str
    brand: int | None
    severity: Severity
    summary: str
    link: str
    things: tuple[int, ...] = ()


def wrong(house: House) -> list[Wrong]:
    """Everything that is wrong and worth telling, each once."""
    settings = {one.pk: one.settings for one in house.brands}
    found = [*_of_brands(house), *_of_sources(house), *_of_clocks(house)]
    graded = ((one, severity_of(one.kind, settings.get(one.brand or 0, {}), house.at)) for one in found)
    return [
        one._replace(severity=severity, summary=one.summary[:300]) for one, severity in graded if severity != "nothing"
    ]


def _of_brands(house: House) -> Iterator[Wrong]:
    for brand in house.brands:
        if brand.held_by in BY_THE_DESK:
            yield _one("brand_held", brand, f"stopped by the desk itself: {brand.held_reason}", f"/brands/{brand.slug}")
        if not brand.dry_run:
            yield from _proposals(brand, [one for one in house.proposed if one.brand == brand.pk])
            yield from _failures(brand, [one for one in house.broken if one.brand == brand.pk])
        yield from _asked(brand, [one for one in house.asked if one.brand == brand.pk])


def _one(kind: str, brand: BrandRow, summary: str, link: str, things: Iterable[int] = ()) -> Wrong:
    return Wrong(kind, f"{kind}:{brand.pk}", brand.pk, "page", summary, link, tuple(sorted(things)))


def _proposals(brand: BrandRow, proposed: list[Proposed]) -> Iterator[Wrong]:
    """Each proposal counts once, by the gravest of what holds it back."""
    by_kind: dict[str, list[Proposed]] = {}
    for one in proposed:
        by_kind.setdefault(_kind_of(one), []).append(one)
    for kind, ones in by_kind.items():
        yield _several(kind, brand, "proposed", _WHY.get(kind, ""), ones)


_WHY = {"protected": "(protected)", "blast_radius": "(held by the blast radius)"}


def _kind_of(one: Proposed) -> str:
    if BLAST_RADIUS in one.clauses:
        return "blast_radius"
    return "protected" if one.protected or PROTECTED in one.clauses else "proposal"


def _failures(brand: BrandRow, broken: list[Broken]) -> Iterator[Wrong]:
    failed, drifted = [one for one in broken if not one.drifted], [one for one in broken if one.drifted]
    if failed:
        yield _several("measure_failed", brand, "failed for good", "", failed)
    if drifted:
        yield _several("drift", brand, "undone outside", "and not taken again", drifted)


def _several(kind: str, brand: BrandRow, became: str, more: str, ones: "list[Proposed] | list[Broken]") -> Wrong:
    first = ones[0]
    noun = MEASURE_NOUN.get(first.measure, first.measure)
    said = f"{noun} of {first.service}" if len(ones) == 1 else f"{len(ones)} measures"
    link = _place(first) if len(ones) == 1 else _places(first, brand)
    return _one(kind, brand, " ".join(filter(None, (said, became, more))), link, [one.pk for one in ones])


def _place(one: "Proposed | Broken") -> str:
    if isinstance(one, Proposed) and one.screen is not None:
        return f"/approvals/{one.screen}"
    return f"/cases/{one.case}" if one.case is not None else "/"


def _places(one: "Proposed | Broken", brand: BrandRow) -> str:
    if isinstance(one, Proposed):
        return f"/approvals?brand={brand.slug}&kind=measure"
    return f"/?brand={brand.slug}&kind=failed"


_MANY = {
    "notice_failed": ("{} notices failed for good", "/?brand={}&kind=failed"),
    "authority": ("{} requests of authorities wait for somebody", "/files"),
    "duty": ("{} demands of upstreams are open", "/duties"),
    "break_glass": ("{} approvals of one's own proposals wait for a second look", "/reviews"),
    "overdue": ("{} proposals wait too long", "/approvals?brand={}"),
    "brake": ("many deadlines at once are held", "/brands/{}/held"),
}


def _asked(brand: BrandRow, asked: list[Asked]) -> Iterator[Wrong]:
    by_kind: dict[str, list[Asked]] = {}
    for one in asked:
        by_kind.setdefault(_REVIEWS.get(one.kind, one.kind), []).append(one)
    for kind, ones in by_kind.items():
        words, link = _MANY[kind]
        words, link = words.format(len(ones)), link.format(brand.slug)
        if len(ones) == 1:
            words, link = ones[0].words or words, ones[0].link or link
        yield _one(kind, brand, words, link, [one.pk for one in ones])


def _of_sources(house: House) -> Iterator[Wrong]:
    for one in house.sources:
        failing = one.failing_since is not None and house.at - one.failing_since >= FAILING
        if failing or one.late:
            why = f"cannot be read: {one.error}" if failing and one.error else one.late or "cannot be read"
            place = "channels" if one.kind == "channel" else "inventories"
            yield Wrong(
                one.kind,
                f"{one.kind}:{one.pk}",
                one.brand,
                "page",
                f"{one.kind} {one.name} {why}",
                f"/{place}/{one.pk}",
            )


def _of_clocks(house: House) -> Iterator[Wrong]:
    apart = abs(house.database_at - house.at)
    if apart > CLOCKS_APART:
        words = f"the clock of the watch and that of the database differ by {int(apart.total_seconds())} s"
        yield Wrong("clock", "clock", None, "page", words, "/brands")
    for name, words in ((POLLED, "deadlines were not polled"), (WORKED, "no worker carried anything out")):
        last = house.beats.get(name)
        if last is not None and house.at - last > SILENT:
            minutes = int((house.at - last).total_seconds() // 60)
            yield Wrong("standstill", f"standstill:{name}", None, "page", f"{words} for {minutes} min", "/brands")
