"""The ways into enact: one stimulus in a transaction of its own, a batch in the caller's, or a rehearsal of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from django.db import transaction

from abusedesk.desk.enact.batch import Batch, Enacted, Move
from abusedesk.desk.enact.orders import is_stored
from abusedesk.desk.enact.write import write
from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket
from abusedesk.policy.stimulus import AnyStimulus, Verification
from abusedesk.records import models
from abusedesk.records.holders import Holders, holders, lock_version


def submit(docket: models.Docket, stimulus: AnyStimulus, *, key: str, at: datetime, by: str = "") -> Enacted | None:
    """Decides one stimulus and saves what follows. None when this key was decided before.

    What is said of a report is said to every docket that heard it.
    """
    with transaction.atomic():
        lock_version()
        concerned = concerned_by(docket, stimulus)
        enacted = enact([Move(pk, stimulus, key, at, by) for pk in concerned], holders())
    return next((one for one in enacted if one.move.docket == docket.pk), None)


def docket_of(service: models.Service) -> models.Docket:
    """The docket of a service, made on first need."""
    made, _ = models.Docket.objects.get_or_create(
        service=service, defaults={"brand_id": service.brand_id, **empty_docket(service.ref)}
    )
    return made


def docket_of_brand(brand: int) -> models.Docket:
    """The brand's own docket, for what nobody held."""
    made, _ = models.Docket.objects.get_or_create(brand_id=brand, service=None, defaults=empty_docket(None))
    return made


def enact(moves: Sequence[Move], known: Holders) -> list[Enacted]:
    """Decides moves in their order and writes everything that follows. Must run in a transaction.

    `known` are the holders by which the moves were attributed; the caller has made sure that they still are.
    """
    batch = Batch(moves, known)
    for move in moves:
        batch.decide(move)
    write(batch)
    return batch.enacted


class Rehearsed(NamedTuple):
    """How dockets stood and would stand, by their keys, and what would be decided."""

    before: Mapping[int, Docket]
    after: Mapping[int, Docket]
    enacted: Sequence[Enacted]


def rehearse(moves: Sequence[Move]) -> Rehearsed:
    """Decides moves as `enact` would, in the same surroundings, and writes nothing."""
    with transaction.atomic():
        lock_version()
        batch = Batch(moves, holders())
        for move in moves:
            batch.decide(move)
    before = {pk: one.docket for pk, one in batch.held.items()}
    return Rehearsed(before, before | {one.move.docket: one.decision.docket for one in batch.enacted}, batch.enacted)


def concerned_by(docket: models.Docket, stimulus: AnyStimulus) -> list[int]:
    """The keys of the dockets that hear a stimulus: the one it is told to, and all that heard its report."""
    if not isinstance(stimulus, Verification) or not is_stored(stimulus.report):
        return [docket.pk]
    services = models.Event.objects.filter(report_id=stimulus.report).exclude(service_id=None).values("service_id")
    others = models.Docket.objects.filter(service_id__in=services).exclude(pk=docket.pk)
    return [docket.pk, *others.order_by("pk").values_list("pk", flat=True)]


def empty_docket(ref: str | None) -> dict[str, bytes]:
    """The columns of a docket that heard nothing yet."""
    state = canonical(Docket(ref))
    return {"state": state, "digest": sha256(state).digest()}
