"""The past heard again: the same under the same pack, and by the new pack's own deadlines under another."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.author.cases import case_files, read_case
from abusedesk.policy.decision import Notify, SetDeadline, Take
from abusedesk.policy.digest import canonical
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import PACKS, Pack, load_pack
from abusedesk.policy.replay import MADE_ANEW, Around, Pause, Recorded, Replay, Replayed, Start
from abusedesk.policy.scenario import Scenario
from abusedesk.policy.simulate import Stage, Step
from abusedesk.policy.stimulus import DeadlinePassed, Postponed, Report, Stimulus
from abusedesk.vocabulary.holding import AssignmentTable
from abusedesk.vocabulary.instant import parse_instant
from tests.policy.story import IP2, IP3, report, story
from tests.policy.test_properties import packs, quick, scenario, timelines

SOONER = (
    "reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}",
    "reply_period: {clause: 8.b, values: {2022-06-07: PT4H}}",
)


def recorded(one: Scenario, played: Iterable[Step]) -> list[Recorded]:
    """The record that a play leaves, with facts as they lie outside all dockets."""
    return [Recorded(step.at, step.service, step.stimulus, facts(one, step.service)) for step in played]  # type: ignore[arg-type]


def facts(one: Scenario, service: str | None) -> Facts:
    if service is None:
        return Facts(one.pack.name)
    thing = one.services[service]
    customer = one.customers[thing.customer]
    return Facts(
        one.pack.name,
        service=service,
        service_type=thing.type,
        customer=customer.id,
        reseller=customer.reseller,
        customer_since=customer.since,
        service_since=thing.since,
        service_until=thing.until,
        trial=thing.trial,
        protected=thing.protected or customer.protected,
        carries=thing.carries,
    )


def replay_of(one: Scenario, pack: Pack | None = None, pauses: tuple[Pause, ...] = ()) -> Replay:
    return Replay(pack or one.pack, one.settings, Around(AssignmentTable(one.assignments).tenure, {}, pauses))


def replayed(one: Scenario, pack: Pack | None = None, pauses: tuple[Pause, ...] = ()) -> list[Replayed]:
    """A scenario played, and its record replayed."""
    record = recorded(one, Stage(one).steps())
    return list(replay_of(one, pack, pauses).steps(record, one.until))


def changed(tmp_path: Path, pack: str, *edits: tuple[str, str]) -> Pack:
    """A pack with words of its `pack.yaml` replaced, each found exactly once."""
    folder = tmp_path / pack
    text = (PACKS / pack / "pack.yaml").read_text()
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for path in (PACKS / pack).glob("notices/*/*.txt"):
        copy = folder / path.relative_to(PACKS / pack)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (folder / "pack.yaml").write_text(text)
    return load_pack(str(folder))


@quick
@given(packs, timelines, st.booleans())
def test_under_the_same_pack_a_replay_is_the_play(
    pack: str, timeline: list[tuple[int, Stimulus, str]], with_deadlines: bool
) -> None:
    one = scenario(pack, timeline)
    played = list(Stage(one).steps())
    record = recorded(one, played)
    if not with_deadlines:
        record = [each for each in record if not isinstance(each.stimulus, DeadlinePassed)]
    again = list(replay_of(one).steps(record, one.until))
    assert [canonical(step.decision) for step in again] == [canonical(step.decision) for step in played]
    assert [(step.at, step.service, step.stimulus) for step in again] == [step[:3] for step in played]


@quick
@given(packs, timelines, st.integers(0, 40))
def test_a_replay_from_the_middle_goes_on_as_the_whole(
    pack: str, timeline: list[tuple[int, Stimulus, str]], cut: int
) -> None:
    one = scenario(pack, timeline)
    played = list(Stage(one).steps())
    whole = replay_of(one)
    head = list(whole.steps(recorded(one, played[:cut])))
    dockets = {
        key: msgspec.json.decode(msgspec.json.encode(each), type=type(each)) for key, each in whole.dockets.items()
    }
    taken = tuple(step.at for step in head for each in step.decision.effects if isinstance(each, Take) and each.counts)
    told = whole.radius.staff_told
    start = Start(dockets, {key: facts(one, key) for key in dockets}, taken, told)
    rest = Replay(one.pack, one.settings, Around(AssignmentTable(one.assignments).tenure), start)
    tail = list(rest.steps(recorded(one, played[cut:]), one.until))
    assert [canonical(step.decision) for step in [*head, *tail]] == [canonical(step.decision) for step in played]


@pytest.mark.parametrize("pack", ["jimcloud", "scalibit"])
def test_every_case_of_a_pack_replays_as_it_plays(pack: str) -> None:
    for file in case_files(pack):
        case = read_case(file.read_text(), file, load_pack(pack))
        played = list(Stage(case.scenario).steps())
        again = list(replay_of(case.scenario).steps(recorded(case.scenario, played), case.scenario.until))
        assert [canonical(step.decision) for step in again] == [canonical(step.decision) for step in played], case.place


def complaint(one: Scenario) -> Recorded:
    """The one report on record."""
    return next(each for each in recorded(one, Stage(one).steps()) if isinstance(each.stimulus, Report))


def found(steps: Iterable[Replayed], kind: type) -> list[str]:
    """The instants of effects of a kind."""
    return [f"{step.at:%m-%d %H:%M}" for step in steps for one in step.decision.effects if isinstance(one, kind)]


def test_deadlines_fire_when_the_changed_pack_has_them_due(tmp_path: Path) -> None:
    one = story("jimcloud", f"02-02 10:00 {report('a', 'copyright/copyright', assurance='unverified')}")
    assert found(replayed(one), SetDeadline) == ["02-02 10:00", "02-02 16:00", "02-02 22:00"]
    again = replayed(one, changed(tmp_path, "jimcloud", SOONER))
    assert found(again, SetDeadline) == ["02-02 10:00", "02-02 14:00", "02-02 18:00"]
    passed = [step for step in again if isinstance(step.stimulus, DeadlinePassed)]
    assert [f"{step.at:%m-%d %H:%M}" for step in passed] == ["02-02 14:00", "02-02 18:00", "02-02 22:00"]


def test_an_answer_in_time_can_come_too_late_for_a_shorter_deadline(tmp_path: Path) -> None:
    entries = (f"02-02 10:00 {report('a', 'copyright/copyright')}", "02-02 15:00 reply: {service: s1, complete: true}")
    one = story("jimcloud", *entries)
    assert found(replayed(one), SetDeadline) == ["02-02 10:00"]
    assert found(replayed(one, changed(tmp_path, "jimcloud", SOONER)), SetDeadline) == ["02-02 10:00", "02-02 14:00"]


def test_a_recorded_deadline_that_is_not_due_is_dropped_and_counted(tmp_path: Path) -> None:
    one = story("jimcloud", f"02-02 10:00 {report('a', 'copyright/copyright')}", until="02-02 16:00")
    record = recorded(one, Stage(one).steps())
    fold = replay_of(one, changed(tmp_path, "jimcloud", (SOONER[0], SOONER[1].replace("PT4H", "PT7H"))))
    assert found(fold.steps(record, one.until), SetDeadline) == ["02-02 10:00"]
    assert fold.unfired == 1


def test_the_blast_radius_is_counted_anew(tmp_path: Path) -> None:
    entries = (f"02-02 10:00 {report('a', 'messaging/spam')}", f"02-02 10:30 {report('b', 'connection/ddos', IP3)}")
    one = story("jimcloud", *entries, settings="{blast_radius: 1}", until="02-02 12:00")
    told = [step.decision.effects for step in replayed(one)]
    assert [
        each.mode for effects in told for each in effects if isinstance(each, Take) if each.measure == "suspend"
    ] == [
        "automatic",
        "proposed",
    ]
    assert [each.to for effects in told for each in effects if isinstance(each, Notify) if each.to == "staff"] == [
        "staff"
    ]
    milder = changed(
        tmp_path,
        "jimcloud",
        (
            'abuse_type == "spam"\n    then: [{measure: suspend}]',
            'abuse_type == "spam"\n    then: [{measure: suspend, mode: proposed}]',
        ),
    )
    told = [step.decision.effects for step in replayed(one, milder)]
    assert [
        each.mode for effects in told for each in effects if isinstance(each, Take) if each.measure == "suspend"
    ] == [
        "proposed",
        "automatic",
    ]
    assert not [each for effects in told for each in effects if isinstance(each, Notify) if each.to == "staff"]


def test_facts_that_were_recorded_of_the_surroundings_are_not_believed() -> None:
    """The count, the telling and the addresses of the record are another pack's; they are made anew."""
    one = story("jimcloud", f"02-02 10:00 {report('a', 'messaging/spam')}", until="02-02 12:00")
    stale = {
        "automatic_within_hour": 99,
        "staff_told": True,
        "held_ips": frozenset[str](),
        "struck_ips": frozenset({IP2}),
    }
    record = [
        msgspec.structs.replace(each, facts=msgspec.structs.replace(each.facts, **stale))
        for each in recorded(one, Stage(one).steps())
    ]
    again = list(replay_of(one).steps(record, one.until))
    assert [canonical(step.decision) for step in again] == [canonical(step.decision) for step in Stage(one).steps()]


