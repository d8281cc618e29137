"""Bounces: a notice that came back is unserved, and goes to the customer's next contact.

Every address gets a notice of its own, with its own Message-ID and the same words. Where no address is left a person is
asked. Whether the ticket alone serves meanwhile is the brand's setting `ticket_serves` (true unless it says otherwise):
where it does not, reply deadlines wait for as long as nobody had the notice.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from abusedesk.desk.enact import Move
from abusedesk.desk.perform import marks, unserved
from abusedesk.desk.perform.notice import addresses
from abusedesk.desk.perform.reaching import served_elsewhere
from abusedesk.parsing.answers import Bounce
from abusedesk.policy.own_notices import DIGEST, REMINDERS
from abusedesk.policy.stimulus import Postponed
from abusedesk.records.bell import ring
from abusedesk.records.bulk import storable
from abusedesk.records.models import Effect, Notice

FORM = "form"
"""The kind of the public form's own mails."""

REASON = "the notice came back; the time until the next address had it does not count"


class Returned(NamedTuple):
    """A bounce: the message that told of it, when it came, of which notice, and what it says."""

    message: uuid.UUID
    at: datetime
    notice: Notice
    bounce: Bounce


def moves(returned: Sequence[Returned], now: datetime) -> list[Move]:
    """The time until the next address is written to is given back, where the ticket alone does not serve."""
    return [
        Move(one.notice.case.service.docket.pk, Postponed(max(one.at - since, timedelta()), REASON), _key(one), now)
        for one in returned
        if one.bounce.action == "failed"
        and one.notice.state != "bounced"
        and one.notice.to == "customer"
        and one.notice.template not in REMINDERS
        and one.notice.case is not None
        and not unserved.ticket_serves(one.notice.brand)
        and _next(one.notice)
        and (since := one.notice.written_at)
    ]


def write(returned: Sequence[Returned], now: datetime) -> None:
    """Marks notices as bounced and orders them again to the next address, or asks a person."""
    for one in returned:
        if one.bounce.action == "delayed":
            _tell(one, "delayed", now)
        elif (
            Notice.objects.filter(pk=one.notice.pk)
            .exclude(state="bounced")
            .update(state="bounced", response=storable(one.bounce.said))
        ):
            _tell(one, "bounced", now)
            _again(one, now)


def _again(one: Returned, now: datetime) -> None:
    notice = one.notice
    following = _next(notice)
    if following is not None:
        tried = [*(notice.effect.payload.get("bounced") or []), notice.address]
        payload = notice.effect.payload | {"address": following, "bounced": tried, "again_of": str(notice.pk)}
        made = {"brand_id": notice.brand_id, "decision_id": notice.effect.decision_id, "kind": notice.effect.kind}
        Effect.objects.get_or_create(key=_key(one), defaults={**made, "payload": payload, "due": now})
        ring()
    elif notice.effect.kind not in {FORM, DIGEST}:
        # Anybody may write any address on the public form: that it does not exist is nobody's business.
        unserved.ask(notice, one.bounce.said, one.at, one.message)


def _next(notice: Notice) -> str | None:
    """The next address of the same party that did not send this notice back."""
    if notice.to not in {"customer", "reseller"} or notice.template == DIGEST:
        return None
    tried = {one.lower() for one in (*(notice.effect.payload.get("bounced") or []), notice.address)}
    tried |= served_elsewhere(notice)
    return next((address for address in addresses(notice.effect, notice) if address.lower() not in tried), None)


def _tell(one: Returned, state: str, now: datetime) -> None:
    decision = one.notice.effect.decision
    if decision is not None:
        body = {"effect": one.notice.effect.kind, "to": one.notice.to, "template": one.notice.template, "state": state}
        kind = "failed" if state == "bounced" else "carried_out"
        marks.tell(decision.docket_id, one.notice.case_id, kind, now, body=body | {"error": one.bounce.said})


def _key(one: Returned) -> str:
    return f"bounced:{one.notice.pk}"
