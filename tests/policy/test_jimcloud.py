"""JimCloud's clauses and their settled corner cases, one behaviour each."""

import pytest

from tests.policy.story import IP, IP2, cited, report, story, told

SCAN, SPAM, FRAUD, PIRACY, OPEN = (
    "connection/port_scan",
    "messaging/spam",
    "content/phishing",
    "copyright/p2p",
    "vulnerability/open_service",
)
REPLY = "reply: {service: s1, complete: true}"


def test_a_first_attack_suspends_with_refund_and_fines() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', SCAN)}", until="02-02 10:00")
    assert told(played, "strike", "measure", "charge") == [
        "02-02 10:00 strike attack 1 s1",
        "02-02 10:00 fine 20.00 automatic 192.0.2.10",
        "02-02 10:00 suspend automatic refund s1",
    ]


def test_the_window_is_inclusive_at_its_end() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', SCAN)}", f"02-02 16:00 {report('b', SCAN, IP2)}", until="02-02 16:00"
    )
    assert told(played, "strike") == ["02-02 10:00 strike attack 1 s1"]


def test_a_named_address_is_fined_once_in_an_occurrence() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 11:00 {report('b', SCAN, f'{IP}, {IP2}')}",
        until="02-02 12:00",
    )
    assert told(played, "charge") == [
        "02-02 10:00 fine 20.00 automatic 192.0.2.10",
        "02-02 11:00 fine 20.00 automatic 192.0.2.11",
    ]


def test_fines_of_one_instant_share_one_payment_deadline() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN, f'{IP}, {IP2}')}",
        f"02-02 10:00 {report('b', SPAM)}",
        until="02-02 10:00",
    )
    assert [one for one in told(played, "deadline") if "payment" in one] == ["02-02 10:00 payment by 02-03 10:00 s1"]


def test_a_fine_wholly_covered_by_credit_has_no_payment_deadline() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        "02-02 11:00 payment: {service: s1, amount: '40.00'}",
        f"02-04 10:00 {report('b', FRAUD)}",
        until="02-04 10:00",
    )
    assert [one for one in told(played, "deadline") if "payment" in one] == ["02-02 10:00 payment by 02-03 10:00 s1"]


def test_a_fine_partly_covered_by_credit_has_one() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        "02-02 11:00 payment: {service: s1, amount: '39.99'}",
        f"02-04 10:00 {report('b', FRAUD)}",
        until="02-04 10:00",
    )
    assert "02-04 10:00 payment by 02-05 10:00 s1" in told(played, "deadline")


def test_phishing_suspends_and_proposes_the_end() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', FRAUD)}", until="02-02 10:00")
    assert told(played, "measure") == [
        "02-02 10:00 suspend automatic no-refund s1",
        "02-02 10:00 terminate proposed no-refund s1",
    ]
    assert cited(played, "02-02 10:00 terminate proposed no-refund s1") == ("jimcloud:4", "safeguard:irreversible")


def test_the_operator_may_let_phishing_terminate_alone() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', FRAUD)}", until="02-02 10:00", settings="{irreversible: automatic}"
    )
    assert told(played, "measure") == ["02-02 10:00 terminate automatic no-refund s1"]


def test_clauses_4_and_9_at_once_are_one_termination_citing_both() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-03 10:00 {report('b', SPAM)}",
        f"02-04 10:00 {report('c', FRAUD)}",
        until="02-04 10:00",
    )
    assert {"jimcloud:4", "jimcloud:9"} <= set(cited(played, "02-04 10:00 terminate proposed no-refund s1"))


def test_nothing_is_taken_against_a_terminated_service_but_charges_go_on() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', FRAUD)}",
        f"02-04 10:00 {report('b', SPAM)}",
        until="02-04 10:00",
        settings="{irreversible: automatic}",
    )
    assert told(played, "measure") == ["02-02 10:00 terminate automatic no-refund s1"]
    assert "02-04 10:00 fine 50.00 automatic 192.0.2.10" in told(played, "charge")


