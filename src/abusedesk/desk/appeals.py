"""Appeals: a customer disputes a strike, a charge or a measure, and somebody else than who decided it decides again.

While an appeal is open the deadlines of what it is about stand still, where the brand does not say otherwise. What is
granted is undone as a mistake of the provider's is; what is upheld stands, with a reason and a letter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
from django.db import transaction

from abusedesk.desk.answering import letters
from abusedesk.desk.decide import state_of
from abusedesk.desk.enact import Move, enact
from abusedesk.desk.mistake.picks import first_reports, named
from abusedesk.desk.perform import marks
from abusedesk.policy.decision import AnyEffect
from abusedesk.policy.docket import Charge, Deadline, Docket, Measure
from abusedesk.policy.stimulus import AnyStimulus, OfDeadline, Paused, Resumed, Verification
from abusedesk.problem import Problem
from abusedesk.records import models
from abusedesk.records.holders import holders, lock_version

PAUSES, HOURS = "appeal_pauses", "appeal_hours"
"""The brand's settings: whether deadlines stand still meanwhile, and within how many hours an appeal is decided."""

USUAL_HOURS = 72
MOST_HOURS = 24 * 90

What = Literal["strike", "charge", "measure"]
VIA = {"mail": "by mail", "telephone": "on the telephone", "ticket": "in the ticket"}
"""How an appeal came."""

_stimulus: msgspec.json.Decoder[AnyStimulus] = msgspec.json.Decoder(AnyStimulus)
_effects = msgspec.json.Decoder(tuple[AnyEffect, ...])


class Disputed(NamedTuple):
    """What is disputed: what it is, its id in the docket, and in words."""

    what: What
    item: str
    about: str


class Said(NamedTuple):
    """What the customer said, how and when; who entered it, and a key by which entering it twice counts once."""

    text: str
    via: str
    since: datetime
    by: str
    key: str


def pauses(brand: models.Brand) -> bool:
    """Whether deadlines stand still while an appeal is open."""
    return brand.settings.get(PAUSES) is not False


def hours(brand: models.Brand) -> int:
    """Within how many hours an appeal is to be decided."""
    given = brand.settings.get(HOURS)
    return given if isinstance(given, int) and 0 < given <= MOST_HOURS else USUAL_HOURS


# --- entered --------------------------------------------------------------------------------------------------------


@transaction.atomic
def enter(case: models.Case, disputed: Disputed, said: Said, now: datetime) -> models.Appeal:
    """Puts an appeal on record, and lets the deadlines of what is disputed stand still.

    Raises Problem where it is disputed already, or is not there.
    """
    known = models.Appeal.objects.filter(key=said.key).first()
    if known is not None:
        return known
    lock_version()
    docket = models.Docket.objects.select_for_update().get(service=case.service_id)
    state = state_of(docket)
    if not _is_there(state, disputed):
        raise Problem("That is not on the record of this service any more; look at the case again.")
    if models.Appeal.objects.filter(docket=docket, what=disputed.what, item=disputed.item, outcome="").exists():
        raise Problem("An appeal against this is open already; add to it in the ticket.")
    stand_still = pauses(case.brand)
    standing_still = _deadlines(state, disputed) if stand_still else ()
    held = first_reports(state, _occurrences(state, disputed)) if stand_still else ()
    appeal = models.Appeal.objects.create(
        brand=case.brand,
        customer=case.customer,
        docket=docket,
        case=case,
        key=said.key,
        what=disputed.what,
        item=disputed.item,
        about=disputed.about,
        said=said.text,
        via=said.via,
        since=said.since,
        due=said.since + timedelta(hours=hours(case.brand)),
        entered_by=said.by,
        entered_at=now,
        paused=msgspec.to_builtins(standing_still),
        held=list(held),
    )
    if standing_still or held:
        reason = f"the customer appeals against {disputed.about}"
        _tell(appeal, Paused(standing_still, said.by, reason, held or msgspec.UNSET), "paused", said.by, now)
    text = f"{case.customer} appeals {VIA[said.via]} against {disputed.about}: “{_short(said.text)}”"
    marks.tell(docket.pk, case.pk, "staff", now, body={"text": text}, by=said.by)
    marks.need(case.pk, _need(disputed.what))
    return appeal


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 160 else f"{words[:160].rstrip()}…"


