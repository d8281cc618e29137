"""The measures of targets, as whoever drives them reads them: many targets at a time, and no more than that needs."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from abusedesk.desk.perform.plan import Switch, switches

_MEASURES = """
SELECT measure.target_id, measure.id, measure.docket_id, measure.service_id, measure.case_id, service.ref, measure.item,
       measure.kind, host(measure.ip), measure.port, measure.mode, measure.upstream, measure.at, measure.decided,
       measure.state, measure.actuator, measure.clauses, measure.outside, measure.tried,
       brand.slug, brand.held_since, brand.held_by, brand.actuators, brand.settings
FROM records_measure measure JOIN records_service service ON service.id = measure.service_id
JOIN records_brand brand ON brand.id = measure.brand_id
WHERE measure.target_id = ANY(%s) ORDER BY measure.target_id, measure.id
"""


class Operator(NamedTuple):
    """The brand whose measure it is: what it acts by, and whether it is held."""

    slug: str
    held_since: datetime | None
    held_by: str
    actuators: Mapping[str, Any]
    settings: Mapping[str, Any]


class Driven(NamedTuple):
    """A measure; the columns are those of its table."""

    target_id: int
    pk: int
    docket_id: int
    service_id: int
    case_id: int | None
    service: str
    item: str
    kind: str
    ip: str | None
    port: int | None
    mode: str
    upstream: bool
    at: datetime
    decided: str
    state: str
    actuator: str
    clauses: list[str]
    outside: dict[str, Any]
    tried: list[dict[str, Any]]
    brand: Operator


def switches_on(targets: Iterable[int]) -> dict[int, list[Switch]]:
    """What the measures of targets come to, by target."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURES, [list(targets)])
        measures = [_driven(row) for row in cursor.fetchall()]
    return {target: switches(ones) for target, ones in groupby(measures, key=lambda one: one.target_id)}


def _driven(row: tuple[Any, ...]) -> Driven:
    *plain, clauses, outside, tried, slug, held_since, held_by, actuators, settings = row
    operator = Operator(slug, held_since, held_by, *_choices(actuators, settings))
    decoded = (msgspec.json.decode(one) for one in (clauses, outside, tried))
    return Driven(*plain, *decoded, operator)  # type: ignore[call-arg]


@lru_cache(64)
def _choices(actuators: str, settings: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A brand's, which are the same for nearly all of its measures."""
    return msgspec.json.decode(actuators), msgspec.json.decode(settings)
