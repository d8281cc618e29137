"""A measure after it came into force: it expires, is lifted to clean and stands again, was lifted by hand."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from abusedesk.policy.author.wording import order as order_in_words
from abusedesk.policy.decision import Lift
from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket
from abusedesk.policy.pack import PACKS, load_pack
from abusedesk.policy.rule import OrderMeasure
from abusedesk.policy.simulate import play
from abusedesk.policy.stimulus import (
    DeadlinePassed,
    ExpirySet,
    LiftedByHand,
    LiftedToClean,
    Postponed,
    Reply,
    Verification,
)
from abusedesk.problem import Problem
from tests.policy.story import report, story, told
from tests.policy.test_decide import AT, heard, scan

HOUR = timedelta(hours=1)
ATTACK = report("a", "connection/port_scan")
EXPIRES = "{expires: {suspend: PT6H}}"
NOBODY = "expiry_set: {service: s1, measure: suspend, by: ann}"
CLEAN = "lifted_to_clean: {service: s1, measure: suspend, by: ann, until: 2026-02-02T14:00:00Z}"
BY_HAND = "lifted_by_hand: {service: s1, measure: suspend, by: ann, reason: the host did it}"


def lifts(*entries: str, until: str = "02-28 00:00", settings: str = "", policy: str = "jimcloud") -> list[str]:
    found = told(story(policy, *entries, until=until, settings=settings), "measure", "lift", "withdraw")
    return [one for one in found if "suspend" in one or "null_route" in one]


# --- expiry ---------------------------------------------------------------------------------------------------------


def test_a_brands_measure_expires_at_its_time_and_not_before() -> None:
    before = lifts(f"02-02 10:00 {ATTACK}", settings=EXPIRES, until="02-02 15:59")
    assert before == ["02-02 10:00 suspend automatic refund s1"]
    assert lifts(f"02-02 10:00 {ATTACK}", settings=EXPIRES, until="02-02 16:00") == [
        *before,
        "02-02 16:00 lift suspend s1",
    ]


def test_what_expired_says_so_and_cites_both() -> None:
    scenario = story("jimcloud", f"02-02 10:00 {ATTACK}", settings=EXPIRES, until="02-02 16:00")
    lift = next(one.effect for one in play(scenario) if isinstance(one.effect, Lift))
    assert lift.because == "expired"
    assert {"safeguard:expiry", "jimcloud:1.a"} <= set(lift.clauses)


def test_nothing_expires_where_nobody_said_so() -> None:
    assert lifts(f"02-02 10:00 {ATTACK}", until="02-03 00:00") == ["02-02 10:00 suspend automatic refund s1"]


def test_staff_set_move_and_take_away_an_expiry() -> None:
    until = "expiry_set: {service: s1, measure: suspend, by: ann, until: 2026-02-02T12:00:00Z}"
    later = "expiry_set: {service: s1, measure: suspend, by: ann, until: 2026-02-02T13:00:00Z}"
    begun = f"02-02 10:00 {ATTACK}"
    assert "02-02 12:00 lift suspend s1" in lifts(begun, f"02-02 10:05 {until}", until="02-03 00:00")
    assert "02-02 13:00 lift suspend s1" in lifts(begun, f"02-02 10:05 {until}", f"02-02 10:06 {later}")
    assert len(lifts(begun, f"02-02 10:05 {NOBODY}", settings=EXPIRES, until="02-03 00:00")) == 1


def test_a_further_ground_begins_the_time_anew_and_the_same_ground_does_not() -> None:
    again = report("b", "connection/port_scan")
    spam = report("c", "messaging/spam")
    one = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {again}", settings=EXPIRES, until="02-03 00:00")
    assert one[-1] == "02-02 16:00 lift suspend s1"
    other = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {spam}", settings=EXPIRES, until="02-03 00:00")
    assert "02-02 16:00 lift suspend s1" not in other
    assert "02-02 17:00 lift suspend s1" in other


def test_a_proposal_expires_from_its_approval_on() -> None:
    propose = "proposal: {service: s1, by: ann, measure: suspend}"
    approve = "approval: {service: s1, by: bob, measure: suspend, decision: approve}"
    found = lifts(f"02-02 10:00 {propose}", f"02-02 12:00 {approve}", settings=EXPIRES)
    assert found[1:] == ["02-02 12:00 suspend approved refund s1", "02-02 18:00 lift suspend s1"]


def test_what_is_lifted_before_does_not_expire_a_second_time() -> None:
    rejected = "verification: {report: a, rejected: true}"
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {rejected}", settings=EXPIRES)
    assert found[1:] == ["02-02 11:00 lift suspend s1"]


def test_a_termination_never_expires() -> None:
    scenario = story("jimcloud", settings="{expires: {suspend: PT1H}}")
    assert scenario.settings.expires == {"suspend": "PT1H"}
    with pytest.raises(Problem, match="terminate"):
        story("jimcloud", settings="{expires: {terminate: PT1H}}")


def test_a_pause_of_the_desk_does_not_prolong_it() -> None:
    docket = heard(scan()).docket
    docket = heard(ExpirySet("suspend", AT + 6 * HOUR, "ann", "enough"), docket).docket
    docket = heard(Postponed(3 * HOUR), docket, at=AT + HOUR).docket
    due = {one.name: one.due for one in docket.deadlines if one.state == "open"}
    assert due["expiry"] == AT + 6 * HOUR
    assert due["reply"] == AT + 9 * HOUR


def test_an_expiry_of_what_does_not_stand_is_nothing() -> None:
    decided = heard(ExpirySet("null_route", AT + HOUR, "ann", "", ip="192.0.2.10"))
    assert (decided.effects, decided.docket.deadlines) == ((), ())


def test_dockets_without_any_of_this_keep_their_bytes() -> None:
    text = canonical(heard(scan()).docket)
    assert b'"ended"' not in text
    assert b'"expires"' not in text
    assert b'"measure":"m' not in text


# --- by hand --------------------------------------------------------------------------------------------------------


def test_what_staff_accept_as_lifted_by_hand_is_over() -> None:
    scenario = story("jimcloud", f"02-02 10:00 {ATTACK}", f"02-02 11:00 {BY_HAND}")
    lift = next(one for one in play(scenario) if isinstance(one.effect, Lift))
    assert isinstance(lift.effect, Lift)
    assert (lift.at, lift.effect.because) == (datetime(2026, 2, 2, 11, tzinfo=UTC), "by_hand")
    assert lift.effect.clauses[0] == "safeguard:by_hand"


def test_an_accepted_lift_ends_the_expiry() -> None:
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {BY_HAND}", settings=EXPIRES, until="02-02 20:00")
    assert found[1:] == ["02-02 11:00 lift suspend s1"]


def test_twice_is_once() -> None:
    docket = heard(LiftedByHand("suspend", "ann", "host"), heard(scan()).docket).docket
    assert heard(LiftedByHand("suspend", "ann", "host"), docket).effects == ()


# --- lifted to clean ------------------------------------------------------------------------------------------------


def test_it_is_lifted_and_stands_again_at_the_time() -> None:
    assert lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {CLEAN}", until="02-02 15:00") == [
        "02-02 10:00 suspend automatic refund s1",
        "02-02 11:00 lift suspend s1",
        "02-02 14:00 suspend approved refund s1",
    ]


def test_not_when_the_case_was_closed_in_between() -> None:
    reply = "reply: {service: s1, complete: true}"
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {CLEAN}", f"02-02 13:00 {reply}")
    assert found[-1] == "02-02 11:00 lift suspend s1"


def test_though_the_case_was_closed_before_it_was_lifted() -> None:
    reply = "reply: {service: s1, complete: true}"
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 10:30 {reply}", f"02-02 11:00 {CLEAN}", until="02-02 15:00")
    assert found[-1] == "02-02 14:00 suspend approved refund s1"


def test_not_when_its_report_was_rejected_in_between() -> None:
    found = lifts(
        f"02-02 10:00 {ATTACK}", f"02-02 11:00 {CLEAN}", "02-02 12:00 verification: {report: a, rejected: true}"
    )
    assert found[-1] == "02-02 11:00 lift suspend s1"


def test_not_when_it_was_lifted_for_good_in_between() -> None:
    accepted = "evidence: {service: s1, accepted: true}"
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {CLEAN}", f"02-02 12:00 {accepted}", until="02-02 15:00")
    assert found[-1] == "02-02 11:00 lift suspend s1"


def test_not_when_staff_say_that_it_stays_lifted() -> None:
    stays = "lifted_to_clean: {service: s1, measure: suspend, by: ann}"
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {CLEAN}", f"02-02 12:00 {stays}", until="02-02 15:00")
    assert found[-1] == "02-02 11:00 lift suspend s1"


def test_the_time_can_be_moved() -> None:
    more = CLEAN.replace("14:00", "14:30")
    found = lifts(f"02-02 10:00 {ATTACK}", f"02-02 11:00 {CLEAN}", f"02-02 12:00 {more}", until="02-02 15:00")
    assert found[-1] == "02-02 14:30 suspend approved refund s1"


def test_what_was_ordered_again_meanwhile_is_one_measure() -> None:
    docket = heard(scan()).docket
    docket = heard(LiftedToClean("suspend", AT + 2 * HOUR, "ann", ""), docket, at=AT + HOUR).docket
    docket = heard(scan("b", AT + HOUR * 1.5), docket, at=AT + HOUR * 1.5).docket
    resume = next(one.id for one in docket.deadlines if one.name == "resume")
    after = heard(DeadlinePassed(resume), docket, at=AT + 2 * HOUR).docket
    assert [one.state for one in after.measures if one.kind == "suspend"].count("in_force") == 1


def test_a_pause_of_the_desk_leaves_the_customer_its_hours() -> None:
    docket = heard(LiftedToClean("suspend", AT + 2 * HOUR, "ann", ""), heard(scan()).docket).docket
    docket = heard(Postponed(3 * HOUR), docket, at=AT + HOUR).docket
    assert next(one.due for one in docket.deadlines if one.name == "resume" and one.state == "open") == AT + 5 * HOUR


def test_a_time_that_is_over_lifts_nothing() -> None:
    assert heard(LiftedToClean("suspend", AT, "ann", ""), heard(scan()).docket).effects == ()


@given(st.lists(st.sampled_from(["clean", "stay", "hand", "expiry", "never", "reject", "reply", "tick"]), max_size=8))
def test_whatever_staff_do_no_measure_stands_twice_nor_waits_while_it_stands(words: list[str]) -> None:
    docket, now = heard(scan()).docket, AT
    for word in words:
        now += HOUR
        stimulus = {
            "clean": LiftedToClean("suspend", now + 2 * HOUR, "ann", ""),
            "stay": LiftedToClean("suspend", None, "ann", ""),
            "hand": LiftedByHand("suspend", "ann", ""),
            "expiry": ExpirySet("suspend", now + 2 * HOUR, "ann", ""),
            "never": ExpirySet("suspend", None, "ann", ""),
            "reject": Verification("a", rejected=True),
            "reply": Reply(complete=True),
            "tick": Reply(complete=False),
        }[word]
        docket = heard(stimulus, docket, at=now).docket
        docket = _let_pass(docket, now)
        standing = [one for one in docket.measures if one.kind == "suspend" and one.state in {"in_force", "proposed"}]
        assert len(standing) <= 1
        open_ones = [one for one in docket.deadlines if one.state == "open" and one.measure is not UNSET]
        assert len({one.name for one in open_ones}) == len(open_ones) <= 1
        for one in open_ones:
            assert bool(standing) == (one.name == "expiry")


def _let_pass(docket: Docket, now: datetime) -> Docket:
    for one in docket.deadlines:
        if one.state == "open" and one.measure is not UNSET and one.due <= now:
            docket = heard(DeadlinePassed(one.id), docket, at=now).docket
    return docket


# --- a pack says so -------------------------------------------------------------------------------------------------


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """JimCloud's policy, but the suspension of a first attack ends with the time to reply."""
    folder = tmp_path / "pack"
    copytree(PACKS / "jimcloud", folder)
    text = (folder / "pack.yaml").read_text(encoding="utf-8")
    (folder / "pack.yaml").write_text(
        re.sub(r"(measure: suspend\b)", r"\1, expires: reply_period", text), encoding="utf-8"
    )
    return folder


