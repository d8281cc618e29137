"""`decide` itself: traces, doubt, and stimuli that come twice, too early or too late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from abusedesk.policy.decide import decide
from abusedesk.policy.decision import Decision, Review, SetDeadline, StrikeMade, Take
from abusedesk.policy.docket import Docket
from abusedesk.policy.draft import Draft
from abusedesk.policy.facts import Facts, Settings
from abusedesk.policy.pack import load_pack
from abusedesk.policy.rule import BREACH, Rule
from abusedesk.policy.stimulus import (
    AnyStimulus,
    Approval,
    DeadlinePassed,
    Opened,
    Postponed,
    Proposal,
    Reply,
    Report,
    Request,
    Unattributed,
    Verification,
)

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)
IP = "192.0.2.10"
FACTS = Facts(
    brand="b",
    service="s1",
    customer="c1",
    customer_since=AT - timedelta(days=90),
    held_ips=frozenset({IP}),
    settings=Settings(in_force_from=datetime(2022, 6, 7, tzinfo=UTC)),
)


def heard(
    stimulus: AnyStimulus, docket: Docket | None = None, pack: str = "jimcloud", at: datetime = AT, **facts: object
) -> Decision:
    known = (
        FACTS
        if not facts
        else Facts(**{name: facts.get(name, getattr(FACTS, name)) for name in Facts.__struct_fields__})
    )  # type: ignore[arg-type]
    return decide(docket or Docket("s1"), stimulus, known, load_pack(pack), at)


def scan(name: str = "a", at: datetime = AT) -> Report:
    return Report(name, "connection/port_scan", (IP,), at)


def test_the_trace_says_what_hit_and_what_settled_it() -> None:
    lines = {line.rule: line for line in heard(scan()).trace}
    assert (lines["first-attack"].result, lines["later-attack"].result) == ("hit", "missed")
    assert lines["later-attack"].because == "abuse_type = attack, strikes_of_type = 1"
    assert lines["spam-suspends"].because == "abuse_type = attack"
    assert lines["first-attack-fine"].parameters == {"attack_fine": "20.00"}
    assert lines["reply-expected"].parameters == {"reply_period": "PT6H"}


def test_the_trace_says_that_a_report_was_not_believed() -> None:
    doubted = Report("a", "connection/port_scan", (IP,), AT, assurance="unverified")
    lines = {line.rule: line for line in heard(doubted).trace}
    assert lines["strike"].because == "unverified is not authenticated"
    assert lines["doubtful-report"].result == "hit"


def test_a_raise_does_not_do_again_what_the_report_did_before() -> None:
    docket = heard(scan()).docket
    raised = heard(Verification("a", "verified"), docket)
    assert raised.effects == ()
    assert {line.because for line in raised.trace if line.rule == "strike"} == {"the report was authenticated before"}


def test_a_missing_fact_is_named_and_nothing_acts() -> None:
    decision = heard(Opened(), pack="scalibit", customer_since=None)
    assert [(one.reason, one.missing) for one in decision.effects if isinstance(one, Review)] == [
        ("missing_fact", "customer_age")
    ]
    assert not [one for one in decision.effects if isinstance(one, Take)]


def test_a_missing_fact_that_cannot_matter_is_not_asked_for() -> None:
    decision = heard(Opened(), pack="scalibit", customer_since=None, trial=True)
    assert [type(one) for one in decision.effects] == [Take]


def test_without_knowing_who_holds_the_address_it_is_not_null_routed() -> None:
    report = Report("a", "connection/ddos", (IP,), AT)
    decision = heard(report, pack="scalibit", held_ips=None)
    assert [one.measure for one in decision.effects if isinstance(one, Take)] == ["suspend"]
    assert [one.missing for one in decision.effects if isinstance(one, Review) and one.missing] == ["held_ips"]


def test_the_same_report_is_heard_once() -> None:
    docket = heard(scan()).docket
    again = heard(scan(), docket)
    assert again.effects == ()
    assert again.docket.sequence == 2


def test_a_verification_of_an_unknown_report_changes_nothing() -> None:
    assert heard(Verification("nobody's", "verified")).effects == ()


def test_a_rejected_report_cannot_be_raised_again() -> None:
    docket = heard(Verification("a", rejected=True), heard(scan()).docket).docket
    assert heard(Verification("a", "verified"), docket).effects == ()


def test_a_deadline_does_not_pass_before_its_time() -> None:
    docket = heard(scan()).docket
    reply = next(one for one in docket.deadlines if one.name == "reply")
    assert heard(DeadlinePassed(reply.id), docket, at=reply.due - timedelta(seconds=1)).effects == ()
    assert heard(DeadlinePassed(reply.id), docket, at=reply.due).effects


def test_a_deadline_passes_once() -> None:
    docket = heard(scan()).docket
    reply = next(one for one in docket.deadlines if one.name == "reply")
    missed = heard(DeadlinePassed(reply.id), docket, at=reply.due).docket
    assert heard(DeadlinePassed(reply.id), missed, at=reply.due).effects == ()


def test_a_pause_moves_every_open_deadline() -> None:
    docket = heard(scan()).docket
    moved = heard(Postponed(timedelta(hours=5)), docket, at=AT + timedelta(hours=1))
    said = {one.name: one.due for one in moved.effects if isinstance(one, SetDeadline)}
    assert said == {"reply": AT + timedelta(hours=11), "payment": AT + timedelta(hours=29)}
    assert all(one.clauses for one in moved.effects)


def test_after_a_pause_the_third_miss_still_suspends() -> None:
    report = Report("a", "copyright/p2p", (IP,), AT)
    docket = heard(report).docket
    docket = heard(Postponed(timedelta(days=3)), docket, at=AT + timedelta(hours=1)).docket
    taken: list[str] = []
    for _ in range(3):
        reply = next(one for one in docket.deadlines if one.name == "reply" and one.state == "open")
        decision = heard(DeadlinePassed(reply.id), docket, at=reply.due)
        docket = decision.docket
        taken += [one.measure for one in decision.effects if isinstance(one, Take)]
    assert taken == ["suspend"]


def test_a_part_of_a_report_without_its_reviews_is_silent() -> None:
    part = Report("a", "content/csam", (IP,), AT, with_reviews=False)
    assert heard(part).effects == ()
    assert heard(Unattributed("a", "content/csam", (IP,), AT, with_reviews=False), Docket(None)).effects == ()


def test_a_request_that_no_rule_knows_goes_to_a_person() -> None:
    decision = heard(Request("r", "free_lunch"))
    assert [(one.reason, one.clauses) for one in decision.effects if isinstance(one, Review)] == [
        ("no_rule", ("jimcloud:0.track",))
    ]


def test_only_what_goes_through_automatically_counts_towards_the_blast_radius() -> None:
    taken = [one for one in heard(scan()).effects if isinstance(one, Take)]
    opened = [one for one in heard(Opened()).effects if isinstance(one, Take)]
    proposed = [one for one in heard(Proposal("alice", measure="suspend")).effects if isinstance(one, Take)]
    assert [one.counts for one in (*taken, *opened, *proposed)] == [True, False, False]


@pytest.mark.parametrize("proposal", [{"measure": "shutdown"}, {"item": "fee", "amount": 500}])
def test_who_proposed_approves_alone_only_by_breaking_the_glass(proposal: dict[str, Any]) -> None:
    docket = heard(Proposal("ann", **proposal)).docket
    what = {name: value for name, value in proposal.items() if name != "amount"}
    assert heard(Approval("approve", "ann", **what), docket).effects == ()
    alone = heard(Approval("approve", "ann", break_glass="nobody answers", **what), docket).effects
    assert [one.clauses for one in alone] == [("safeguard:four_eyes",)] * len(alone)
    assert [one.reason for one in alone if isinstance(one, Review)] == ["break_glass"]
    assert any(getattr(one, "mode", "") == "approved" for one in alone)


def test_broken_glass_over_nothing_and_an_ordinary_approval_ask_nobody() -> None:
    assert heard(Approval("approve", "ann", measure="shutdown", break_glass="x")).effects == ()
    docket = heard(Proposal("ann", measure="shutdown")).docket
    by_another = heard(Approval("approve", "ben", measure="shutdown"), docket).effects
    assert not any(isinstance(one, Review) for one in by_another)
    assert heard(Approval("reject", "ann", measure="shutdown", break_glass="x"), docket).effects == ()


def test_a_termination_is_approved_alone_by_nobody() -> None:
    docket = heard(Proposal("ann", measure="terminate")).docket
    assert heard(Approval("approve", "ann", measure="terminate", break_glass="x"), docket).effects == ()


def test_an_approval_that_breaks_no_glass_is_stored_as_ever() -> None:
    assert b"break_glass" not in msgspec.json.encode(Approval("approve", "ann", measure="suspend"))


def test_effects_name_the_docket_s_ids() -> None:
    decision = heard(scan())
    known = {one.id for one in (*decision.docket.measures, *decision.docket.charges, *decision.docket.deadlines)}
    named = {one.item_id for one in decision.effects if not isinstance(one, StrikeMade) and one.item_id}
    assert named == known


def test_notices_and_deadlines_come_after_what_they_speak_of() -> None:
    kinds = [type(one).__name__ for one in heard(scan()).effects]
    assert kinds == ["StrikeMade", "ChargeMade", "Take", "Notify", "SetDeadline", "SetDeadline"]


def test_the_decision_names_its_version() -> None:
    assert heard(scan()).version == "2022-06-07"


@pytest.mark.parametrize("by", [timedelta.max, timedelta.min, timedelta(0)])
def test_no_length_of_a_pause_is_too_much(by: timedelta) -> None:
    assert heard(Postponed(by), heard(scan()).docket).docket.deadlines


def test_an_answer_read_late_answers_only_what_was_open_when_it_was_received() -> None:
    first = heard(scan("a")).docket
    both = heard(scan("b", AT + timedelta(hours=7)), first, at=AT + timedelta(hours=7)).docket
    after = heard(Reply(complete=True), both, at=AT + timedelta(hours=5)).docket
    assert [one.processed_at is not None for one in after.occurrences] == [True, False]
    assert [one.state for one in after.deadlines if one.name == "reply"] == ["met", "open"]


def test_a_rule_that_cites_only_a_breach_there_is_none_of_cites_the_clause_that_counts_each_time() -> None:
    pack = load_pack("jimcloud")
    draft = Draft(Docket("s1"), Reply(complete=True), FACTS, pack, AT)
    draft.under(pack.versions[0])
    rule = Rule("breach-alone", (BREACH,), "", "reply", ())
    assert [draft.clauses(rule), draft.clauses(rule)] == [(pack.content.counting.clause,)] * 2
