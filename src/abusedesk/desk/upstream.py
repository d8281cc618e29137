"""Upstream: what an upstream tells of its own measures goes to the dockets, and what it demands becomes a duty.

What it set is recorded with whoever holds the address; what it lifted is lifted wherever it was recorded, also when the
address has changed hands. A duty is the provider's own: staff hear of it when it comes and again before it is due, and
it stands at the top of the queue until a person says what was done.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from abusedesk.desk.enact import Move, docket_of, docket_of_brand, enact
from abusedesk.desk.perform import marks
from abusedesk.parsing import instants
from abusedesk.parsing.formats.upstream import Mandate, Word
from abusedesk.policy.own_notices import DUTY, DUTY_SOON
from abusedesk.policy.stimulus import Upstream
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.holders import Holders, holders, lock_version
from abusedesk.records.models import Brand, Docket, Duty, Effect, Service, UpstreamMeasure

AGAIN_BEFORE = timedelta(hours=1)
"""So long before a duty is due staff hear of it again; of a short one when three quarters of its time are over."""

_OURS = """
SELECT EXISTS (SELECT 1 FROM records_ownprefix own WHERE own.brand_id = %(brand)s AND own.prefix >>= %(ip)s::inet)
    OR EXISTS (SELECT 1 FROM records_assignment held JOIN records_service service ON service.id = held.service_id
               WHERE service.brand_id = %(brand)s AND held.prefix >>= %(ip)s::inet)
"""


class Said(NamedTuple):
    """Who told it, in which message, and when it was received."""

    brand: Brand
    by: str
    message_id: uuid.UUID
    at: datetime


def is_ours(brand: Brand, ip: str) -> bool:
    """Whether an address lies in a prefix of the brand's own, or in one that a service of it holds or ever held."""
    with connection.cursor() as cursor:
        cursor.execute(_OURS, {"brand": brand.pk, "ip": ip})
        return bool(cursor.fetchone()[0])


@transaction.atomic
def tell(word: Word, said: Said) -> None:
    """Records what an upstream told. Raises Problem for an address that is not the brand's."""
    if not is_ours(said.brand, word.address):
        raise Problem(f"{word.address} is in no prefix of {said.brand.name}")
    lock_version()
    known = holders()
    service = _holder(word.address, said, known)
    docket = docket_of(service) if service is not None else docket_of_brand(said.brand.pk)
    if word.action is not None:
        enact(_moves(word, said, docket.pk), known)
    if word.mandate is not None:
        _lay_on(word, word.mandate, said, service, docket)
    ring()


@transaction.atomic
def close(duty: Duty, done: str, by: str, now: datetime) -> bool:
    """A person says what was done about a duty. False where another has said so before."""
    if not Duty.objects.filter(pk=duty.pk, closed_at=None).update(closed_at=now, closed_by=by, done=done):
        return False
    Effect.objects.filter(key=_key(duty, DUTY_SOON), state__in=("pending", "held")).update(state="dropped", done_at=now)
    docket = Docket.objects.filter(service=duty.service_id, brand=duty.brand_id).first()
    if docket is not None:
        text = f"What {duty.said_by} demands was closed: {done}"
        marks.tell(docket.pk, None, "staff", now, body={"text": text}, by=by)
    return True


def _holder(ip: str, said: Said, known: Holders) -> Service | None:
    held = known.of_address(ip, said.at)
    return Service.objects.filter(pk=held, brand=said.brand).first() if held is not None else None


# --- measures of its own --------------------------------------------------------------------------------------------


def _moves(word: Word, said: Said, holder: int) -> list[Move]:
    standing = UpstreamMeasure.objects.select_for_update().filter(
        brand=said.brand, action=word.action, ip=word.address, lifted_at=None
    )
    row = standing.first()
    if word.state == "set":
        return _set(word, said, row or _new(word, said), holder)
    if row is None:
        return [_move(word, said, holder, f"upstream:{said.message_id}")]
    row.lifted_at = said.at
    row.save(update_fields=["lifted_at"])
    return [_move(word, said, docket, f"upstream:{row.pk}") for docket in row.dockets]


def _new(word: Word, said: Said) -> UpstreamMeasure:
    # Two tellings at once meet here: the second waits for the first, and then finds its row.
    row, _ = UpstreamMeasure.objects.get_or_create(
        brand=said.brand,
        action=word.action or "",
        ip=word.address,
        lifted_at=None,
        defaults={
            "said_by": said.by,
            "reference": word.reference,
            "note": word.note,
            "until": instants.iso(word.until) if word.until else None,
            "set_at": said.at,
        },
    )
    return row


def _set(word: Word, said: Said, row: UpstreamMeasure, holder: int) -> list[Move]:
    """To whoever holds the address; once for each that ever held it since."""
    if holder in row.dockets:
        return []
    row.dockets = [*row.dockets, holder]
    row.save(update_fields=["dockets"])
    return [_move(word, said, holder, f"upstream:{row.pk}")]


def _move(word: Word, said: Said, docket: int, key: str) -> Move:
    if word.action is None or word.state is None:
        raise ValueError("no action is told")
    stimulus = Upstream(word.action, word.state, word.address)
    return Move(docket, stimulus, f"{key}:{word.state}", said.at, said.by)


# --- duties ---------------------------------------------------------------------------------------------------------


def _lay_on(word: Word, mandate: Mandate, said: Said, service: Service | None, docket: Docket) -> None:
    if Duty.objects.filter(message_id=said.message_id, closed_at=None).exists():
        return
    left = word.left(said.at) or timedelta()
    duty = Duty.objects.create(
        brand=said.brand,
        service=service,
        message_id=said.message_id,
        said_by=said.by,
        reference=word.reference,
        ip=word.address,
        what=mandate.do,
        otherwise=mandate.otherwise or "",
        opened_at=said.at,
        due=said.at + max(left, timedelta()),
    )
    text = f"{said.by} demands until {_moment(duty.due)}: {duty.what}"
    marks.tell(docket.pk, None, "staff", said.at, body={"text": text}, by=said.by)
    _alert(duty, DUTY, said.at)
    _alert(duty, DUTY_SOON, again_at(duty))


def again_at(duty: Duty) -> datetime:
    """When staff hear of a duty again."""
    return max(duty.due - AGAIN_BEFORE, duty.opened_at + (duty.due - duty.opened_at) * 0.75)


def _alert(duty: Duty, template: str, due: datetime) -> None:
    values = {
        "brand": duty.brand.name,
        "upstream": duty.said_by,
        "do": duty.what,
        "otherwise": duty.otherwise or "-",
        "addresses": duty.ip,
        "reference": duty.reference or "-",
        "due": _moment(duty.due),
    }
    payload = {"to": "staff", "template": template, "service": duty.service_id, "values": values}
    Effect.objects.create(brand=duty.brand, key=_key(duty, template), kind="alert", payload=payload, due=due)


def _key(duty: Duty, template: str) -> str:
    return f"{template}:{duty.pk}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
