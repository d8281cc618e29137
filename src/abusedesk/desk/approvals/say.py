"""Yes or no: a person answers what waits, and the policy decides what follows.

Where a chain asks for several people, each yes but the last is recorded and moves nothing. The docket is locked before
the proposal is looked at, so that of two last answers one counts.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec
from django.db import transaction

from abusedesk.desk.approvals.letters import Words, write_to_approvers
from abusedesk.desk.approvals.voices import Chain, Voice, chain_of, hindrance, may_reject, terms_of
from abusedesk.desk.enact import Enacted, Move, rehearse, submit
from abusedesk.desk.perform import marks
from abusedesk.policy.decision import AnyEffect, SetDeadline
from abusedesk.policy.stimulus import Approval
from abusedesk.policy.waiting import Key, approval
from abusedesk.problem import Problem
from abusedesk.records.holders import lock_version
from abusedesk.records.models import Consent, CustomerRequest, Docket, Proposal
from abusedesk.vocabulary.approval import Verdict

ANSWERS: dict[Verdict, str] = {"approve": "approved", "reject": "rejected"}

State = Literal["decided", "noted", "twice", "closed", "changed", "refused", "nothing"]

_encode = msgspec.json.Encoder(order="deterministic").encode


class Answer(NamedTuple):
    """What a person says to a proposal.

    `seen` is its mark as the person saw it and `foreseen` a digest of what was to follow; empty where nobody compares.
    `fee` is in minor units.
    """

    verdict: Verdict
    voice: Voice
    reason: str = ""
    fee: int | None = None
    seen: str = ""
    foreseen: str = ""


class Result(NamedTuple):
    """What became of an answer.

    `decided`: the policy decided, `effects` followed. `noted`: a yes on the way, others are to follow. `twice`: the
    same form again. Else it moved nothing and `why` says why: `closed` (answered, or ended, before), `changed` since
    it was seen, `refused`, or `nothing` follows from it.
    """

    state: State
    why: str = ""
    effects: tuple[AnyEffect, ...] = ()


class _Otherwise(Exception):  # noqa: N818 - nothing is wrong, a person is to look again
    """What would follow is not what was foreseen."""


def say(proposal: int, answer: Answer, *, key: str, now: datetime) -> Result:
    """Answer a proposal. `key` makes an answer that is sent twice count once."""
    try:
        with transaction.atomic():
            return _say(proposal, answer, key, now)
    except _Otherwise:
        return Result("changed", "what would follow is no longer what was shown")
    except Problem as problem:
        return Result("refused", str(problem))


def _say(pk: int, answer: Answer, key: str, now: datetime) -> Result:
    docket = _lock(pk)
    one = Proposal.objects.select_related("brand").prefetch_related("consents").get(pk=pk)
    if docket.decisions.filter(key=key).exists():
        return Result("twice")
    if one.closed_at is not None:
        return Result("closed", closed_by(one))
    if answer.seen not in {"", one.mark}:
        return Result("changed", "it changed since it was shown")
    chain = _open_to(one, answer)
    if answer.verdict == "approve" and not chain.is_last:
        return _note(one, answer, now)
    enacted = submit(docket, stimulus_of(one, answer), key=key, at=now, by=answer.voice.name)
    return _decided(one, answer, enacted)


def _lock(proposal: int) -> Docket:
    lock_version()
    return Docket.objects.select_for_update().get(pk=Proposal.objects.values_list("docket", flat=True).get(pk=proposal))


def _open_to(one: Proposal, answer: Answer) -> Chain:
    """The chain, where the person may say so. Raises Problem where not."""
    terms = terms_of(one.brand)
    chain = chain_of(one, terms)
    hindered = hindrance(answer.voice, one, chain, terms)
    if answer.verdict == "reject" and may_reject(answer.voice, one, chain, terms):
        hindered = ""
    if hindered:
        raise Problem(hindered)
    return chain


def _note(one: Proposal, answer: Answer, now: datetime) -> Result:
    """A yes on the way. Those who may say the next are told."""
    name = answer.voice.name
    Consent.objects.create(proposal=one, mark=one.mark, by=name, at=now, reason=answer.reason)
    text = f"said yes to {one.name.replace('_', ' ')}, and another person is to: {answer.reason}".removesuffix(": ")
    marks.tell(one.docket_id, one.case_id, "staff", now, body={"text": text}, clauses=one.clauses, by=name)
    waiting = Proposal.objects.select_related("brand", "service", "customer").prefetch_related("consents")
    words = Words(f"{name} said yes; the next yes is yours", f"{name}: {answer.reason}")
    write_to_approvers([waiting.get(pk=one.pk)], words, now)
    return Result("noted")


def _decided(one: Proposal, answer: Answer, enacted: Enacted | None) -> Result:
    if enacted is None:
        return Result("twice")
    effects = enacted.decision.effects
    if answer.foreseen not in {"", foreseen(effects)}:
        raise _Otherwise
    close(one.pk, ANSWERS[answer.verdict], answer.voice.name, answer.reason)
    if effects and one.kind == "request":
        # Why it was decided so stands with the request, too: the customer is told.
        CustomerRequest.objects.filter(docket=one.docket_id, item=one.request).update(reason=answer.reason)
    if not effects:
        return Result("nothing", "the policy orders nothing on this")
    return Result("decided", effects=effects)


def close(proposal: int, answer: str, by: str, reason: str) -> None:
    """Notes on a proposal that the policy no longer has open how it ended."""
    closed = Proposal.objects.filter(pk=proposal).exclude(closed_at=None)
    closed.update(answer=answer, closed_by=by, reason=reason[:500])


def stimulus_of(one: Proposal, answer: Answer) -> Approval:
    """An answer as the policy hears it."""
    return approval(key_of(one), answer.verdict, answer.voice.name, answer.reason, answer.fee)


def key_of(one: Proposal) -> Key:
    """Which answer covers it."""
    kind = next(known for known in ("measure", "charge", "request") if known == one.kind)
    return Key(kind, one.name, one.request)


def would(proposals: Sequence[Proposal], answer: Answer, now: datetime) -> list[Enacted]:
    """What the policy would decide on an answer to each, one after the other. Nothing is written."""
    told = [
        Move(one.docket_id, stimulus_of(one, answer), f"would:{one.pk}", now, answer.voice.name) for one in proposals
    ]
    return list(rehearse(told).enacted)


def foreseen(effects: Sequence[AnyEffect]) -> str:
    """A digest of what follows, the instants of deadlines left out: they move on while a person reads."""
    lasting = [msgspec.structs.replace(one, due=None) if isinstance(one, SetDeadline) else one for one in effects]
    return sha256(_encode(lasting)).hexdigest()[:16]


def closed_by(one: Proposal) -> str:
    """How a proposal ended that is no longer open."""
    if one.answer == "expired":
        return "it expired"
    return f"{one.closed_by} has {one.answer} it already" if one.answer else "it ended by itself"
