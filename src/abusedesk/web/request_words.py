"""Requests in words: how far one is, step by step, and what its findings say."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from abusedesk.records.models import CustomerRequest, Measure
from abusedesk.vocabulary.finding import SUBJECTS, Finding, Subject, worst
from abusedesk.vocabulary.instant import parse_instant
from abusedesk.vocabulary.request import STEPS
from abusedesk.web import words
from abusedesk.web.words import Tone

STATES: dict[str, tuple[str, Tone]] = {
    "asked": ("a person must answer", "wait"),
    "needs_approval": ("waits for a yes or no", "wait"),
    "granted_when_paid": ("waits for payment", "wait"),
    "granted": ("granted", "good"),
    "denied": ("denied", "late"),
    "void": ("void", ""),
    "answered": ("answered by a person", ""),
}
CAUSES = {
    "own_use": "the customer's own use",
    "third_party": "a third party",
    "provider": "the provider",
}
STEP_SAYS = {
    "unblocked": ("Unblock the address", "Where it is blocked: a router, a firewall, a list of your own."),
    "new_address": ("Give the service a new address", "Note it here; the customer is waiting for it."),
    "old_assignment": (
        "End the assignment of the old address",
        "In your inventory; the next comparison brings it here.",
    ),
}
ABOUT: dict[Subject, str] = {
    "rdns": "Reverse name",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mx": "MX",
}
_FOUND: dict[str, tuple[str, Tone]] = {"ok": ("ok", "good"), "wrong": ("wrong", "late"), "unknown": ("unknown", "wait")}
_ENDED = {"lifted", "dry_run"}


class Stage(NamedTuple):
    """One step of a request: what it is, when it came about, its tone, and what else is to be said."""

    says: str
    at: datetime | None
    tone: Tone = ""
    more: str = ""
    icon: str = "check"


class Found(NamedTuple):
    """All findings about one subject, under the worst of their states."""

    name: str
    word: str
    tone: Tone
    findings: list[Finding]


def title(request: CustomerRequest) -> str:
    """What is asked, as a heading."""
    what = words.sentence(words.REQUEST.get(request.kind) or words.plain(request.kind))
    about = request.domain if request.kind == "open_mail_port" else request.ip
    return f"{what}: {about}" if about else what


def state(request: CustomerRequest) -> tuple[str, Tone]:
    """How a request stands; one that is granted may still want something done outside."""
    if request.to_do:
        return "granted, to be carried out", "wait"
    return STATES.get(request.state, (words.plain(request.state), ""))


def stages(request: CustomerRequest, measures: Sequence[Measure], owed: str) -> list[Stage]:
    """From what was asked to what was read back, each with its time; the last that has none is what is waited for."""
    entered = f"entered by {request.entered_by}" if request.entered_by else ""
    return [
        Stage("Asked", request.at, "", entered, "request"),
        *_answer(request, owed),
        *(_lifting(one) for one in measures),
        *_outside(request),
    ]


def _answer(request: CustomerRequest, owed: str) -> Iterable[Stage]:
    if request.state == "asked":
        yield Stage("The policy cannot answer: a person must", None, "wait", "", "eye")
    elif request.state == "needs_approval":
        yield Stage("Waits for a yes or no", None, "wait", "", "clock")
    elif request.state == "answered":
        yield Stage(f"Answered {_by(request)}", request.decided_at, "", request.reason, "reply")
    elif request.state == "denied":
        yield Stage(f"Denied {_by(request)}", request.decided_at, "late", request.reason, "cross")
    elif request.decided_at is not None:
        yield Stage(f"Granted {_by(request)}", request.decided_at, "good", request.reason)
        yield from _payment(request, owed)


def _by(request: CustomerRequest) -> str:
    return f"by {request.decided_by}" if request.decided_by else "by the policy"


def _payment(request: CustomerRequest, owed: str) -> Iterable[Stage]:
    if request.state == "granted_when_paid":
        yield Stage(f"Waits for payment of {owed}" if owed else "Waits for payment", None, "wait", "", "money")
    elif request.state == "void":
        yield Stage("Void: something new came before it was paid", request.state_at, "late", "", "cross")
    elif request.decided_at is not None and request.state_at > request.decided_at:
        yield Stage("Paid", request.state_at, "good", "", "money")


def _lifting(measure: Measure) -> Stage:
    name = words.sentence(words.measure(measure.kind, port=measure.port, ip=measure.ip))
    if measure.decided == "withdrawn":
        return Stage(f"{name}: the proposal is withdrawn", None, "good", "", "lift")
    says, tone = words.measure_state(measure.decided, measure.state, measure.ended)
    at = measure.lifted_at if measure.state in _ENDED else None
    is_over = measure.state in _ENDED or measure.state == "failed"
    return Stage(
        f"{name}: {says if is_over else 'being lifted'}", at, tone if is_over else "wait", measure.error, "lift"
    )


def _outside(request: CustomerRequest) -> Iterable[Stage]:
    if request.state != "granted" or not (request.to_do or request.done):
        return
    done = {one["step"]: one for one in request.done}
    for step in STEPS.get(request.kind, ()):
        says, how = STEP_SAYS[step]
        if step in done:
            one = done[step]
            yield Stage(says, parse_instant(one["at"]), "good", " · ".join(filter(None, (one["by"], one["note"]))))
        else:
            yield Stage(says, None, "wait", how, "clock")


def is_moving(request: CustomerRequest, measures: Iterable[Measure]) -> bool:
    """Whether something is being looked up or lifted just now, so that the page looks again."""
    lifting = (one for one in measures if one.decided == "lifted" and one.state not in {*_ENDED, "failed"})
    return request.check_at is not None or any(True for _ in lifting)


def found(findings: Sequence[Finding]) -> list[Found]:
    """Findings by what they are about, in a fixed order."""
    grouped = ((about, [one for one in findings if one.about == about]) for about in SUBJECTS)
    return [Found(ABOUT[about], *_FOUND[worst(some)], some) for about, some in grouped if some]


def in_short(findings: Sequence[Finding]) -> str:
    """What was found in one line: what is wrong or unknown, by name."""
    groups = found(findings)
    parts = [
        f"{words.joined([one.name for one in groups if one.word == word])} {word}"
        for word in ("wrong", "unknown")
        if any(one.word == word for one in groups)
    ]
    return "; ".join(parts) or ("all is as it should be" if groups else "")
