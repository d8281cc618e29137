"""SCALIBIT's clauses and their settled corner cases, one behaviour each."""

from tests.policy.story import IP, IP2, cited, report, story, told

PHISHING, DDOS, SCAN, SPAM, RELAY, PIRACY, SPOOF = (
    "content/phishing",
    "connection/ddos",
    "connection/port_scan",
    "messaging/spam",
    "infrastructure/open_relay",
    "copyright/p2p",
    "messaging/spoofing",
)
REPLY = "reply: {service: s1, complete: false}"


def verified(name: str, category: str, ip: str = IP, **fields: object) -> str:
    return report(name, category, ip, assurance="verified", **fields)


def test_without_a_date_the_policy_is_never_in_force() -> None:
    scenario = story(
        "scalibit", f"02-02 10:00 {verified('a', SPAM)}", "02-02 11:00 cost: {service: s1, kind: admin, amount: '1.00'}"
    )
    settings = scenario.settings.__class__()
    played = scenario._replace(settings=settings)
    assert told(played, "review", "strike", "charge") == [
        "02-02 10:00 review no_policy_in_force s1",
        "02-02 11:00 review no_policy_in_force s1",
    ]


def test_a_report_of_an_event_before_the_policy_is_not_decided() -> None:
    early = verified("a", SPAM, occurred_at="2022-06-06T23:59:59Z").replace("t23:59:59z", "T23:59:59Z")
    scenario = story("scalibit", f"02-02 10:00 {early}")
    assert told(scenario, "review", "strike") == ["02-02 10:00 review no_policy_in_force None"]


def test_spamvertising_breaches_its_own_prohibition() -> None:
    played = story("scalibit", f"02-02 10:00 {verified('a', 'messaging/spamvertising')}", until="02-02 10:00")
    assert "scalibit:3.5" in cited(played, "02-02 10:00 strike spam 1 s1")


def test_a_high_risk_report_acts_once_when_it_is_first_believed() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {report('a', SCAN, assurance='unverified')}",
        "02-02 11:00 verification: {report: a, assurance: authenticated}",
        "02-02 12:00 request: {id: r, kind: restore, service: s1}",
        "02-02 12:00 approval: {request: r, decision: approve, by: alice}",
        "02-02 13:00 verification: {report: a, assurance: verified}",
        until="02-02 13:00",
    )
    assert told(played, "measure", "lift") == [
        "02-02 11:00 suspend automatic refund s1",
        "02-02 11:00 rate_limit automatic refund 192.0.2.10",
        "02-02 12:00 lift suspend s1",
        "02-02 12:00 lift rate_limit 192.0.2.10",
    ]


def test_an_authenticated_high_risk_report_is_reviewed_as_well() -> None:
    played = story("scalibit", f"02-02 10:00 {report('a', SCAN)}", until="02-02 10:00")
    assert told(played, "review", "strike", "charge") == ["02-02 10:00 review verify_report s1"]


def test_each_network_measure_tells_the_upstream_once() -> None:
    played = story("scalibit", f"02-02 10:00 {report('a', DDOS, f'{IP}, {IP2}')}", until="02-02 10:00")
    assert [one for one in told(played, "notify") if "upstream" in one] == [
        "02-02 10:00 notify upstream upstream_measure 192.0.2.10",
        "02-02 10:00 notify upstream upstream_measure 192.0.2.11",
    ]


def test_stability_risk_suspends_on_a_verified_report_too_but_never_on_an_advisory() -> None:
    risky = f"02-02 10:00 {verified('a', SPOOF, stability_risk=True)}"
    advisory = f"02-02 10:00 {verified('b', 'vulnerability/cve', IP2, stability_risk=True)}"
    assert told(story("scalibit", risky, until="02-02 10:00"), "measure") == ["02-02 10:00 suspend automatic refund s1"]
    assert told(story("scalibit", advisory, until="02-02 10:00"), "measure") == []


def test_an_address_that_passed_to_another_service_is_not_null_routed() -> None:
    late = report("a", DDOS, "192.0.2.128", occurred_at="2026-02-02T10:00:00Z").replace("t10:00:00z", "T10:00:00Z")
    played = story("scalibit", f"02-02 12:00 {late}", until="02-02 12:00")
    assert told(played, "measure") == ["02-02 12:00 suspend automatic refund s1"]


