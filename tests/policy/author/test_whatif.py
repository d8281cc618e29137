"""Two replays compared: sums that add up, and differences that a manager understands."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from abusedesk.policy.author.consequences import HEAVY, Consequence, consequences
from abusedesk.policy.author.whatif import Comparison, Row, differences, money, row_of
from abusedesk.policy.pack import Pack
from abusedesk.policy.scenario import Scenario
from abusedesk.policy.stimulus import Stimulus
from abusedesk.vocabulary.measure import MEASURES
from tests.policy.story import report, story
from tests.policy.test_properties import scenario, timelines
from tests.policy.test_replay import changed, replayed

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def suspension(
    at: datetime = AT, mode: str = "automatic", root: str = "r1", detail: str = "with refund"
) -> Consequence:
    return Consequence(at, "measure", "suspend", mode, detail=detail, root=root, clauses=("acme:1",))


@dataclass
class Past:
    """What replays of a scenario under two packs come to."""

    one: Scenario
    other: Pack
    sides: list[dict[str | None, list[Consequence]]] = field(default_factory=list)

    def compared(self, most: int | None = None) -> Comparison:
        self.sides = [self._under(None), self._under(self.other)]
        comparison = Comparison(most)
        for service in dict.fromkeys([*self.sides[0], *self.sides[1]]):
            comparison.compare(service, self.sides[0].get(service, []), self.sides[1].get(service, []))
        return comparison

    def _under(self, pack: Pack | None) -> dict[str | None, list[Consequence]]:
        found: dict[str | None, list[Consequence]] = {}
        for step in replayed(self.one, pack):
            said = consequences(step.at, type(step.stimulus).__name__, step.before, step.decision)
            found.setdefault(step.service, []).extend(said)
        return found

    def totals(self, side: int) -> dict[Row, tuple[int, int]]:
        all_of = [one for found in self.sides[side].values() for one in found]
        counts = Counter(map(row_of, all_of))
        return {row: (counts[row], sum(one.amount for one in all_of if row_of(one) == row)) for row in counts}


EDITS = (
    ("8.b, values: {2022-06-07: PT6H}", "8.b, values: {2022-06-07: PT2H}"),
    ('"1", values: {2022-06-07: "20.00"}', '"1", values: {2022-06-07: "35.00"}'),
    ('"spam"\n    then: [{measure: suspend}]', '"spam"\n    then: [{measure: suspend, mode: proposed}]'),
)


@pytest.fixture(scope="module")
def harsher(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return changed(tmp_path_factory.mktemp("packs"), "jimcloud", *EDITS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(timeline=timelines)
def test_sums_add_up_for_every_history(harsher: Pack, timeline: list[tuple[int, Stimulus, str]]) -> None:
    past = Past(scenario("jimcloud", timeline), harsher)
    comparison = past.compared()
    for row in comparison.sums(past.totals(0), past.totals(1)):
        assert row.before + row.gained - row.lost == row.after, row
    changes = comparison.heaviest()
    assert comparison.differing == len(changes)
    for side in (0, 1):
        told = sum((one.before, one.after)[side] is not None for one in changes)
        assert told <= sum(map(len, past.sides[side].values()))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(timeline=timelines)
def test_under_the_same_pack_nothing_differs(timeline: list[tuple[int, Stimulus, str]]) -> None:
    one = scenario("scalibit", timeline)
    assert Past(one, one.pack).compared().differing == 0


def test_the_few_that_are_kept_are_the_heaviest(harsher: Pack) -> None:
    entries = [f"02-{day:02} 10:00 {report(f'r{day}', 'messaging/spam', assurance='verified')}" for day in range(2, 20)]
    past = Past(story("jimcloud", *entries), harsher)
    every, few = past.compared(None).heaviest(), past.compared(3).heaviest()
    assert few == every[:3]
    assert len(every) > 3
    assert [one.one.weight() for one in every] == sorted(one.one.weight() for one in every)


def test_the_same_measure_at_another_time_is_one_thing() -> None:
    (one,) = differences("s1", [suspension()], [suspension(AT + 3 * HOUR)])
    assert one.change == "changed"
    assert one.text == "3 h later: suspend, automatic, with refund [acme:1]"


def test_the_same_measure_for_another_complaint_is_two() -> None:
    found = differences("s1", [suspension()], [suspension(root="r2")])
    assert sorted(one.change for one in found) == ["gained", "lost"]


def test_a_measure_that_is_only_proposed_is_changed_and_counts_in_both_rows() -> None:
    comparison = Comparison(None)
    comparison.compare("s1", [suspension()], [suspension(mode="proposed")])
    (one,) = comparison.heaviest()
    assert one.text == "changed: suspend, automatic, with refund → suspend, proposed, with refund [acme:1]"
    rows = comparison.sums({row_of(suspension()): (1, 0)}, {row_of(suspension(mode="proposed")): (1, 0)})
    assert [(row.mode, row.before, row.after, row.gained, row.lost) for row in rows] == [
        ("automatic", 1, 0, 0, 1),
        ("proposed", 0, 1, 1, 0),
    ]


def test_other_clauses_alone_make_no_difference() -> None:
    renamed = Consequence(AT, "strike", "spam", detail="number 1", root="r1", clauses=("acme:2",))
    assert not differences("s1", [Consequence(AT, "strike", "spam", detail="number 1", root="r1")], [renamed])


@pytest.mark.parametrize("most", [None, 3])
def test_services_compared_in_two_halves_come_to_the_same_as_in_one(most: int | None) -> None:
    def compared(numbers: range) -> Comparison:
        comparison = Comparison(most)
        for number in numbers:
            sides = [suspension(), suspension(AT + number * HOUR, root=f"r{number}")]
            comparison.compare(f"s{number}", sides[: number % 3], [suspension(mode="proposed")][: number % 2])
        return comparison

    whole, halves = compared(range(20)), Comparison(most)
    for half in (range(0, 20, 2), range(1, 20, 2)):
        halves.take_in(compared(half).found())
    assert halves.found().affected == whole.affected
    assert halves.heaviest() == whole.heaviest()
    assert (halves.clauses(), halves.differing) == (whole.clauses(), whole.differing)
    rows = {row_of(suspension(mode=mode)): (1, 0) for mode in ("automatic", "proposed")}
    assert halves.sums(rows, rows) == whole.sums(rows, rows)


def test_what_is_there_twice_is_matched_twice() -> None:
    (one,) = differences("s1", [suspension(), suspension()], [suspension()])
    assert (one.change, one.after) == ("lost", None)


def test_a_charge_of_another_amount_says_both(harsher: Pack) -> None:
    past = Past(story("jimcloud", f"02-02 10:00 {report('a', 'connection/ddos')}", until="02-02 10:00"), harsher)
    comparison = past.compared()
    fine = next(one for one in comparison.heaviest() if one.one.kind == "charge")
    assert fine.text == (
        "changed: fine 20.00 USD on 192.0.2.10, automatic → fine 35.00 USD on 192.0.2.10, automatic "
        "[jimcloud:1.a, jimcloud:1]"
    )
    (all_of,) = money(comparison.sums(past.totals(0), past.totals(1)))
    assert (all_of.currency, all_of.mode, all_of.before, all_of.after) == ("USD", "automatic", 2000, 3500)


def test_a_proposed_charge_that_grows_counts_once_in_all(tmp_path: Path) -> None:
    """SCALIBIT's delisting fee is stated again with its new total when costs are added to it."""
    entries = (
        "02-02 10:00 listing: {id: l1, ip: 192.0.2.10, confirmed: true}",
        "02-03 10:00 cost: {service: s1, kind: delisting, amount: '75.00'}",
    )
    one = story("scalibit", *entries, until="02-03 12:00")
    past = Past(one, one.pack)
    comparison = past.compared()
    (all_of,) = money(comparison.sums(past.totals(0), past.totals(1)))
    assert (all_of.mode, all_of.before) == ("proposed", 57500)


def test_money_that_was_withdrawn_does_not_count() -> None:
    entries = (
        f"02-02 10:00 {report('a', 'connection/ddos')}",
        "02-02 11:00 verification: {report: a, rejected: true}",
    )
    one = story("jimcloud", *entries, until="02-02 12:00")
    past = Past(one, one.pack)
    comparison = past.compared()
    (all_of,) = money(comparison.sums(past.totals(0), past.totals(1)))
    assert (all_of.before, all_of.after) == (0, 0)


def test_every_measure_has_its_weight() -> None:
    assert set(HEAVY) == set(MEASURES)