def test_an_infringement_proposes_its_fine_and_suspends_nothing() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', PIRACY)}", until="02-02 10:00")
    assert told(played, "measure", "charge") == ["02-02 10:00 fine 20.00 proposed 192.0.2.10"]


def test_a_refused_fine_is_not_proposed_again_in_its_occurrence() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', PIRACY)}",
        "02-02 11:00 approval: {item: fine, service: s1, decision: reject, by: alice}",
        f"02-02 12:00 {report('b', PIRACY)}",
        until="02-02 12:00",
    )
    assert told(played, "charge", "withdraw") == [
        "02-02 10:00 fine 20.00 proposed 192.0.2.10",
        "02-02 11:00 withdraw fine 192.0.2.10",
    ]


def test_an_advisory_is_one_notice_per_occurrence_and_nothing_more() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', OPEN)}", f"02-02 11:00 {report('b', OPEN)}", until="02-10 00:00"
    )
    assert told(played, "notify", "strike", "deadline", "review", "charge") == [
        "02-02 10:00 notify customer advisory s1"
    ]


def test_an_advisory_does_not_hold_back_a_restoration() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', OPEN)}", "02-02 11:00 request: {id: r, kind: restore, service: s1}"
    )
    assert told(played, "answer") == ["02-02 11:00 r granted"]


def test_an_unverified_report_is_forwarded_and_reviewed() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', SPAM, assurance='unverified')}", until="02-02 10:00")
    assert told(played, "strike", "notify", "deadline", "measure", "charge", "flag", "review") == [
        "02-02 10:00 notify customer complaint s1",
        "02-02 10:00 reply by 02-02 16:00 s1",
        "02-02 10:00 review low_assurance s1",
    ]


def test_unverified_misses_bring_reviews_and_end_with_the_third() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', SPAM, assurance='unverified')}")
    assert told(played, "deadline", "review", "measure") == [
        "02-02 10:00 reply by 02-02 16:00 s1",
        "02-02 10:00 review low_assurance s1",
        "02-02 16:00 review low_assurance s1",
        "02-02 16:00 reply by 02-02 22:00 s1",
        "02-02 22:00 review low_assurance s1",
        "02-02 22:00 reply by 02-03 04:00 s1",
        "02-03 04:00 review low_assurance s1",
    ]


def test_the_count_of_misses_starts_again_at_the_raise() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', PIRACY, assurance='unverified')}",
        "02-02 23:00 verification: {report: a, assurance: authenticated}",
    )
    assert told(played, "measure") == ["02-03 16:00 suspend automatic no-refund s1"]


def test_a_report_raised_after_its_occurrence_acts_in_it() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SPAM, assurance='unverified')}",
        f"02-02 11:00 {REPLY}",
        "02-05 10:00 verification: {report: a, assurance: verified}",
        until="02-05 10:00",
    )
    assert told(played, "strike", "measure", "deadline")[-3:] == [
        "02-05 10:00 strike spam 1 s1",
        "02-05 10:00 suspend automatic refund s1",
        "02-05 10:00 payment by 02-06 10:00 s1",
    ]


def test_a_strike_lapses_from_its_occurrence_s_first_report_also_when_that_was_rejected() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 12:00 {report('b', SCAN)}",
        "02-02 13:00 verification: {report: a, rejected: true}",
        f"02-04 10:00 {report('c', SCAN)}",
        until="02-04 10:00",
        settings="{limitation: {attack: P2D}}",
    )
    assert told(played, "strike") == ["02-02 10:00 strike attack 1 s1", "02-04 10:00 strike attack 1 s1"]


def test_fraud_never_lapses() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', FRAUD)}",
        f"02-20 10:00 {report('b', SCAN)}",
        until="02-20 10:00",
        settings="{limitation: {attack: P1D, spam: P1D}}",
    )
    assert told(played, "strike")[-1] == "02-20 10:00 strike attack 2 s1"