def test_a_null_route_is_not_approved_after_the_address_passed_on() -> None:
    played = story(
        "scalibit",
        "02-02 10:00 proposal: {measure: null_route, service: s1, by: alice, ip: 192.0.2.128}",
        "02-02 12:00 approval: {measure: null_route, service: s1, decision: approve, by: bob}",
        "02-02 13:00 approval: {measure: null_route, service: s1, decision: reject, by: bob}",
    )
    assert told(played, "measure", "withdraw") == [
        "02-02 10:00 null_route proposed refund 192.0.2.128",
        "02-02 13:00 withdraw null_route 192.0.2.128",
    ]


def test_a_mandate_shorter_than_what_is_left_replaces_the_deadline_without_a_notice() -> None:
    mandate = "mandate: {by: law, within: PT2H}"
    shorter = f"report: {{id: b, category: {SPOOF}, ips: [{IP}], {mandate}}}"
    played = story("scalibit", f"02-02 10:00 {verified('a', SPOOF)}", f"02-03 10:00 {shorter}", until="02-03 11:00")
    assert told(played, "deadline", "notify") == [
        "02-02 10:00 notify customer complaint s1",
        "02-02 10:00 reply by 02-04 10:00 s1",
        "02-03 10:00 reply by 02-03 12:00 s1",
    ]


def test_a_mandate_longer_than_what_is_left_changes_nothing_and_48_hours_are_the_most() -> None:
    long = f"report: {{id: a, category: {SPOOF}, ips: [{IP}], mandate: {{by: law, within: P9D}}}}"
    again = f"report: {{id: b, category: {SPOOF}, ips: [{IP}], mandate: {{by: law, within: PT47H}}}}"
    played = story("scalibit", f"02-02 10:00 {long}", f"02-02 12:00 {again}", until="02-02 12:00")
    assert told(played, "deadline") == ["02-02 10:00 reply by 02-04 10:00 s1"]


def test_late_verification_proposes_suspension_though_the_customer_answered_late() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {report('a', PHISHING)}",
        f"02-05 10:00 {REPLY}",
        "02-06 10:00 verification: {report: a, assurance: verified}",
        until="02-06 10:00",
    )
    assert told(played, "measure") == ["02-06 10:00 suspend proposed refund s1"]


def test_answered_in_time_late_verification_proposes_nothing() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {report('a', PHISHING)}",
        f"02-03 10:00 {REPLY}",
        "02-06 10:00 verification: {report: a, assurance: verified}",
        until="02-06 10:00",
    )
    assert told(played, "measure") == []


def test_an_unverified_copyright_claim_is_reviewed_and_its_missed_deadline_proposes_suspension() -> None:
    played = story("scalibit", f"02-02 10:00 {report('a', PIRACY)}")
    assert told(played, "review", "measure", "strike", "charge") == [
        "02-02 10:00 review verify_report s1",
        "02-04 10:00 suspend proposed refund s1",
    ]


def test_port_25_closes_at_each_verified_spam_report() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', SPAM)}",
        f"02-02 11:00 {REPLY}",
        "02-02 12:00 request: {id: m, kind: open_mail_port, service: s1}",
        "02-02 13:00 approval: {request: m, decision: approve, by: alice}",
        f"02-02 14:00 {verified('b', SPAM)}",
        until="02-02 14:00",
    )
    assert told(played, "measure", "lift") == [
        "02-02 10:00 block_port automatic refund s1",
        "02-02 13:00 lift block_port s1",
        "02-02 14:00 block_port automatic refund s1",
    ]


def test_the_mail_port_is_denied_while_a_relay_case_waits_missed_or_not() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', RELAY)}",
        "02-05 12:00 request: {id: m, kind: open_mail_port, service: s1}",
    )
    assert told(played, "answer") == ["02-05 12:00 m denied"]


def test_a_port_block_only_proposed_is_withdrawn_by_the_approved_request() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', SPAM, '203.0.113.1')}",
        "02-02 11:00 reply: {service: kept, complete: true}",
        "02-02 12:00 request: {id: m, kind: open_mail_port, service: kept}",
        "02-02 13:00 approval: {request: m, decision: approve, by: alice}",
        until="02-02 13:00",
    )
    assert told(played, "answer", "withdraw", "lift") == [
        "02-02 12:00 m needs_approval",
        "02-02 13:00 m granted",
        "02-02 13:00 withdraw block_port kept",
    ]


