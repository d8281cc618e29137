"""What lies outside the docket and still counts: stored with each decision, so that it can be recomputed."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from abusedesk.policy.docket import Docket
from abusedesk.policy.stimulus import Stimulus


class Settings(Struct, frozen=True):
    """A brand's safeguards and overrides of its pack's parameters. None leaves the pack's own value."""

    irreversible: Literal["approve", "automatic"] = "approve"
    blast_radius: int = 20
    in_force_from: datetime | None = None
    overrides: dict[str, str | int | dict[str, str]] = {}


class Facts(Struct, frozen=True):
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
    held_ips: frozenset[str] | None = None
    struck_ips: frozenset[str] = frozenset()
    """Addresses that carry a strike on another service of the same customer."""
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