def test_a_rule_may_say_how_long_its_measure_stands(pack: Path) -> None:
    found = told(story(str(pack), f"02-02 10:00 {ATTACK}", until="02-02 16:00"), "measure", "lift")
    assert found == ["02-02 10:00 suspend automatic refund s1", "02-02 16:00 lift suspend s1"]
    assert "for the reply period" in order_in_words(next(_expiring(pack)))


def test_a_rules_own_length_outweighs_the_brands(pack: Path) -> None:
    brands = "{expires: {suspend: PT1H}}"
    found = told(story(str(pack), f"02-02 10:00 {ATTACK}", until="02-02 16:00", settings=brands), "lift")
    assert found == ["02-02 16:00 lift suspend s1"]


def test_a_termination_with_an_end_does_not_load(pack: Path) -> None:
    text = (pack / "pack.yaml").read_text(encoding="utf-8")
    (pack / "pack.yaml").write_text(
        text.replace("measure: terminate", "measure: terminate, expires: reply_period"), encoding="utf-8"
    )
    with pytest.raises(Problem, match="a termination cannot be undone and never expires"):
        load_pack(str(pack))


def _expiring(pack: Path) -> Iterator[OrderMeasure]:
    for rule, _ in load_pack(str(pack)).content.rules:
        yield from (one for one in rule.orders if isinstance(one, OrderMeasure) and one.expires)