def test_a_customer_of_exactly_30_days_is_not_new() -> None:
    world = """
world:
  customers:
    - {id: c1, since: 2026-01-03T10:00:00Z}
  services:
    - {id: old, customer: c1, since: 2026-02-02T10:00:00Z}
    - {id: new, customer: c1, since: 2026-02-02T09:59:00Z}
    - {id: agreed, customer: c1, since: 2026-02-02T09:59:00Z, mail_port: true}
"""
    played = story("scalibit", until="02-03 00:00", world=world)
    assert told(played, "measure", "notify") == ["02-02 09:59 block_port automatic refund new"]


def test_damages_after_an_annulment_are_what_is_verified_less_what_stands() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', SPOOF, events=700)}",
        f"02-02 11:00 {REPLY}",
        f"02-06 10:00 {verified('b', SPOOF, events=20)}",
        f"02-06 11:00 {REPLY}",
        "02-07 10:00 verification: {report: a, rejected: true}",
        f"02-07 11:00 {verified('c', SPOOF, events=5)}",
        until="02-07 11:00",
    )
    assert told(played, "charge", "withdraw") == [
        "02-02 10:00 liquidated_damages 700.00 proposed s1",
        "02-06 10:00 liquidated_damages 20.00 proposed s1",
        "02-07 10:00 withdraw liquidated_damages s1",
        "02-07 11:00 liquidated_damages 480.00 proposed s1",
    ]


def test_refused_damages_count_as_proposed() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', SPOOF)}",
        "02-02 11:00 approval: {item: liquidated_damages, service: s1, decision: reject, by: alice}",
        f"02-02 12:00 {verified('b', SPOOF, events=600)}",
        until="02-02 12:00",
    )
    assert told(played, "charge")[-1] == "02-02 12:00 liquidated_damages 101.00 proposed s1"


def test_actual_damages_end_the_liquidated_ones_of_the_present_cases() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', SPOOF)}",
        "02-02 11:00 cost: {service: s1, kind: actual_damages, amount: '90.00'}",
        f"02-02 12:00 {verified('b', SPOOF, events=900)}",
        until="02-02 12:00",
    )
    assert told(played, "charge", "withdraw") == [
        "02-02 10:00 liquidated_damages 500.00 proposed s1",
        "02-02 11:00 withdraw liquidated_damages s1",
        "02-02 11:00 cost_recovery 90.00 proposed s1",
    ]


def test_a_delisting_cost_without_a_proposed_fee_is_recovered() -> None:
    played = story("scalibit", "02-02 10:00 cost: {service: s1, kind: delisting, amount: '35.50'}")
    assert told(played, "charge") == ["02-02 10:00 cost_recovery 35.50 automatic s1"]


def test_one_removal_fee_per_occurrence() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 listing: {{id: l1, ip: {IP}, list: one.example.net, confirmed: true}}",
        f"02-02 11:00 listing: {{id: l2, ip: {IP2}, list: two.example.net, confirmed: true}}",
        until="02-02 12:00",
    )
    assert told(played, "charge") == ["02-02 10:00 delisting_fee 500.00 proposed s1"]


def test_a_new_strike_voids_a_restoration_that_waits_for_its_fee() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {report('a', SCAN)}",
        "02-02 11:00 request: {id: r, kind: restore, service: s1}",
        "02-02 12:00 approval: {request: r, decision: approve, by: alice, fee: '75.00'}",
        f"02-02 13:00 {verified('b', SPOOF)}",
        "02-02 14:00 payment: {service: s1, amount: '75.00'}",
        until="02-02 14:00",
    )
    assert told(played, "lift") == []


def test_a_fee_covered_by_credit_restores_at_once() -> None:
    played = story(
        "scalibit",
        "02-02 09:00 payment: {service: s1, amount: '80.00'}",
        f"02-02 10:00 {report('a', SCAN)}",
        "02-02 11:00 request: {id: r, kind: restore, service: s1}",
        "02-02 12:00 approval: {request: r, decision: approve, by: alice, fee: '75.00'}",
        until="02-02 12:00",
    )
    assert told(played, "lift") == ["02-02 12:00 lift suspend s1", "02-02 12:00 lift rate_limit 192.0.2.10"]


def test_no_payment_deadline_runs_for_what_is_no_fine() -> None:
    played = story("scalibit", "02-02 10:00 cost: {service: s1, kind: admin, amount: '35.50'}")
    assert told(played, "deadline") == []