def test_evidence_lifts_only_where_the_first_attack_is_the_sole_ground() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 11:00 {report('b', SPAM)}",
        "02-02 12:00 evidence: {service: s1, accepted: true}",
        "02-02 13:00 verification: {report: b, rejected: true}",
        until="02-02 13:00",
    )
    assert told(played, "lift") == ["02-02 13:00 lift suspend s1"]


def test_evidence_counts_as_the_processing_of_a_first_attack() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', SCAN)}", "02-02 12:00 evidence: {service: s1, accepted: true}"
    )
    assert [one for one in told(played, "notify") if "further" in one] == []


def test_evidence_withdraws_a_suspension_that_is_proposed() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN, '203.0.113.1')}",
        "02-02 12:00 evidence: {service: kept, accepted: true}",
        until="02-02 12:00",
    )
    assert told(played, "measure", "withdraw") == [
        "02-02 10:00 suspend proposed refund kept",
        "02-02 12:00 withdraw suspend kept",
    ]


def test_refused_evidence_changes_nothing() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        "02-02 12:00 evidence: {service: s1, accepted: false}",
        until="02-02 12:00",
    )
    assert told(played, "lift") == []


def test_the_second_attack_takes_the_refund_away_from_a_standing_suspension() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', SCAN)}", f"02-03 10:00 {report('b', SCAN)}", until="02-03 10:00"
    )
    assert "02-03 04:00 suspend automatic no-refund s1" in told(played, "measure")
    assert "02-03 10:00 suspend automatic no-refund s1" not in told(played, "measure")


def test_a_refund_that_only_the_fallen_ground_took_comes_back() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 11:00 {REPLY}",
        f"02-03 10:00 {report('b', SCAN)}",
        "02-03 11:00 verification: {report: b, rejected: true}",
        until="02-03 12:00",
    )
    assert [one for one in told(played, "measure", "lift") if "suspend" in one] == [
        "02-02 10:00 suspend automatic refund s1",
        "02-03 10:00 suspend automatic no-refund s1",
        "02-03 11:00 suspend automatic refund s1",
    ]


def test_on_a_protected_service_losing_the_refund_is_proposed() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN, '203.0.113.1')}",
        "02-02 11:00 reply: {service: kept, complete: true}",
        "02-02 12:00 approval: {measure: suspend, service: kept, decision: approve, by: alice}",
        f"02-03 09:00 {report('b', SCAN, '203.0.113.1')}",
        "02-03 09:30 approval: {measure: suspend, service: kept, decision: approve, by: alice}",
        until="02-03 09:30",
    )
    assert told(played, "measure") == [
        "02-02 10:00 suspend proposed refund kept",
        "02-02 12:00 suspend approved refund kept",
        "02-03 09:00 suspend proposed no-refund kept",
        "02-03 09:30 suspend approved no-refund kept",
    ]


def test_losing_the_refund_of_a_proposed_suspension_is_not_said_but_approval_knows_it() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN, '203.0.113.1')}",
        "02-02 11:00 reply: {service: kept, complete: true}",
        f"02-03 09:00 {report('b', SCAN, '203.0.113.1')}",
        "02-03 09:30 approval: {measure: suspend, service: kept, decision: approve, by: alice}",
        until="02-03 09:30",
    )
    assert told(played, "measure") == [
        "02-02 10:00 suspend proposed refund kept",
        "02-03 09:30 suspend approved no-refund kept",
    ]


def test_a_proposal_without_refund_overtaken_stays_without() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('z', SCAN, '198.51.100.20')}",
        f"02-02 10:00 {report('a', FRAUD)}",
        f"02-02 12:00 {report('b', SPAM)}",
        until="02-02 12:00",
        settings="{blast_radius: 1}",
    )
    assert [one for one in told(played, "measure") if "suspend" in one and one.endswith("s1")] == [
        "02-02 10:00 suspend proposed no-refund s1",
        "02-02 12:00 suspend automatic no-refund s1",
    ]


