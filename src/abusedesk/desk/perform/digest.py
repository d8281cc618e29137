"""Digests: many notices of one kind to one customer go out as one mail that lists them.

The first ones of an hour go alone and at once, and so does whatever took a measure or charges something. Each of the
others is a notice of its own: a record, an entry in its ticket, and a deadline that begins when the digest is handed
over. If the digest cannot be delivered, each goes alone after all.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.db import connection
from django.db.models import Q

from abusedesk.desk.hearing import tokens
from abusedesk.desk.perform import late
from abusedesk.desk.perform.notice import LETTER, Told, dressed, kept, language_for, notice_of, pack_behind
from abusedesk.desk.perform.reaching import first_address
from abusedesk.desk.perform.words import Row, abuse_type_said, clauses_of, list_of, row_of, table_of
from abusedesk.policy.notice import render
from abusedesk.policy.own_notices import DIGEST, OWN
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Case, Customer, Effect, Notice, Ticket
from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.instant import parse_instant

log = structlog.get_logger()

FROM, WITHIN, WAIT = "digest_from", "digest_within", "digest_wait"
"""The brand's settings: from which notice of a kind on (0: never), within what time, and how long is gathered."""

DEFAULT_FROM = 5
DEFAULT_WITHIN = timedelta(hours=1)
DEFAULT_WAIT = timedelta(minutes=10)

WAITS = "gathered with others of its kind, to go out as one mail"
"""What a gathered notice waits for."""

LISTED = 200
"""So many are listed in the text; the table has them all."""


class Terms(NamedTuple):
    """When a brand's notices are gathered."""

    first: int
    within: timedelta
    wait: timedelta


class Kind(NamedTuple):
    """What goes into one digest: notices of one template and abuse type, to one customer or reseller."""

    brand: int
    to: str
    party: int
    template: str
    abuse_type: str

    @property
    def prefix(self) -> str:
        """How the keys of its digests begin."""
        return f"digest:{self.to}:{self.party}:{self.template}:{self.abuse_type}:"


def terms_of(brand: Brand) -> Terms:
    """A brand's settings, each as it comes where nothing usable is said."""
    first = brand.settings.get(FROM, DEFAULT_FROM)
    within, wait = _length(brand, WITHIN, DEFAULT_WITHIN), _length(brand, WAIT, DEFAULT_WAIT)
    return Terms(first if isinstance(first, int) else DEFAULT_FROM, within, wait)


def _length(brand: Brand, name: str, otherwise: timedelta) -> timedelta:
    try:
        return parse_duration(str(brand.settings[name]))
    except (KeyError, ValueError):
        return otherwise


# --- gathering ------------------------------------------------------------------------------------------------------


def gather(due: Sequence[Effect], now: datetime) -> set[int]:
    """Puts what belongs into digests there; returns what was. In the transaction that holds the effects' rows."""
    may = [one for one in due if _may_wait(one, now)]
    kinds = _kinds(may) if may else {}
    crowded = _crowded({kinds[one.pk]: terms_of(one.brand) for one in may if one.pk in kinds}, kinds, now)
    into: dict[Kind, list[Effect]] = {}
    for one in may:
        if one.pk in crowded:
            into.setdefault(kinds[one.pk], []).append(one)
    for kind in sorted(into):
        _put(into[kind], kind, now)
    return {one.pk for ones in into.values() for one in ones}


def _may_wait(effect: Effect, now: datetime) -> bool:
    """Whether a notice may go with others: nothing was taken or charged, and there is time."""
    payload, terms = effect.payload, terms_of(effect.brand)
    if effect.kind != "notice" or not effect.decision_id or effect.attempts or terms.first < 1:
        return False
    if payload.get("to") not in {"customer", "reseller"} or "email" not in (payload.get("via") or ["email"]):
        return False
    if payload.get("measures") or payload.get("charges") or {"alone", "again_of", "copy_of"} & payload.keys():
        return False
    if payload.get("template") in {LETTER, *OWN} or payload.get("address"):
        return False
    return not payload.get("due") or parse_instant(str(payload["due"])) > now + 4 * terms.wait


def _kinds(effects: Iterable[Effect]) -> dict[int, Kind]:
    """What each would be gathered with; nothing for one without a case or an addressee."""
    by_case = {one.payload.get("case"): one for one in effects}
    cases = Case.objects.select_related("customer").in_bulk([one for one in by_case if one is not None])
    found = {}
    for effect in effects:
        case = cases.get(effect.payload.get("case") or 0)
        to = str(effect.payload["to"])
        party = (case.customer_id if to == "customer" else case.customer.reseller_id) if case else None
        if case and party:
            template = str(effect.payload.get("template", effect.kind))
            found[effect.pk] = Kind(effect.brand_id, to, party, template, case.abuse_type)
    return found


def _crowded(terms: dict[Kind, Terms], kinds: dict[int, Kind], now: datetime) -> set[int]:
    """The effects before which as many of their kind went out within the time as go alone."""
    gone = Counter({kind: _gone(kind, terms[kind], now) for kind in terms})
    found = set()
    for effect, kind in kinds.items():
        gone[kind] += 1
        if gone[kind] >= terms[kind].first:
            found.add(effect)
    return found