def test_nothing_is_taken_against_a_service_that_has_ended_meanwhile() -> None:
    one = story("jimcloud", f"02-02 10:00 {report('a', 'messaging/spam')}")
    record = [complaint(one)]
    table = AssignmentTable(one.assignments).tenure
    shut = [step for step in replay_of(one).steps(record, one.until) if "shutdown" in str(step.decision.effects)]
    assert len(shut) == 1
    ended = Around(table, {"s1": parse_instant("2026-02-02T12:00:00Z")})
    gone = list(Replay(one.pack, one.settings, ended).steps(record, one.until))
    assert not [step for step in gone if "shutdown" in str(step.decision.effects)]


PAUSE = Pause(parse_instant("2026-02-02T15:00:00Z"), parse_instant("2026-02-02T20:00:00Z"), "a look")


def test_no_deadline_fires_in_a_pause_and_all_move_by_its_length() -> None:
    one = story("jimcloud", f"02-02 10:00 {report('a', 'copyright/copyright', assurance='unverified')}")
    record = [complaint(one)]
    again = list(replay_of(one, pauses=(PAUSE,)).steps(record, one.until))
    assert again[1].stimulus == Postponed(timedelta(hours=5), "a look")
    assert isinstance(again[2].stimulus, DeadlinePassed)
    assert [f"{step.at:%H:%M}" for step in again[:3]] == ["10:00", "20:00", "21:00"]


def test_the_recorded_end_of_a_pause_does_not_count_twice() -> None:
    one = story("jimcloud", f"02-02 10:00 {report('a', 'copyright/copyright', assurance='unverified')}")
    first = complaint(one)
    over = PAUSE.until or PAUSE.since
    release = Recorded(over, "s1", Postponed(over - PAUSE.since), first.facts)
    by_hand = Recorded(over, "s1", Postponed(timedelta(minutes=30)), first.facts)
    again = list(replay_of(one, pauses=(PAUSE,)).steps([first, release, by_hand], one.until))
    assert next(f"{step.at:%H:%M}" for step in again if isinstance(step.stimulus, DeadlinePassed)) == "21:30"


def test_in_a_pause_that_lasts_nothing_fires() -> None:
    one = story("jimcloud", f"02-02 10:00 {report('a', 'copyright/copyright')}")
    record = [complaint(one)]
    assert len(list(replay_of(one, pauses=(PAUSE._replace(until=None),)).steps(record, one.until))) == 1


def test_what_is_made_anew_are_the_last_of_the_facts() -> None:
    """The record is read up to the first of them."""
    assert Facts.__struct_fields__[-len(MADE_ANEW) :] == MADE_ANEW
