"""Decide: gathers the facts that lie outside the docket and calls the policy. It writes nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from django.db import connection

from abusedesk.policy.decide import decide
from abusedesk.policy.decision import Decision, Notify, Take
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Elsewhere, Facts, Settings, addresses_in, elsewhere
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus, Request
from abusedesk.policy.strikes import struck_addresses
from abusedesk.records import packs
from abusedesk.records.holders import Holders
from abusedesk.records.models import Brand
from abusedesk.records.models import Docket as Row

HOUR = timedelta(hours=1)

_DOCKETS_OF_CUSTOMER = """
SELECT docket.state FROM records_docket docket JOIN records_service service ON service.id = docket.service_id
WHERE service.customer_id = %s AND service.id <> %s
"""

_RADIUS = """
WITH given AS (SELECT COALESCE(%(first)s::timestamptz, '-infinity') AS first,
                      COALESCE(%(last)s::timestamptz, 'infinity') - interval '1 hour' AS before_last)
SELECT staff_told,
    ARRAY(SELECT at FROM records_measure, given WHERE brand_id = %(brand)s AND counts
          AND at > first - interval '1 hour' AND NOT (at > before_last AND at <= first)),
    (SELECT count(*) FROM records_measure, given WHERE brand_id = %(brand)s AND counts
     AND at > before_last AND at <= first)
FROM records_brand WHERE id = %(brand)s
"""

docket_decoder = msgspec.json.Decoder(Docket)


def state_of(row: Row) -> Docket:
    """A stored docket as the policy knows it."""
    return docket_decoder.decode(bytes(row.state))


class Subject(NamedTuple):
    """The service that a docket is about, and its customer; none for the docket of the brand itself."""

    brand: int
    slug: str
    service: int | None = None
    ref: str | None = None
    type: str = ""
    since: datetime | None = None
    until: datetime | None = None
    trial: bool = False
    mail_port: bool = False
    protected: bool = False
    customer: int | None = None
    customer_ref: str | None = None
    customer_since: datetime | None = None
    reseller: str | None = None
    carries: bool = False


class Radius(NamedTuple):
    """The brand's automatic measures of late, and whether staff heard that there were too many."""

    taken: tuple[datetime, ...]
    staff_told: bool
    throughout: int = 0
    """How many more are less than an hour old at every instant that is asked of: in a flood they are thousands."""

    def within_hour(self, at: datetime) -> int:
        """How many are less than an hour old at an instant."""
        return self.throughout + sum(1 for one in self.taken if one <= at and at - one < HOUR)

    def after(self, decision: Decision, at: datetime) -> "Radius":
        """What a decision makes of it."""
        taken, told, _ = self
        for effect in decision.effects:
            if isinstance(effect, Take) and effect.counts:
                taken, told = (*taken, at), False
            elif isinstance(effect, Notify) and effect.to == "staff":
                told = True
        return self._replace(taken=taken, staff_told=told)


class Neighbour(NamedTuple):
    """Another docket of the brand, with something standing on an address."""

    subject: Subject
    docket: Docket


class Surroundings(NamedTuple):
    """What is the same for all decisions of a brand at a time; `neighbours` are the dockets but the one decided on."""

    settings: Settings
    radius: Radius
    holders: Holders
    neighbours: Sequence[Neighbour] = ()


def settings_of(brand: Brand) -> Settings:
    """A brand's safeguards as the policy takes them: what is none of the safeguards overrides a pack parameter."""
    own = {
        name: brand.settings[name] for name in ("irreversible", "blast_radius", "carrying") if name in brand.settings
    }
    overrides = dict(brand.settings.get("parameters", {}))
    expires = dict(brand.settings.get("expires", {}))
    return Settings(**own, in_force_from=brand.in_force_from, overrides=overrides, expires=expires)


pack_of = packs.pack_of


def radius_of(brand: int, first: datetime | None, last: datetime | None = None) -> Radius:
    """The brand's automatic measures, for whoever asks of instants from the first to the last, or without an end."""
    with connection.cursor() as cursor:
        cursor.execute(_RADIUS, {"brand": brand, "first": first, "last": last})
        told, taken, throughout = cursor.fetchone()
    return Radius(tuple(taken), told, throughout)


def facts_for(
    subject: Subject, docket: Docket, stimulus: AnyStimulus, at: datetime, surroundings: Surroundings
) -> Facts:
    """Everything outside the docket that the policy may know at an instant."""
    common = Facts(
        brand=subject.slug,
        automatic_within_hour=surroundings.radius.within_hour(at),
        staff_told=surroundings.radius.staff_told,
        settings=surroundings.settings,
    )
    addresses = addresses_in(docket, stimulus)
    if surroundings.neighbours:
        standing = tuple(_standing_elsewhere(addresses, at, surroundings))
        common = msgspec.structs.replace(common, standing_elsewhere=standing)
    if subject.service is None:
        return common
    return msgspec.structs.replace(
        common,
        service=subject.ref,
        service_type=subject.type,
        customer=subject.customer_ref,
        reseller=subject.reseller,
        customer_since=subject.customer_since,
        service_since=subject.since,
        service_until=subject.until,
        trial=subject.trial,
        protected=subject.protected,
        carries=subject.carries,
        held_ips=frozenset(ip for ip in addresses if _not_passed_on(ip, subject.service, at, surroundings.holders)),
        struck_ips=_struck_elsewhere(subject, stimulus),
    )


def judge(docket: Docket, stimulus: AnyStimulus, facts: Facts, pack: Pack, at: datetime) -> Decision:
    """The policy's decision."""
    return decide(docket, stimulus, facts, pack, at)


def _standing_elsewhere(addresses: set[str], at: datetime, surroundings: Surroundings) -> Iterator[Elsewhere]:
    for subject, docket in surroundings.neighbours:

        def acts(ip: str, subject: Subject = subject) -> bool:
            if subject.service is None or (subject.until is not None and subject.until <= at):
                return False
            return _not_passed_on(ip, subject.service, at, surroundings.holders)

        yield from elsewhere(docket, addresses, subject.customer_ref, acts)


def _not_passed_on(ip: str, service: int, at: datetime, holders: Holders) -> bool:
    return not holders.has_passed_on(ip, service, at)


def _struck_elsewhere(subject: Subject, stimulus: AnyStimulus) -> frozenset[str]:
    """Addresses that carry a strike on another service of the customer; only a request asks for them."""
    if not isinstance(stimulus, Request):
        return frozenset()
    pack = pack_of(Brand.objects.get(pk=subject.brand))
    with connection.cursor() as cursor:
        cursor.execute(_DOCKETS_OF_CUSTOMER, [subject.customer, subject.service])
        dockets = [docket_decoder.decode(bytes(state)) for (state,) in cursor.fetchall()]
    found: frozenset[str] = frozenset()
    for docket in dockets:
        found |= struck_addresses(docket.occurrences, pack.content.counting.acts_on)
    return found