def test_the_blast_radius_tells_staff_once_until_something_went_through() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 10:10 {report('b', SCAN, '198.51.100.20')}",
        f"02-02 10:20 {report('c', SCAN, '203.0.113.64')}",
        until="02-02 10:30",
        settings="{blast_radius: 1}",
    )
    assert [one for one in told(played, "notify", "measure") if "staff" in one or "suspend" in one] == [
        "02-02 10:00 suspend automatic refund s1",
        "02-02 10:10 notify staff blast_radius s2",
        "02-02 10:10 suspend proposed refund s2",
        "02-02 10:20 suspend proposed refund gone",
    ]


def test_a_measure_one_hour_old_is_counted_no_more() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 11:00 {report('b', SCAN, '198.51.100.20')}",
        until="02-02 11:00",
        settings="{blast_radius: 1}",
    )
    assert told(played, "measure")[-1] == "02-02 11:00 suspend automatic refund s2"


def test_stopped_while_proposed_already_staff_are_told_and_nothing_is_emitted() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('z', SCAN, '198.51.100.20')}",
        "02-02 10:05 proposal: {measure: suspend, service: s1, by: alice}",
        f"02-02 10:10 {report('a', SCAN)}",
        until="02-02 10:10",
        settings="{blast_radius: 1}",
    )
    assert told(played, "measure", "notify")[-2:] == [
        "02-02 10:10 notify staff blast_radius s1",
        "02-02 10:10 notify customer complaint s1",
    ]


def test_a_shutdown_falls_with_its_fine() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SPAM)}",
        f"02-02 11:00 {REPLY}",
        "02-04 10:00 verification: {report: a, rejected: true}",
        until="02-04 10:00",
    )
    assert told(played, "annul", "lift", "withdraw") == [
        "02-04 10:00 annul spam s1",
        "02-04 10:00 withdraw fine 192.0.2.10",
        "02-04 10:00 lift suspend s1",
        "02-04 10:00 lift shutdown s1",
    ]


def test_a_shutdown_stays_while_another_unpaid_fine_bears_it() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SPAM)}",
        f"02-02 10:00 {report('b', SCAN)}",
        f"02-02 11:00 {REPLY}",
        "02-04 10:00 verification: {report: a, rejected: true}",
        until="02-04 10:00",
    )
    assert "02-04 10:00 lift shutdown s1" not in told(played, "lift")


def test_a_rejection_of_every_report_cancels_the_deadline_and_opens_a_new_occurrence() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', PIRACY)}",
        "02-02 11:00 verification: {report: a, rejected: true}",
        f"02-02 12:00 {report('b', PIRACY)}",
        until="02-02 17:00",
    )
    assert told(played, "notify", "deadline") == [
        "02-02 10:00 notify customer complaint s1",
        "02-02 10:00 reply by 02-02 16:00 s1",
        "02-02 12:00 notify customer complaint s1",
        "02-02 12:00 reply by 02-02 18:00 s1",
    ]


def test_an_unverified_report_left_keeps_the_deadline_but_not_the_strike() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SPAM)}",
        f"02-02 11:00 {report('b', SPAM, assurance='unverified')}",
        "02-02 12:00 verification: {report: a, rejected: true}",
        until="02-02 16:00",
    )
    assert told(played, "annul", "lift") == ["02-02 12:00 annul spam s1", "02-02 12:00 lift suspend s1"]
    assert "02-02 16:00 reply by 02-02 22:00 s1" in told(played, "deadline")


@pytest.mark.parametrize(
    ("cause", "answer"), [("provider", "granted"), ("third_party", "granted"), ("own_use", "denied")]
)
def test_an_address_without_a_strike_is_replaced_by_cause(cause: str, answer: str) -> None:
    played = story(
        "jimcloud", f"02-02 10:00 request: {{id: p, kind: replace_ip, service: s1, ip: {IP}, cause: {cause}}}"
    )
    assert told(played, "answer") == [f"02-02 10:00 p {answer}"]


def test_a_missing_cause_asks_a_person_and_names_it() -> None:
    played = story("jimcloud", f"02-02 10:00 request: {{id: p, kind: replace_ip, service: s1, ip: {IP}}}")
    assert told(played, "answer", "charge", "review") == ["02-02 10:00 review missing_fact s1"]


