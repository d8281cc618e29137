"""The past heard again: the same under the same pack, and by the new pack's own deadlines under another."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.decision import Take
from abusedesk.policy.digest import canonical
from abusedesk.policy.facts import Facts, Settings
from abusedesk.policy.pack import PACKS, Pack, load_pack
from abusedesk.policy.replay import Around, Pause, Recorded, Replay, Replayed, Start
from abusedesk.policy.scenario import Scenario
from abusedesk.policy.simulate import Stage, Step
from abusedesk.policy.stimulus import DeadlinePassed, Postponed, Stimulus
from abusedesk.vocabulary.holding import AssignmentTable
from tests.policy.story import IP, IP2, IP3, report, story
from tests.policy.test_properties import packs, quick, scenario, timelines


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
