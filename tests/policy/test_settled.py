"""Readings on which an engine written from the policies' page alone differed, or might: each settled by its letter."""

import pytest

from tests.policy.story import IP, report, story, told

MEASURES = ("measure", "lift", "withdraw")
ACTING = {"assurance": "authenticated"}
COPY = f"02-02 10:00 {report('r1', 'copyright/p2p', **ACTING)}"


def test_a_refund_that_a_fallen_ground_kept_from_a_proposal_comes_back() -> None:
    attack = f"02-04 10:00 {report('r2', 'connection/ddos', **ACTING)}"
    rejected = "02-04 11:00 verification: {report: r1, rejected: true}"
    told_of = told(
        story("jimcloud", COPY, attack, rejected, until="02-04 12:00", settings="{blast_radius: 0}"), "measure"
    )
    assert told_of == [
        "02-03 04:00 suspend proposed no-refund s1",
        "02-04 11:00 suspend proposed refund s1",
    ]


def test_a_proposal_that_lost_its_refund_without_a_word_regains_it_without_one() -> None:
    attack = f"02-02 10:00 {report('r2', 'connection/ddos', **ACTING)}"
    rejected = "02-03 11:00 verification: {report: r1, rejected: true}"
    told_of = told(
        story("jimcloud", attack, COPY, rejected, until="02-03 11:00", settings="{blast_radius: 0}"), "measure"
    )
    assert [one for one in told_of if "suspend" in one] == ["02-02 10:00 suspend proposed refund s1"]


@pytest.mark.parametrize("state", ["set", "lifted"])
def test_before_the_first_version_nothing_that_the_upstream_does_is_decided(state: str) -> None:
    early = f"02-02 10:00 upstream: {{action: null_route, ip: {IP}, state: {state}}}"
    one = story("scalibit", early)
    unset = one._replace(settings=type(one.settings)())
    assert told(unset, *MEASURES, "review") == []


def test_actual_damages_withdraw_those_that_a_person_proposed_too() -> None:
    proposal = "02-02 10:00 proposal: {service: s1, by: bob, item: liquidated_damages, amount: '123.45'}"
    cost = "02-03 10:00 cost: {service: s1, kind: actual_damages, amount: '75.00'}"
    assert told(story("scalibit", proposal, cost), "withdraw") == ["02-03 10:00 withdraw liquidated_damages s1"]


def test_evidence_leaves_a_suspension_that_is_only_proposed_otherwise_to_stand_as_proposed() -> None:
    attack = f"02-02 10:00 {report('r1', 'connection/ddos', '203.0.113.1', **ACTING)}"
    approved = "02-02 12:00 approval: {measure: suspend, service: kept, decision: approve, by: ann}"
    evidence = "02-03 10:00 evidence: {service: kept, accepted: true}"
    told_of = told(story("jimcloud", attack, approved, evidence, until="02-03 10:00"), *MEASURES)
    assert [one for one in told_of if "suspend" in one][2:] == [
        "02-03 04:00 suspend proposed no-refund kept",
        "02-03 10:00 lift suspend kept",
        "02-03 10:00 suspend proposed no-refund kept",
    ]


def test_a_proposal_that_the_upstream_overtook_stands_again_when_the_upstream_lets_go() -> None:
    ip = "203.0.113.1"
    attack = f"02-02 10:00 {report('r1', 'connection/ddos', ip, **ACTING)}"
    taken = f"02-02 11:00 upstream: {{action: null_route, ip: {ip}, state: set}}"
    lifted = f"02-02 12:00 upstream: {{action: null_route, ip: {ip}, state: lifted}}"
    told_of = [one for one in told(story("scalibit", attack, taken, lifted), *MEASURES) if "null_route" in one]
    assert told_of == [
        f"02-02 10:00 null_route proposed refund {ip}",
        f"02-02 11:00 null_route automatic refund {ip}",
        f"02-02 12:00 lift null_route {ip}",
        f"02-02 12:00 null_route proposed refund {ip}",
    ]


def test_evidence_processes_no_notice_whose_strike_was_annulled() -> None:
    believed = f"02-02 10:00 {report('r1', 'connection/ddos', **ACTING)}"
    doubtful = f"02-02 10:30 {report('r2', 'connection/ddos', assurance='unverified')}"
    rejected = "02-02 11:00 verification: {report: r1, rejected: true}"
    evidence = "02-02 12:00 evidence: {service: s1, accepted: true}"
    reviews = told(story("jimcloud", believed, doubtful, rejected, evidence, until="02-02 17:00"), "review")
    assert reviews == ["02-02 10:30 review low_assurance s1", "02-02 16:00 review low_assurance s1"]


def test_what_the_upstream_does_where_ours_stands_on_a_terminated_service_keeps_it_closed() -> None:
    relay = f"02-02 10:00 {report('r1', 'infrastructure/open_relay', assurance='verified')}"
    end = "02-02 11:00 proposal: {service: s1, by: ann, measure: terminate}"
    ended = "02-02 12:00 approval: {measure: terminate, service: s1, decision: approve, by: bob}"
    taken = f"02-02 13:00 upstream: {{action: block_port, ip: {IP}, state: set}}"
    rejected = "02-02 14:00 verification: {report: r1, rejected: true}"
    lifted = f"02-02 15:00 upstream: {{action: block_port, ip: {IP}, state: lifted}}"
    told_of = told(story("scalibit", relay, end, ended, taken, rejected, lifted), "lift")
    assert told_of == ["02-02 15:00 lift block_port s1"]


def test_what_the_upstream_lifts_is_found_though_the_address_was_given_back() -> None:
    taken = "02-02 11:30 upstream: {action: block_port, ip: 203.0.113.65, state: set}"
    lifted = "02-03 10:00 upstream: {action: block_port, ip: 203.0.113.65, state: lifted}"
    assert told(story("scalibit", taken, lifted), "measure", "lift") == [
        "02-02 11:30 block_port automatic refund 203.0.113.65",
        "02-03 10:00 lift block_port 203.0.113.65",
    ]