def test_the_upstream_s_measure_falls_to_ours_and_ours_to_it() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 upstream: {{action: null_route, ip: {IP}, state: set}}",
        f"02-02 11:00 {report('a', DDOS)}",
        f"02-02 12:00 upstream: {{action: null_route, ip: {IP}, state: lifted}}",
        "02-02 13:00 verification: {report: a, rejected: true}",
        until="02-02 13:00",
    )
    assert [one for one in told(played, "measure", "lift") if "null_route" in one] == [
        "02-02 10:00 null_route automatic refund 192.0.2.10",
        "02-02 13:00 lift null_route 192.0.2.10",
    ]


def test_the_upstream_takes_the_place_of_our_proposal() -> None:
    played = story(
        "scalibit",
        "02-02 10:00 proposal: {measure: null_route, service: kept, by: alice, ip: 203.0.113.1}",
        "02-02 11:00 upstream: {action: null_route, ip: 203.0.113.1, state: set}",
        until="02-02 11:00",
    )
    assert told(played, "measure", "notify") == [
        "02-02 10:00 null_route proposed refund 203.0.113.1",
        "02-02 11:00 null_route automatic refund 203.0.113.1",
    ]


def test_a_restoration_leaves_what_the_upstream_did() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 upstream: {{action: null_route, ip: {IP}, state: set}}",
        "02-02 11:00 request: {id: r, kind: restore, service: s1}",
        "02-02 12:00 approval: {request: r, decision: approve, by: alice}",
        until="02-02 12:00",
    )
    assert told(played, "lift") == []


def test_a_person_s_proposal_is_not_repeated_where_the_measure_stands() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {report('a', DDOS)}",
        "02-02 11:00 proposal: {measure: suspend, service: s1, by: alice}",
        until="02-02 11:00",
    )
    assert [one for one in told(played, "measure") if "suspend" in one] == ["02-02 10:00 suspend automatic refund s1"]


def test_a_person_s_charge_needs_another_s_yes() -> None:
    played = story(
        "scalibit",
        "02-02 10:00 proposal: {item: admin_fee, amount: '12.00', service: s1, by: alice}",
        "02-02 11:00 approval: {item: admin_fee, service: s1, decision: approve, by: alice}",
        "02-02 12:00 approval: {item: admin_fee, service: s1, decision: approve, by: bob}",
        until="02-02 12:00",
    )
    assert told(played, "charge") == [
        "02-02 10:00 admin_fee 12.00 proposed s1",
        "02-02 12:00 admin_fee 12.00 approved s1",
    ]


def test_events_count_in_full_for_each_service_of_a_report() -> None:
    played = story(
        "scalibit", f"02-02 10:00 {verified('a', SPOOF, f'{IP}, 198.51.100.20', events=600)}", until="02-02 10:00"
    )
    assert told(played, "charge") == [
        "02-02 10:00 liquidated_damages 600.00 proposed s1",
        "02-02 10:00 liquidated_damages 600.00 proposed s2",
    ]


def test_large_scale_counts_known_reporters_only() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {report('a', SPAM, events=99, assurance='unverified')}",
        f"02-02 11:00 {report('b', SPAM, events=60)}",
        f"02-02 12:00 {report('c', SPAM, events=40)}",
        until="02-02 12:00",
    )
    assert told(played, "measure") == [
        "02-02 12:00 suspend automatic refund s1",
        "02-02 12:00 block_port automatic refund s1",
    ]


def test_an_approved_suspension_keeps_standing_when_another_ground_falls() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', SPOOF)}",
        "02-04 11:00 approval: {measure: suspend, service: s1, decision: approve, by: alice}",
        f"02-05 10:00 {report('b', DDOS)}",
        "02-05 11:00 verification: {report: b, rejected: true}",
        until="02-05 11:00",
    )
    assert [one for one in told(played, "measure", "lift") if "suspend" in one] == [
        "02-04 10:00 suspend proposed refund s1",
        "02-04 11:00 suspend approved refund s1",
    ]


def test_a_termination_on_a_fallen_ground_is_lifted() -> None:
    played = story(
        "scalibit",
        f"02-02 10:00 {verified('a', PHISHING)}",
        f"02-05 10:00 {verified('b', PHISHING)}",
        f"02-08 10:00 {verified('c', PHISHING)}",
        "02-08 11:00 approval: {measure: terminate, service: s1, decision: approve, by: alice}",
        "02-09 10:00 verification: {report: c, rejected: true}",
        until="02-09 10:00",
    )
    assert "02-09 10:00 lift terminate s1" in told(played, "lift")