def _need(what: str) -> str:
    return f"appeal:{what}"


def _is_there(docket: Docket, disputed: Disputed) -> bool:
    rows: dict[What, Iterable[str]] = {
        "strike": (one.id for one in docket.occurrences if one.strike is not None),
        "charge": (one.id for one in docket.charges),
        "measure": (one.id for one in docket.measures),
    }
    return disputed.item in rows[disputed.what]


# --- the clock ------------------------------------------------------------------------------------------------------


def _deadlines(docket: Docket, disputed: Disputed) -> tuple[OfDeadline, ...]:
    """The open deadlines of what is disputed and of its occurrence that no other appeal holds already."""
    occurrences = _occurrences(docket, disputed)
    owed = {one.deadline for one in docket.charges if _is_concerned(one, disputed, occurrences)}
    running = (one for one in docket.deadlines if one.state == "open" and one.measure is msgspec.UNSET)
    return tuple(named(docket, one.id) for one in running if one.id in owed or _waits_for(one, occurrences))


def _waits_for(deadline: Deadline, occurrences: frozenset[str]) -> bool:
    return deadline.occurrence in occurrences


def _is_concerned(charge: Charge, disputed: Disputed, occurrences: frozenset[str]) -> bool:
    borne = any(one.occurrence in occurrences for one in charge.grounds)
    return borne or (disputed.what == "charge" and charge.id == disputed.item)


def _occurrences(docket: Docket, disputed: Disputed) -> frozenset[str]:
    """The occurrences that bear what is disputed."""
    if disputed.what == "strike":
        return frozenset({disputed.item})
    rows: Sequence[Charge | Measure] = docket.charges if disputed.what == "charge" else docket.measures
    grounds = [ground for one in rows if one.id == disputed.item for ground in one.grounds]
    return frozenset(one.occurrence for one in grounds if one.occurrence is not None)


def _tell(appeal: models.Appeal, stimulus: AnyStimulus, word: str, by: str, now: datetime) -> None:
    enact([Move(appeal.docket_id, stimulus, f"appeal:{appeal.pk}:{word}", now, by)], holders())


# --- who may decide -------------------------------------------------------------------------------------------------


def deciders(appeal: models.Appeal) -> frozenset[str]:
    """Who had a hand in what is disputed: approved, proposed or verified it."""
    about = Disputed(_what(appeal), appeal.item, appeal.about)
    docket = state_of(appeal.docket)
    occurrences = _occurrences(docket, about)
    reports = {report.id for one in docket.occurrences if one.id in occurrences for report in one.reports}
    by_people = models.Decision.objects.filter(docket=appeal.docket_id).exclude(by="")
    rows = by_people.exclude(key__startswith="appeal:").only("by", "stimulus", "effects")
    return frozenset(one.by for one in rows if _had_a_hand(one, about, reports)) | _consented(appeal)


def _consented(appeal: models.Appeal) -> frozenset[str]:
    """Who said yes to it on the way, where it took several."""
    to_it = models.Consent.objects.filter(
        proposal__docket=appeal.docket_id, proposal__kind=appeal.what, proposal__items__contains=[{"id": appeal.item}]
    )
    return frozenset(to_it.values_list("by", flat=True))


def _what(appeal: models.Appeal) -> What:
    return "strike" if appeal.what == "strike" else "charge" if appeal.what == "charge" else "measure"


def _had_a_hand(decision: models.Decision, about: Disputed, reports: set[str]) -> bool:
    stimulus = _stimulus.decode(bytes(decision.stimulus)) if bytes(decision.salt) else None
    if isinstance(stimulus, Verification) and not stimulus.rejected and stimulus.report in reports:
        return True
    effects = _effects.decode(bytes(decision.effects)) if bytes(decision.salt) else ()
    return any(_made(one, about) for one in effects)


