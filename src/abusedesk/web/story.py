"""A case's story: each decision with what moved it and what the policy ordered, and what was carried out in between."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db.models import Q

from abusedesk.desk.mistake.perform import mistake_of
from abusedesk.policy.decision import AnyEffect, TraceLine
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.records.models import Case, Decision, Mistake, Report, TicketEntry, TimelineEntry
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.web import words

LENGTH = 40
"""Steps on one page of a story."""

_READ = 400
_SAID = 200

_stimulus = msgspec.json.Decoder(AnyStimulus)
_effects = msgspec.json.Decoder(tuple[AnyEffect, ...])
_trace = msgspec.json.Decoder(tuple[TraceLine, ...])


class Order(NamedTuple):
    """One effect in words with the clauses that ordered it."""

    line: words.Line
    clauses: tuple[str, ...]


class Under(NamedTuple):
    """What a decision was made under: the pack's digest in hexadecimal, and the version's id."""

    pack: str
    version: str


class Step(NamedTuple):
    """One step of the story. `decision` is None for what was carried out or noted without a decision."""

    at: datetime
    line: words.Line
    orders: list[Order]
    decision: int | None
    clauses: tuple[str, ...] = ()
    under: "Under | None" = None
    mistake: int | None = None
    """The mistake of ours that it undid, if it did."""

    @property
    def minor(self) -> bool:
        """Whether it only carries out what another step ordered, and went well."""
        return self.decision is None and self.line.tone != "late"


class Why(NamedTuple):
    """One rule that was weighed, in words."""

    verdict: str
    word: str
    says: str
    because: str
    clauses: tuple[str, ...]
    parameters: str


class Story(NamedTuple):
    """The steps, newest first, and the instant before which older ones are found, if there are any."""

    steps: list[Step]
    older: datetime | None


def story_of(case: Case, before: datetime | None = None) -> Story:
    """The newest steps of a case, or those before an instant."""
    entries = _entries(case, before)
    decisions = _decisions(entries)
    reporters = _reporters(decisions.values())
    written = _written(case)
    mistakes = _mistakes(decisions.values())
    steps: list[Step] = []
    told: set[int] = set()
    for entry in entries:
        decision = decisions.get(entry.decision_id or 0)
        if decision is None or entry.kind in {"carried_out", "failed", "drifted", "fell_back", "staff"}:
            steps.append(Step(entry.at, outside_line(entry), [], None, tuple(entry.clauses)))
        elif decision.pk in told:
            continue
        elif (mistake := mistakes.get(mistake_of(decision.key) or 0)) is not None:
            together = [one for one in decisions.values() if mistake_of(one.key) == mistake.pk]
            told.update(one.pk for one in together)
            steps.append(_undone(mistake, together, case))
        else:
            told.add(decision.pk)
            steps.append(_with_words(step_of(decision, case, reporters), written.get(decision.key, "")))
    more = len(steps) > LENGTH or len(entries) == _READ
    steps = steps[:LENGTH]
    return Story(steps, steps[-1].at if more and steps else None)


def _mistakes(decisions: Iterable[Decision]) -> dict[int, Mistake]:
    """The mistakes of ours that some of the decisions undid."""
    return Mistake.objects.in_bulk({pk for one in decisions if (pk := mistake_of(one.key)) is not None})


def _undone(mistake: Mistake, decisions: Iterable[Decision], case: Case) -> Step:
    """All that was decided to undo a mistake is one step of the story."""
    ordered = sorted(decisions, key=lambda one: one.sequence)
    orders = [order for one in ordered for order in orders_of(one, case)]
    line = words.Line("lift", "good", f"{mistake.by} undid what was our own mistake", mistake.reason)
    return Step(mistake.at, line, orders, ordered[-1].pk, mistake=mistake.pk)


def _written(case: Case) -> dict[str, str]:
    """The words of the answers that came by mail, by the key of the decision that each led to."""
    entries = TicketEntry.objects.filter(ticket__case__service=case.service_id, ticket__customer=case.customer_id)
    rows = entries.exclude(message_id=None).values_list("message_id", "shown")
    return {f"{kind}:{message}": shown for message, shown in rows for kind in ("reply", "read")}


def _with_words(step: Step, said: str) -> Step:
    words_of_it = " ".join(said.split())
    short = words_of_it if len(words_of_it) <= _SAID else f"{words_of_it[:_SAID].rstrip()}…"
    more = " · ".join(filter(None, (f"“{short}”" if short else "", step.line.more)))
    return step._replace(line=step.line._replace(more=more))


def _entries(case: Case, before: datetime | None) -> list[TimelineEntry]:
    of_case = Q(case_id=case.pk) | Q(case_id=None)
    entries = TimelineEntry.objects.filter(of_case, docket_id=case.service.docket.pk)
    if before:
        entries = entries.filter(at__lt=before)
    return list(entries.order_by("-at", "-pk")[:_READ])


def _decisions(entries: Iterable[TimelineEntry]) -> dict[int, Decision]:
    wanted = {entry.decision_id for entry in entries if entry.decision_id}
    return Decision.objects.only(
        "docket_id", "sequence", "key", "at", "by", "stimulus", "effects", "pack_version", "pack_digest"
    ).in_bulk(wanted)


def _reporters(decisions: Iterable[Decision]) -> dict[str, str]:
    ids = {_report_id(decision) for decision in decisions} - {""}
    reports = Report.objects.filter(pk__in=[one for one in ids if _is_uuid(one)]).select_related("reporter")
    return {str(report.pk): report.reporter.name or report.reporter.key for report in reports if report.reporter}


def _report_id(decision: Decision) -> str:
    stimulus: Any = _stimulus.decode(bytes(decision.stimulus))
    return str(getattr(stimulus, "report", None) or getattr(stimulus, "id", "") or "")


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def step_of(decision: Decision, case: Case | None, reporters: Mapping[str, str]) -> Step:
    """One decision as a step; of its effects those of the case, or of no case in particular."""
    line = words.stimulus_line(_stimulus.decode(bytes(decision.stimulus)), decision.by, reporters)
    under = Under(bytes(decision.pack_digest).hex(), decision.pack_version)
    return Step(decision.at, line, orders_of(decision, case), decision.pk, under=under)


def orders_of(decision: Decision, case: Case | None = None) -> list[Order]:
    """The effects of a decision in words."""
    own = None if case is None else case.abuse_type
    return [
        Order(words.effect_line(effect), effect.clauses)
        for effect in _effects.decode(bytes(decision.effects))
        if own is None or effect.case is None or effect.case.rpartition("/")[2] == own
    ]


def why_of(decision: Decision) -> list[Why]:
    """The trace in words: what acted, what could not be told, and what did not act and why."""
    order = {"hit": 0, "unknown": 1, "missed": 2}
    word = {"hit": "Acted", "unknown": "Unknown", "missed": "Not"}
    lines = sorted(_trace.decode(bytes(decision.trace)), key=lambda line: order[line.result])
    return [
        Why(
            line.result,
            word[line.result],
            line.says or words.plain(line.rule),
            line.because,
            line.clauses,
            _parameters(line),
        )
        for line in lines
    ]


def _parameters(line: TraceLine) -> str:
    return ", ".join(f"{words.plain(name)}: {value}" for name, value in line.parameters.items())


def outside_line(entry: TimelineEntry) -> words.Line:
    """What was carried out outside, or noted by staff, as a line."""
    body: dict[str, Any] = entry.body or {}
    what, error = _object(body), str(body.get("error") or body.get("text") or "")
    tell = _OUTSIDE.get(entry.kind)
    if tell is not None:
        return tell(body, what, error)
    return words.Line(
        "person", "", error or words.sentence(words.plain(entry.kind)), f"by {entry.by}" if entry.by else ""
    )


def _failed(body: dict[str, Any], what: str, error: str) -> words.Line:
    bounced = body.get("state") == "bounced"
    said = f"{what or 'notice'} came back" if bounced else f"{what or 'effect'} failed"
    return words.Line("alert", "late", words.sentence(said), error)


def _drifted(body: dict[str, Any], what: str, error: str) -> words.Line:
    then = "it is taken again" if body.get("again") else "a person says whether it is taken again"
    return words.Line("alert", "wait", words.sentence(f"{what} was undone outside"), f"{error}; {then}")


def _fell_back(body: dict[str, Any], what: str, error: str) -> words.Line:
    said = words.sentence(f"{body['actuator']} did not bring the {what} about")
    return words.Line("alert", "wait", said, _fallback(body, error))


def _fallback(body: dict[str, Any], error: str) -> str:
    waited = f"after {body['seconds']} s" if body["seconds"] else "at once"
    as_what = f" with a {MEASURE_NOUN[body['stands_in']]}" if body.get("stands_in") else ""
    return f"{error}; {waited} {body['then']} acts instead{as_what}"


def _object(body: dict[str, Any]) -> str:
    if body.get("measure"):
        return words.measure(body["measure"], port=body.get("port"), ip=body.get("ip"))
    return f"notice to {words.TO.get(body['to'], body['to'])}" if body.get("to") else str(body.get("effect") or "")


_SENT = {
    "sent": "sent by e-mail",
    "outbox": "written to the outbox",
    "ticket": "put into the work order",
    "shown": "shown to staff",
}


def _done(body: dict[str, Any], what: str) -> tuple[str, words.Tone, str]:
    state = str(body.get("state") or "carried out")
    if not body.get("measure"):
        return "outbox", "", words.sentence(f"{what} {_SENT.get(state) or words.plain(state)}".strip())
    said, tone = words.measure_state("", state)
    return (
        ("lift" if state == "lifted" else "check"),
        tone if state != "in_force" else "late",
        words.sentence(f"{what} {said}{_by(body)}"),
    )


def _by(body: dict[str, Any]) -> str:
    """Which actuator it was, and as what where that is not what was ordered."""
    as_what = f" as a {MEASURE_NOUN[body['stands_in']]}" if body.get("stands_in") else ""
    return f", by {body['actuator']}{as_what}" if body.get("actuator") else ""


_OUTSIDE: dict[str, Callable[[dict[str, Any], str, str], words.Line]] = {
    "failed": _failed,
    "drifted": _drifted,
    "fell_back": _fell_back,
    "carried_out": lambda body, what, error: words.Line(*_done(body, what), error),
    "delisted": lambda _body, _what, error: words.Line("check", "good", error),
}
