"""Our own mistake, undone: what is named ends with all that rested on it; and deadlines that stand still meanwhile."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.decision import Annul, Lift, SetDeadline, Take, Withdraw
from abusedesk.policy.docket import Deadline, Docket, stands
from abusedesk.policy.endings import endings
from abusedesk.policy.otherwise import Then, followed, without
from abusedesk.policy.pack import load_pack
from abusedesk.policy.stimulus import (
    AnyStimulus,
    Corrected,
    DeadlinePassed,
    OfCharge,
    OfDeadline,
    OfMeasure,
    Paused,
    Payment,
    Postponed,
    Report,
    Resumed,
    Stimulus,
    Verification,
)
from abusedesk.policy.strikes import struck
from tests.policy.test_decide import AT, FACTS, IP, heard, scan
from tests.policy.test_properties import busy, dockets, packs, quick, steps, timelines

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def undone(docket: Docket, **named: object) -> Corrected:
    return Corrected("ann", "it was us", **named)  # type: ignore[arg-type]


def every(docket: Docket) -> Corrected:
    """The correction that names all that there is."""
    return undone(
        docket,
        occurrences=tuple(one.id for each in docket.occurrences for one in each.reports),
        charges=tuple(OfCharge(one.item, one.at, one.ip) for one in docket.charges),
        measures=tuple(OfMeasure(one.kind, one.ip, one.port) for one in docket.measures),
        deadlines=tuple(OfDeadline(one.name, one.due, report_of(docket, one.occurrence)) for one in docket.deadlines),
    )


def report_of(docket: Docket, occurrence: str | None) -> str | None:
    return next((one.reports[0].id for one in docket.occurrences if one.id == occurrence), None)


def fine(docket: Docket, number: int = 0) -> OfCharge:
    one = docket.charges[number]
    return OfCharge(one.item, one.at, one.ip)


# --- occurrences ----------------------------------------------------------------------------------------------------


def test_an_occurrence_undone_leaves_nothing_standing_though_its_report_does() -> None:
    docket = heard(scan()).docket
    decision = heard(undone(docket, occurrences=("a",)), docket, at=AT + HOUR)
    assert {type(one) for one in decision.effects} == {Annul, Lift, Withdraw}
    assert all("safeguard:our_mistake" in one.clauses for one in decision.effects)
    after = decision.docket
    assert not [one for one in after.measures if stands(one)]
    assert [one.state for one in after.charges] == ["withdrawn"]
    assert {one.state for one in after.deadlines} == {"cancelled"}
    assert not after.occurrences[0].reports[0].rejected


def test_the_next_report_opens_an_occurrence_that_is_the_first_again() -> None:
    docket = heard(scan()).docket
    docket = heard(undone(docket, occurrences=("a",)), docket, at=AT + HOUR).docket
    after = heard(scan("b", AT + 2 * HOUR), docket, at=AT + 2 * HOUR).docket
    assert [one.strike.number for one in after.occurrences if one.strike and struck(one)] == [1]
    assert next(one.refund for one in after.measures if stands(one)) is True


def test_belief_raised_later_does_not_bring_it_back() -> None:
    docket = heard(scan()).docket
    docket = heard(undone(docket, occurrences=("a",)), docket, at=AT + HOUR).docket
    decision = heard(Verification("a", "verified"), docket, at=AT + 2 * HOUR)
    assert (decision.effects, decision.docket.measures) == ((), docket.measures)


# --- strikes, charges and measures by themselves --------------------------------------------------------------------


def test_a_strike_alone_is_annulled_and_its_occurrence_makes_no_other() -> None:
    docket = heard(scan()).docket
    decision = heard(undone(docket, strikes=("a",)), docket, at=AT + HOUR)
    assert [type(one) for one in decision.effects] == [Annul]
    after = heard(Verification("a", "verified"), decision.docket, at=AT + 2 * HOUR).docket
    after = heard(scan("b", AT + 2 * HOUR), after, at=AT + 2 * HOUR).docket
    assert not [one for one in after.occurrences if struck(one)]


def test_what_was_paid_becomes_credit_and_is_not_charged_again() -> None:
    docket = heard(scan()).docket
    docket = heard(Payment(2000), docket, at=AT + HOUR).docket
    docket = heard(undone(docket, charges=(fine(docket),)), docket, at=AT + 2 * HOUR).docket
    assert (docket.charges[0].state, docket.credit) == ("withdrawn", 2000)
    docket = heard(scan("b", AT + 3 * HOUR), docket, at=AT + 3 * HOUR).docket
    assert [one.state for one in docket.charges] == ["withdrawn"]


def test_an_unpaid_fine_takes_its_deadline_and_its_shutdown_with_it() -> None:
    docket = heard(scan()).docket
    due = next(one for one in docket.deadlines if one.name == "payment")
    docket = heard(DeadlinePassed(due.id), docket, at=due.due).docket
    assert "shutdown" in {one.kind for one in docket.measures if stands(one)}
    after = heard(undone(docket, charges=(fine(docket),)), docket, at=due.due + HOUR).docket
    assert {one.kind for one in after.measures if stands(one)} == {"suspend"}


def test_a_measure_alone_is_lifted_whatever_bears_it() -> None:
    docket = heard(scan()).docket
    decision = heard(undone(docket, measures=(OfMeasure("suspend"),)), docket, at=AT + HOUR)
    assert [type(one) for one in decision.effects] == [Lift]
    assert struck(decision.docket.occurrences[0])


def test_a_refund_comes_back() -> None:
    docket = heard(scan("b", AT + DAY), heard(scan()).docket, at=AT + DAY).docket
    assert docket.measures[0].refund is False
    decision = heard(undone(docket, refunds=(OfMeasure("suspend"),)), docket, at=AT + 2 * DAY)
    assert [(one.measure, one.refund) for one in decision.effects if isinstance(one, Take)] == [("suspend", True)]


def test_what_is_not_there_changes_nothing() -> None:
    docket = heard(scan()).docket
    nothing = undone(
        docket,
        occurrences=("x",),
        strikes=("x",),
        charges=(OfCharge("fine", AT + DAY),),
        measures=(OfMeasure("null_route", IP),),
        refunds=(OfMeasure("shutdown"),),
        deadlines=(OfDeadline("reply", AT),),
    )
    decision = heard(nothing, docket, at=AT + HOUR)
    assert decision.effects == ()
    assert msgspec.structs.replace(decision.docket, sequence=1) == docket


# --- every history --------------------------------------------------------------------------------------------------


@quick
@given(packs, st.one_of(timelines, busy))
def test_undoing_everything_of_a_history_leaves_nothing_standing(
    pack: str, timeline: list[tuple[int, Stimulus, str]]
) -> None:
    before = dockets(steps(pack, timeline))
    corrections: list[tuple[int, Stimulus, str]] = [
        (60 * 24, every(docket), service) for service, docket in before.items() if service is not None
    ]
    played = dockets(steps(pack, [*timeline, *corrections]))
    for service, docket in before.items():
        after = played[service]
        ours = [one for one in after.measures if stands(one) and not all(by.upstream for by in one.grounds)]
        if service is not None:
            assert ours == []
            assert {one.state for one in after.charges} <= {"withdrawn"}
            assert not [one for one in after.occurrences if struck(one)]
            assert after.flags == ()
            assert [one for one in after.deadlines if one.state == "open"] == []
            assert after.credit == docket.credit + sum(one.paid for one in docket.charges)


# --- deadlines that stand still -------------------------------------------------------------------------------------


def reply(docket: Docket) -> OfDeadline:
    due = next(one.due for one in docket.deadlines if one.name == "reply" and one.state == "open")
    return OfDeadline("reply", due, "a")


def test_a_deadline_that_stands_still_does_not_pass_and_goes_on_later() -> None:
    docket = heard(scan()).docket
    named = (reply(docket),)
    docket = heard(Paused(named, "ann", "appeal"), docket, at=AT + HOUR).docket
    deadline = next(one for one in docket.deadlines if one.name == "reply")
    assert heard(DeadlinePassed(deadline.id), docket, at=AT + DAY).effects == ()
    decision = heard(Resumed(named, "ann", "appeal"), docket, at=AT + 5 * HOUR)
    assert [(one.name, one.due) for one in decision.effects if isinstance(one, SetDeadline)] == [
        ("reply", AT + 10 * HOUR)
    ]
    assert "safeguard:appeal" in decision.effects[0].clauses
    assert decision.docket.occurrences[0].chain_from == AT + 4 * HOUR


def test_a_hold_of_the_desk_meanwhile_is_not_counted_twice() -> None:
    docket = heard(scan()).docket
    named = (reply(docket),)
    docket = heard(Paused(named, "ann", "appeal"), docket, at=AT + 2 * HOUR).docket
    docket = heard(Postponed(3 * HOUR), docket, at=AT + 4 * HOUR).docket
    docket = heard(Resumed(named, "ann", "appeal"), docket, at=AT + 5 * HOUR).docket
    assert next(one.due for one in docket.deadlines if one.name == "reply") == AT + 10 * HOUR


def payments(docket: Docket) -> list[Deadline]:
    return [one for one in docket.deadlines if one.name == "payment"]


def another(docket: Docket, at: timedelta) -> Docket:
    """A further report of the occurrence, which fines a second address and so begins a deadline to pay."""
    return heard(Report("b", "connection/port_scan", ("192.0.2.2",), AT + at), docket, at=AT + at).docket


def test_what_begins_while_the_appeal_is_heard_stands_still_too() -> None:
    docket = heard(scan()).docket
    paused = Paused((reply(docket),), "ann", "appeal", occurrences=("a",))
    docket = another(heard(paused, docket, at=AT + HOUR).docket, 2 * HOUR)
    later = payments(docket)[-1]
    assert (later.due, later.paused_at) == (AT + 26 * HOUR, AT + 2 * HOUR)
    assert heard(DeadlinePassed(later.id), docket, at=AT + 3 * DAY).effects == ()
    docket = heard(Resumed(paused.deadlines, "ann", "appeal", occurrences=("a",)), docket, at=AT + 5 * HOUR).docket
    assert payments(docket)[-1].due == AT + 29 * HOUR
    assert not [one for one in docket.deadlines if one.paused_at is not msgspec.UNSET]
    docket = heard(Report("c", "connection/port_scan", ("192.0.2.3",), AT + HOUR), docket, at=AT + 5 * HOUR).docket
    assert payments(docket)[-1].paused_at is msgspec.UNSET


def test_what_two_appeals_hold_waits_for_both() -> None:
    docket = heard(scan()).docket
    docket = heard(Paused((), "ann", "one", occurrences=("a",)), docket, at=AT + HOUR).docket
    docket = heard(Paused((), "ann", "two", occurrences=("a",)), docket, at=AT + HOUR).docket
    docket = another(docket, 2 * HOUR)
    docket = heard(Resumed((), "ann", "one"), docket, at=AT + 3 * HOUR).docket
    assert payments(docket)[-1].paused_at == AT + 2 * HOUR


def test_an_appeal_that_names_no_occurrence_holds_only_what_it_names() -> None:
    docket = heard(scan()).docket
    docket = another(heard(Paused((reply(docket),), "ann", "appeal"), docket, at=AT + HOUR).docket, 2 * HOUR)
    assert payments(docket)[-1].paused_at is msgspec.UNSET
    assert b"disputed_at" not in msgspec.json.encode(docket)


# --- what followed from it ------------------------------------------------------------------------------------------


def history(*told: tuple[AnyStimulus, timedelta]) -> tuple[list[Then], Docket]:
    pack = load_pack("jimcloud")
    docket, found = Docket("s1"), []
    for stimulus, after in told:
        found.append(Then(stimulus, FACTS, pack, AT + after))
        docket = heard(stimulus, docket, at=AT + after).docket
    return found, docket


def three_strikes() -> tuple[list[Then], Docket]:
    ids = enumerate(("a", "b", "c"))
    return history(*((Report(name, "connection/port_scan", (IP,), AT), number * DAY) for number, name in ids))


def test_a_termination_that_counted_the_strike_is_found() -> None:
    told, docket = three_strikes()
    assert "terminate" in {one.kind for one in docket.measures if one.state == "proposed"}
    after = heard(Verification("a", rejected=True), docket, at=AT + 3 * DAY).docket
    assert "terminate" in {one.kind for one in after.measures if one.state == "proposed"}
    found = followed(after, without(Docket("s1"), told, frozenset({"a"})))
    named = {one.id: one for one in after.measures}
    assert [(named[one.id].kind, one.because) for one in found if one.what == "measure"] == [("terminate", "counted")]


def test_a_refund_lost_by_a_second_time_that_was_the_first_is_found() -> None:
    told, docket = history((scan("a"), 0 * DAY), (scan("b", AT + DAY), DAY))
    after = heard(Verification("a", rejected=True), docket, at=AT + 3 * DAY).docket
    assert [one.because for one in followed(after, without(Docket("s1"), told, frozenset({"a"})))] == ["refund"]


def test_deadlines_pass_in_the_other_history_as_they_did() -> None:
    told, docket = history((scan("a"), 0 * DAY), (scan("b", AT + DAY), DAY))
    payment = next(one for one in docket.deadlines if one.name == "payment" and one.due == AT + 2 * DAY)
    passed = DeadlinePassed(payment.id)
    docket = heard(passed, docket, at=payment.due).docket
    told.append(Then(passed, FACTS, load_pack("jimcloud"), payment.due))
    other = without(Docket("s1"), told, frozenset({"a"}))
    assert "shutdown" in {one.kind for one in other.measures if stands(one)}


def test_without_anything_left_out_nothing_followed() -> None:
    told, docket = three_strikes()
    assert followed(docket, without(Docket("s1"), told, frozenset())) == []


# --- line by line ---------------------------------------------------------------------------------------------------


def test_every_ending_is_told_the_silent_ones_too() -> None:
    spam = Report("a", "messaging/spam", (IP,), AT)
    docket = heard(Payment(2000), heard(spam).docket, at=AT + HOUR).docket
    after = heard(Verification("a", rejected=True), docket, at=AT + 2 * HOUR).docket
    said = {(one.what, one.name): one for one in endings(docket, after)}
    assert set(said) == {
        ("rejected", "messaging/spam"),
        ("annulled", "spam"),
        ("lifted", "suspend"),
        ("credited", "fine"),
        ("dropped", "reply"),
        ("unmarked", "no_unblock"),
    }
    assert (said["credited", "fine"].paid, said["credited", "fine"].currency) == (2000, "USD")