def _made(effect: AnyEffect, about: Disputed) -> bool:
    kind = str(type(effect).__struct_config__.tag)
    if about.what == "strike":
        return kind == "strike" and effect.occurrence == about.item
    return kind == about.what and effect.item_id == about.item


def check_may_decide(appeal: models.Appeal, by: str) -> None:
    """Raises Problem where somebody may not decide an appeal, or it is decided."""
    if appeal.outcome:
        raise Problem(f"{appeal.decided_by} has decided this appeal already; what was found stands.")
    if by in deciders(appeal):
        raise Problem("You decided what is disputed here; another person decides the appeal.")


# --- decided --------------------------------------------------------------------------------------------------------


def uphold(appeal: models.Appeal, by: str, reason: str, letter: str, now: datetime) -> None:
    """What is disputed stands. The customer is told why, and the deadlines go on. Raises Problem as the check does."""
    check_may_decide(appeal, by)
    with transaction.atomic():
        if _close(appeal.pk, "upheld", by, reason, now) and letter.strip():
            letters.to_customer(letters.Words(appeal.case, letter, by, f"appeal:{appeal.pk}", now))


def grant(appeal: int, outcome: str, by: str, reason: str, now: datetime) -> None:
    """The appeal is granted, wholly or partly, by what was undone. Must run in the transaction that ends that."""
    _close(appeal, "partly" if outcome == "partly" else "granted", by, reason, now)


def _close(pk: int, outcome: str, by: str, reason: str, now: datetime) -> bool:
    lock_version()
    # The docket first, as everywhere.
    list(models.Docket.objects.select_for_update().filter(appeals=pk).values_list("pk"))
    appeal = models.Appeal.objects.select_for_update(of=("self",)).select_related("case", "customer").get(pk=pk)
    if appeal.outcome:
        return False
    appeal.outcome, appeal.decided_by, appeal.decided_at, appeal.reason = outcome, by, now, reason
    appeal.save(update_fields=["outcome", "decided_by", "decided_at", "reason"])
    others = list(models.Appeal.objects.filter(docket=appeal.docket_id, outcome="").exclude(pk=appeal.pk))
    still, held = _freed(appeal, others), _freed_occurrences(appeal, others)
    if still or held:
        told = Resumed(still, by, f"the appeal against {appeal.about} was decided", held or msgspec.UNSET)
        _tell(appeal, told, "resumed", by, now)
    body = {"text": f"The appeal against {appeal.about} was {OUTCOMES[outcome]}: {reason}"}
    marks.tell(appeal.docket_id, appeal.case_id, "staff", now, body=body, by=by)
    if not models.Appeal.objects.filter(case=appeal.case_id, what=appeal.what, outcome="").exists():
        marks.done_with(appeal.case_id, _need(appeal.what))
    return True


OUTCOMES = {"upheld": "not granted", "granted": "granted", "partly": "granted in part"}


def _freed(appeal: models.Appeal, others: Iterable[models.Appeal]) -> tuple[OfDeadline, ...]:
    """The deadlines that no other open appeal holds."""
    held = {one for each in others for one in _named(each.paused)}
    return tuple(one for one in _named(appeal.paused) if one not in held)


def _freed_occurrences(appeal: models.Appeal, others: Sequence[models.Appeal]) -> tuple[str, ...]:
    """A report of each occurrence that no other open appeal is about."""
    if not appeal.held:
        return ()
    docket = state_of(models.Docket.objects.get(pk=appeal.docket_id))
    about = [Disputed(_what(one), one.item, one.about) for one in others if one.held or one.paused]
    held = {one for each in about for one in first_reports(docket, _occurrences(docket, each))}
    return tuple(one for one in appeal.held if one not in held.union(*(each.held for each in others)))


def _named(paused: object) -> tuple[OfDeadline, ...]:
    return msgspec.convert(paused, tuple[OfDeadline, ...], strict=False)
