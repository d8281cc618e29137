"""What lies outside the docket and still counts: stored with each decision, so that it can be recomputed."""

from collections.abc import Callable, Container, Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from abusedesk.policy.docket import Docket, Measure, stands
from abusedesk.policy.stimulus import Stimulus
from abusedesk.vocabulary.measure import ON_ADDRESS, MeasureKind


class Settings(Struct, frozen=True, gc=False):
    """A brand's safeguards and overrides of its pack's parameters. None leaves the pack's own value."""

    irreversible: Literal["approve", "automatic"] = "approve"
    blast_radius: int = 20
    in_force_from: datetime | None = None
    overrides: dict[str, str | int | dict[str, str]] = {}
    carrying: Literal["propose", "narrow", "whole"] = "propose"
    """What becomes of a measure on the whole of a service that carries others (`safeguard:carries`)."""
    expires: dict[str, str] = {}
    """How long a measure of a kind stands where no rule says so, as ISO 8601."""


class Elsewhere(Struct, frozen=True, gc=False):
    """A measure on an address that stands through another docket of the brand.

    `may_act` says whether anything may still be emitted against that docket's service for the address: it has not
    ended, is not terminated, and the address has not passed on.
    """

    kind: MeasureKind
    ip: str
    state: Literal["proposed", "in_force"]
    clauses: tuple[str, ...] = ()
    service: str | None = None
    customer: str | None = None
    may_act: bool = True


class Facts(Struct, frozen=True, gc=False):
    """The service and its surroundings as they are at the instant of the decision.

    `automatic_within_hour` counts the brand's automatic suspensions and network measures less than an hour old;
    `staff_told` says that staff already heard of the blast radius and nothing went through automatically since.
    `held_ips` are those of the docket's and the stimulus's addresses that have not passed to another service; None
    where that is not known.
    """

    brand: str
    service: str | None = None
    service_type: str = ""
    customer: str | None = None
    reseller: str | None = None
    customer_since: datetime | None = None
    service_since: datetime | None = None
    service_until: datetime | None = None
    trial: bool = False
    protected: bool = False
    carries: bool = False
    """Whether the service carries others: a reseller's node, many customers' addresses."""
    held_ips: frozenset[str] | None = None
    struck_ips: frozenset[str] = frozenset()
    """Addresses that carry a strike on another service of the same customer."""
    standing_elsewhere: tuple[Elsewhere, ...] = ()
    """What stands on the docket's and the stimulus's addresses through other dockets of the brand."""
    automatic_within_hour: int = 0
    staff_told: bool = False
    settings: Settings = Settings()


def addresses_in(docket: Docket, stimulus: Stimulus) -> set[str]:
    """The addresses that a docket and a stimulus speak of: those that `held_ips` has to tell about."""
    named = {ip for occurrence in docket.occurrences for report in occurrence.reports for ip in report.ips}
    named |= {one.ip for one in docket.measures if one.ip is not None}
    named |= set(getattr(stimulus, "ips", ()))
    ip = getattr(stimulus, "ip", None)
    return named | {ip} if ip else named


def on_addresses(docket: Docket) -> list[Measure]:
    """The measures of a docket that stand on an address: what other dockets of the brand hear of."""
    return [one for one in docket.measures if one.kind in ON_ADDRESS and one.ip is not None and stands(one)]


def elsewhere(
    docket: Docket, addresses: Container[str], customer: str | None, acts: Callable[[str], bool]
) -> Iterator[Elsewhere]:
    """What a docket has standing on some addresses, as another docket is told of it.

    `acts` says of an address whether its service holds it, or nobody does, and has not ended.
    """
    terminated = any(one.kind == "terminate" and one.state == "in_force" for one in docket.measures)
    for one in on_addresses(docket):
        ip = one.ip or ""
        if ip in addresses:
            state: Literal["proposed", "in_force"] = "proposed" if one.state == "proposed" else "in_force"
            yield Elsewhere(one.kind, ip, state, one.clauses, docket.service, customer, not terminated and acts(ip))