def _gone(kind: Kind, terms: Terms, now: datetime) -> int:
    """How many notices of a kind were written within the time."""
    of_party = Q(case__customer=kind.party) if kind.to == "customer" else Q(case__customer__reseller=kind.party)
    recent = Notice.objects.filter(of_party, to=kind.to, template=kind.template, written_at__gt=now - terms.within)
    return recent.filter(case__abuse_type=kind.abuse_type)[: terms.first].count()


def _put(effects: list[Effect], kind: Kind, now: datetime) -> None:
    digest = _open(effects[0], kind, now)
    for one in effects:
        one.payload = {**one.payload, late.SINCE: now.isoformat()}
        one.state, one.waits, one.digest = "gathered", WAITS, digest
    Effect.objects.bulk_update(effects, ["payload", "state", "waits", "digest"])


def _open(first: Effect, kind: Kind, now: datetime) -> Effect:
    """The digest that gathers, begun where none does."""
    with connection.cursor() as cursor:
        # Two workers that begin one at the same moment would send two.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [kind.prefix])
    running = Effect.objects.filter(key__startswith=kind.prefix, kind=DIGEST, state="pending", attempts=0)
    found = running.filter(due__gt=now).select_for_update().first()
    payload = {"to": kind.to, "party": kind.party, "template": DIGEST, "via": ["email"]}
    return found or Effect.objects.create(
        brand_id=kind.brand,
        key=f"{kind.prefix}{uuid.uuid4().hex[:12]}",
        kind=DIGEST,
        payload=payload,
        due=now + terms_of(first.brand).wait,
    )


# --- writing --------------------------------------------------------------------------------------------------------


def members(digest: Effect) -> list[Effect]:
    """The notices that go with it, in the order in which they were ordered."""
    found = digest.gathered.filter(state="gathered").select_related("brand", "decision")
    return list(found.order_by("due", "pk"))


def write(digest: Effect, now: datetime) -> Notice | None:
    """The digest's notice, written now if it was not before, and with it each one that it lists.

    None where nothing is left to list. What cannot be written goes alone, and is shown there.
    """
    before = Notice.objects.filter(effect=digest).select_related("brand").first()
    if before is not None:
        return before
    rows = [row for one in members(digest) if (row := _row(one, now)) is not None]
    if not rows:
        return None
    party = Customer.objects.get(pk=digest.payload["party"])
    told = Told(digest, str(digest.payload["to"]), language_for(digest.brand, party), now, uuid.uuid4())
    notice = kept(told, _words(told, party, rows), first_address(party))
    Notice.objects.filter(effect__digest=digest, effect__state="gathered").update(digest=notice)
    return notice


def _row(member: Effect, now: datetime) -> tuple[Effect, Row] | None:
    try:
        notice = notice_of(member, now)
    except Problem as problem:
        log.warning("notice goes alone", effect=member.key, error=str(problem))
        _alone([member], now)
        return None
    ticket = Ticket.objects.filter(case=notice.case_id or 0).values_list("token", flat=True).first() or ""
    case = Case.objects.select_related("customer", "service").get(pk=notice.case_id or 0)
    return member, row_of(member, case, ticket)


def _words(told: Told, party: Customer, rows: Sequence[tuple[Effect, Row]]) -> Any:
    first, listed = rows[0][0], sorted((row for _, row in rows), key=lambda row: (row.due is None, row.due or told.at))
    pack = pack_behind(first)
    version_id = first.decision.pack_version if first.decision else ""
    answer_at = tokens.bounce_address(told.effect.brand, told.identity)
    cited = dict.fromkeys(str(clause) for one, _ in rows for clause in one.payload.get("clauses") or [])
    values = {
        "number": str(len(rows)),
        "abuse_type": rows[0][1].abuse_type,
        "abuse_type_said": abuse_type_said(rows[0][1].abuse_type, told.language),
        "list": list_of(listed[:LISTED], party.timezone, told.language),
        "answer_at": answer_at,
        "clauses": clauses_of(cited, pack, first.decision),
        "brand": told.effect.brand.name,
    }
    version = pack.version(version_id) if version_id else None
    subject, text = render(pack, version, DIGEST, told.language, values)
    return dressed(told, subject, text, answer_at, table_of(listed))


# --- what becomes of it ---------------------------------------------------------------------------------------------


def handed_over(digest: Effect, notice: Notice, values: dict[str, Any], now: datetime) -> list[Effect]:
    """Each notice that it carried is as sent as it; returns their effects."""
    carried = members(digest)
    Notice.objects.filter(digest=notice).update(
        state=values["state"], response=values["response"], address=notice.address, sent_at=now
    )
    receipt = {"message_id": notice.message_id, **values}
    Effect.objects.filter(pk__in=[one.pk for one in carried]).update(
        state="done", waits="", error="", done_at=now, receipt=receipt
    )
    return carried


def dissolve(digest: Effect, now: datetime) -> None:
    """Each notice goes alone after all."""
    Notice.objects.filter(effect__digest=digest, effect__state="gathered").update(digest=None)
    _alone(members(digest), now)


def _alone(effects: Sequence[Effect], now: datetime) -> None:
    for one in effects:
        one.payload = {**one.payload, "alone": True}
        one.state, one.waits, one.digest, one.due = "pending", "", None, now
    Effect.objects.bulk_update(effects, ["payload", "state", "waits", "digest", "due"])