def test_a_missing_cause_does_not_matter_where_a_strike_denies_already() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 11:00 request: {{id: p, kind: replace_ip, service: s1, ip: {IP}}}",
        until="02-02 11:00",
    )
    assert told(played, "answer", "review") == ["02-02 11:00 p denied"]


def test_an_address_named_only_by_a_rejected_report_is_no_longer_own_use() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-02 10:30 {report('b', SCAN, IP2)}",
        "02-02 11:00 verification: {report: b, rejected: true}",
        f"02-02 12:00 request: {{id: p, kind: replace_ip, service: s1, ip: {IP2}, cause: provider}}",
        until="02-02 12:00",
    )
    assert told(played, "answer", "withdraw") == ["02-02 12:00 p granted"]


def test_a_lapsed_strike_still_makes_the_cause_own_use() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', SCAN)}",
        f"02-10 12:00 request: {{id: p, kind: replace_ip, service: s1, ip: {IP}, cause: provider}}",
        until="02-10 12:00",
        settings="{limitation: {attack: P1D}}",
    )
    assert told(played, "answer") == ["02-10 12:00 p denied"]


def test_all_grounds_of_a_denial_are_cited() -> None:
    played = story(
        "jimcloud",
        f"02-02 10:00 {report('a', FRAUD)}",
        "02-02 11:00 request: {id: r, kind: restore, service: s1}",
        until="02-02 11:00",
    )
    assert set(cited(played, "02-02 11:00 r denied")) >= {"jimcloud:4", "jimcloud:8.b", "jimcloud:8.d"}


def test_every_notice_to_a_reseller_s_customer_goes_to_the_reseller_too() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', OPEN, '198.51.100.20')}", until="02-02 10:00")
    assert told(played, "notify") == [
        "02-02 10:00 notify customer advisory s2",
        "02-02 10:00 notify reseller reseller_copy s2",
    ]


def test_a_report_about_several_services_acts_on_each_and_reviews_what_nobody_held() -> None:
    played = story(
        "jimcloud", f"02-02 10:00 {report('a', SCAN, f'198.51.100.20, {IP}, 198.51.100.250')}", until="02-02 10:00"
    )
    assert told(played, "strike", "review") == [
        "02-02 10:00 strike attack 1 s2",
        "02-02 10:00 strike attack 1 s1",
        "02-02 10:00 review no_attribution None",
    ]


def test_illegal_content_is_one_review_and_nothing_else() -> None:
    played = story("jimcloud", f"02-02 10:00 {report('a', 'content/csem', f'{IP}, 198.51.100.20, 198.51.100.250')}")
    kinds = ("strike", "notify", "deadline", "measure", "charge", "flag", "review")
    assert told(played, *kinds) == ["02-02 10:00 review illegal_content s1"]


def test_an_ended_service_gets_strike_notice_and_charge_but_no_measure() -> None:
    late = report("a", SCAN, "203.0.113.65", occurred_at="2026-02-02T09:00:00Z").replace("t09:00:00z", "T09:00:00Z")
    played = story("jimcloud", f"02-03 10:00 {late}", until="02-03 10:00")
    assert told(played, "strike", "notify", "measure", "charge") == [
        "02-03 10:00 strike attack 1 gone",
        "02-03 10:00 fine 20.00 automatic 203.0.113.65",
        "02-03 10:00 notify customer complaint gone",
    ]


def test_a_cost_under_jimcloud_has_no_effect() -> None:
    played = story("jimcloud", "02-02 10:00 cost: {service: s1, kind: admin, amount: '10.00'}")
    assert told(played, "charge", "review") == []


def test_an_upstream_s_own_measure_under_jimcloud_has_no_effect() -> None:
    played = story("jimcloud", f"02-02 10:00 upstream: {{action: null_route, ip: {IP}, state: set}}")
    assert told(played, "measure") == []
