"""What is carried over from another system counts for what comes next, and orders nothing by itself."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.decide import decide
from abusedesk.policy.decision import Annul, AnyEffect, Decision, StrikeMade, Take
from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts, Settings
from abusedesk.policy.pack import load_pack
from abusedesk.policy.stimulus import (
    AnyStimulus,
    CarriedBalance,
    CarriedTicket,
    Payment,
    Reply,
    Report,
    Request,
    Verification,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
IP = "192.0.2.10"
FACTS = Facts(
    "b", service="s1", customer="c1", customer_since=NOW - 900 * DAY, service_since=NOW - 900 * DAY,
    held_ips=frozenset({IP}), settings=Settings(in_force_from=NOW - 800 * DAY),
)  # fmt: skip
PACKS = ("jimcloud", "scalibit")


def fold(pack: str, *stimuli: AnyStimulus, at: datetime = NOW) -> list[Decision]:
    docket, decisions = Docket("s1"), []
    for number, one in enumerate(stimuli):
        decision = decide(docket, one, FACTS, load_pack(pack), at + timedelta(minutes=number))
        docket = decision.docket
        decisions.append(decision)
    return decisions


def old(number: int, days: int, *, struck: bool = True, category: str = "connection/port_scan") -> CarriedTicket:
    return CarriedTicket("WHMCS", str(number), category, NOW - days * DAY, (IP,), struck)


def attack(name: str = "r1") -> Report:
    return Report(name, "connection/port_scan", (IP,), NOW, assurance="authenticated")


def measures(decision: Decision) -> list[tuple[str, str, bool | None]]:
    return [(one.measure, one.mode, one.refund) for one in decision.effects if isinstance(one, Take)]


def test_a_carried_strike_orders_nothing() -> None:
    (first, second, third) = fold("jimcloud", old(1, 90), old(2, 60), old(3, 30))

    assert [type(one) for decision in (first, second, third) for one in decision.effects] == [StrikeMade] * 3
    assert [one.strike.number for one in third.docket.occurrences if one.strike] == [1, 2, 3]
    assert not third.docket.deadlines


def test_the_next_strike_counts_those_before_it() -> None:
    *_, last = fold("jimcloud", old(1, 90), old(2, 60), attack())

    assert measures(last) == [("suspend", "automatic", False), ("terminate", "proposed", False)]
    (strike,) = [one for one in last.effects if isinstance(one, StrikeMade)]
    assert strike.number == 3


def test_one_that_did_not_count_there_does_not_count_here() -> None:
    *_, last = fold("jimcloud", old(1, 90, struck=False), old(2, 60, struck=False), attack())

    assert measures(last) == [("suspend", "automatic", True)]


@pytest.mark.parametrize(("days", "number"), [(364, 2), (365, 1), (366, 1)])
def test_a_carried_strike_lapses_by_its_own_date(days: int, number: int) -> None:
    *_, last = fold("jimcloud", old(1, days), attack())

    assert [one.number for one in last.effects if isinstance(one, StrikeMade)] == [number]


def test_a_carried_ticket_never_runs_on() -> None:
    """A report within the window of an old ticket is a case of its own time: it is noticed and answered."""
    *_, last = fold("jimcloud", old(1, 0, struck=False), attack())

    assert len(last.docket.occurrences) == 2
    assert {one.name for one in last.docket.deadlines} == {"payment", "reply"}


def test_an_old_ticket_dated_within_a_running_occurrence_does_not_end_it() -> None:
    """What is told of the past must not make a second strike of the reports of one incident."""
    within = CarriedTicket("WHMCS", "1", "connection/port_scan", NOW + timedelta(seconds=30), (IP,))

    *_, last = fold("jimcloud", attack("r1"), within, attack("r2"))

    assert sum(one.strike is not None for one in last.docket.occurrences) == 1
    assert not [one for one in last.effects if isinstance(one, StrikeMade | Take)]


def test_the_order_of_import_does_not_matter() -> None:
    one, other = (fold("jimcloud", *tickets)[-1] for tickets in ((old(1, 90), old(2, 60)), (old(2, 60), old(1, 90))))

    assert [each.opened_at for each in one.docket.occurrences] == [each.opened_at for each in other.docket.occurrences]


def test_the_same_ticket_again_changes_nothing() -> None:
    first, second = fold("jimcloud", old(1, 90), old(1, 90))

    assert second.effects == ()
    assert second.docket.occurrences == first.docket.occurrences


def test_a_rejected_one_counts_no_more() -> None:
    *_, rejected, last = fold("jimcloud", old(1, 90), old(2, 60), Verification("WHMCS:1", rejected=True), attack())

    assert [type(one) for one in rejected.effects] == [Annul]
    assert [one.number for one in last.effects if isinstance(one, StrikeMade)] == [2]


def test_it_stands_for_no_events_that_damages_could_count() -> None:
    *_, last = fold("scalibit", old(1, 90, category="messaging/spam"), Report(
        "r", "messaging/spam", (IP,), NOW, events=60, assurance="corroborated"
    ))  # fmt: skip

    assert all(report.events == 0 for report in last.docket.occurrences[0].reports)


def test_nothing_is_left_to_process_before_a_restoration() -> None:
    *_, last = fold(
        "jimcloud", old(1, 90, struck=False), attack(), Reply(complete=True), Payment(2000), Request("q", "restore")
    )

    assert [one.answer for one in last.effects if hasattr(one, "answer")] == ["granted"]


def test_what_was_owed_is_owed_without_a_deadline_and_denies_a_restoration() -> None:
    owed = CarriedBalance("WHMCS", "77", "fine", 4000, NOW - 10 * DAY)
    first, *_, asked = fold("jimcloud", owed, attack(), Reply(complete=True), Payment(2000), Request("q", "restore"))

    assert first.effects == ()
    assert not first.docket.deadlines
    assert [(one.amount, one.state) for one in first.docket.charges] == [(4000, "owed")]
    # The payment settled the oldest first.
    assert [one.answer for one in asked.effects if hasattr(one, "answer")] == ["denied"]


def test_credit_settles_what_is_charged_later() -> None:
    *_, last = fold("jimcloud", CarriedBalance("WHMCS", "78", "x", -5000, NOW - DAY), attack())

    assert [one.state for one in last.docket.charges] == ["paid"]
    assert last.docket.credit == 3000


CARRIED = st.one_of(
    st.builds(
        CarriedTicket,
        st.just("old"),
        st.integers(0, 9).map(str),
        st.sampled_from(
            ["connection/ddos", "messaging/spam", "content/phishing", "copyright/p2p", "other/unclassified"]
        ),
        st.integers(0, 900).map(lambda days: NOW - days * DAY),
        st.just((IP,)),
        st.booleans(),
    ),
    st.builds(
        CarriedBalance,
        st.just("old"),
        st.integers(0, 9).map(str),
        st.just("fine"),
        st.integers(-9000, 9000).filter(bool),
        st.integers(0, 900).map(lambda days: NOW - days * DAY),
    ),
)


@given(st.sampled_from(PACKS), st.lists(CARRIED, max_size=8))
def test_nothing_carried_over_is_ever_noticed_measured_charged_or_set_going(
    pack: str, history: list[AnyStimulus]
) -> None:
    decisions = fold(pack, *history)

    effects: list[AnyEffect] = [one for decision in decisions for one in decision.effects]
    assert {type(one) for one in effects} <= {StrikeMade}
    assert all(one.clauses for one in effects)
    for decision in decisions:
        again = msgspec.json.decode(canonical(decision.docket), type=Docket)
        assert again == decision.docket
        assert not again.deadlines
        assert not again.measures
