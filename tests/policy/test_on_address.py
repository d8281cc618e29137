"""Measures on an address are the brand's: what one service brought upon it is not done again for the next holder."""

from tests.policy.story import report, story, told

MOVED = "192.0.2.128"
"""Held by s1 until 11:00 on 2 February, by s2 from then on."""
KINDS = ("measure", "lift", "withdraw")
WORLD = """
world:
  customers:
    - {{id: c1, since: 2022-06-10T00:00:00Z}}
    - {{id: vip, since: 2022-06-10T00:00:00Z, protected: true}}
  services:
    - {{id: s1, customer: {former}, type: vps, since: 2022-06-10T00:00:00Z, mail_port: true{until}}}
    - {{id: s2, customer: {present}, type: vps, since: 2022-06-10T00:00:00Z, mail_port: true}}
  assignments:
    - {{prefix: 192.0.2.128/32, service: s1, since: 2022-06-10T00:00:00Z, until: 2026-02-02T11:00:00Z}}
    - {{prefix: 192.0.2.128/32, service: s2, since: {since}}}
"""


def world(former: str = "c1", present: str = "c1", *, until: str = "", since: str = "2026-02-02T11:00:00Z") -> str:
    return WORLD.format(former=former, present=present, until=f", until: {until}" if until else "", since=since)


def on_address(*entries: str, where: str) -> list[str]:
    return [one for one in told(story("scalibit", *entries, world=where), *KINDS) if "null_route" in one]


FIRST = f"02-02 10:00 {report('r1', 'connection/ddos', MOVED, assurance='authenticated')}"
SECOND = f"02-02 12:00 {report('r2', 'connection/ddos', MOVED, assurance='authenticated')}"
REJECT_FIRST = "02-03 10:00 verification: {report: r1, rejected: true}"
REJECT_SECOND = "02-03 11:00 verification: {report: r2, rejected: true}"
SET = f"02-02 13:00 upstream: {{action: null_route, ip: {MOVED}, state: set}}"
LIFTED = f"02-02 14:00 upstream: {{action: null_route, ip: {MOVED}, state: lifted}}"


def test_it_ends_with_the_last_ground_of_whichever_service() -> None:
    assert on_address(FIRST, SECOND, REJECT_FIRST, REJECT_SECOND, where=world()) == [
        f"02-02 10:00 null_route automatic refund {MOVED}",
        f"02-03 11:00 lift null_route {MOVED}",
    ]


def test_grounds_that_only_proposed_it_let_it_stand_again_as_proposed() -> None:
    assert on_address(FIRST, SECOND, REJECT_FIRST, REJECT_SECOND, where=world(present="vip")) == [
        f"02-02 10:00 null_route automatic refund {MOVED}",
        f"02-03 10:00 lift null_route {MOVED}",
        f"02-03 10:00 null_route proposed refund {MOVED}",
        f"02-03 11:00 withdraw null_route {MOVED}",
    ]


def test_an_automatic_one_takes_the_place_of_another_service_s_proposal() -> None:
    assert on_address(FIRST, SECOND, where=world(former="vip")) == [
        f"02-02 10:00 null_route proposed refund {MOVED}",
        f"02-02 12:00 null_route automatic refund {MOVED}",
    ]


def test_it_does_not_stand_up_again_for_a_service_that_holds_the_address_no_more() -> None:
    assert on_address(FIRST, SECOND, REJECT_SECOND, where=world(former="vip"))[2:] == [
        f"02-03 11:00 lift null_route {MOVED}"
    ]


def test_a_proposal_is_not_made_a_second_time() -> None:
    assert on_address(FIRST, SECOND, where=world("vip", "vip")) == [f"02-02 10:00 null_route proposed refund {MOVED}"]


def test_todays_holder_s_approval_counts_and_the_former_one_s_does_not() -> None:
    former = "02-02 13:00 approval: {measure: null_route, service: s1, decision: approve, by: ann}"
    present = "02-02 14:00 approval: {measure: null_route, service: s2, decision: approve, by: ann}"
    assert on_address(FIRST, SECOND, former, present, where=world("vip", "vip"))[1:] == [
        f"02-02 14:00 null_route approved refund {MOVED}"
    ]


def test_what_is_in_force_through_another_service_waits_for_no_approval() -> None:
    approval = "02-02 13:00 approval: {measure: null_route, service: s2, decision: approve, by: ann}"
    assert len(on_address(FIRST, SECOND, approval, where=world(present="vip"))) == 1


def test_the_upstream_s_own_is_no_second_measure_where_ours_stands_for_a_service_that_ended() -> None:
    ended = world(until="2026-02-02T11:00:00Z", since="2026-02-20T00:00:00Z")
    assert on_address(FIRST, SET, LIFTED, where=ended) == [f"02-02 10:00 null_route automatic refund {MOVED}"]


def test_the_upstream_s_own_stays_when_ours_falls() -> None:
    ended = world(until="2026-02-02T11:00:00Z", since="2026-02-20T00:00:00Z")
    later = f"02-04 10:00 upstream: {{action: null_route, ip: {MOVED}, state: lifted}}"
    assert on_address(FIRST, SET, REJECT_FIRST, later, where=ended)[1:] == [f"02-04 10:00 lift null_route {MOVED}"]
