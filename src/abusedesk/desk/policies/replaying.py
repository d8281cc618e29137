"""One of the two processes that replay a brand's past: `python -m abusedesk.desk.policies.replaying JOB`.

It reads the record by itself, folds it under one pack, and writes the consequences to files, by service spread over a
fixed number of them, so that two replays can be compared a share of the services at a time. On standard output it says
how many stimuli it has heard. When the other replay is through as well, each compares half of the shares. It needs no
Django, and writes nothing to the database.
"""

import gc
import os
import pickle
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, get_args
from zlib import crc32

import msgspec
from msgspec.structs import replace

from abusedesk import lifeline
from abusedesk.policy.author.consequences import Consequence, Kind, consequences
from abusedesk.policy.author.whatif import Compared, Comparison, Row
from abusedesk.policy.decision import AnyEffect
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Pack
from abusedesk.policy.replay import Replay, Replayed
from abusedesk.policy.stimulus import AnyStimulus, Postponed
from abusedesk.records.past import Access, Record, reading

SHARES = 64
"""Into so many files the services are spread; a comparison holds two of them in memory."""

_FLUSH = 1 << 16
_LOOK_S = 0.02
_OUTCOME, _COMPARED = "outcome", "compared"
_TAGS: dict[type, str] = {one: str(one.__struct_config__.tag) for one in get_args(AnyStimulus)}
_encode = msgspec.msgpack.Encoder().encode
_effects = msgspec.json.Encoder(order="deterministic").encode
_NO_EFFECTS = _effects(())
_stored_reach = msgspec.msgpack.Decoder(tuple[datetime, bytes])
_stored_effects = msgspec.json.Decoder(tuple[AnyEffect, ...])


class Job(NamedTuple):
    """What a process is to replay: the record of a brand since an instant, under a pack and settings.

    `present` is the brand's own pack, which gave the dockets as they stood at `since`. With `is_present`, that is the
    pack of the replay, and the decisions are held against what was recorded. Which decisions there are is told in the
    file `reach` (`leave_reach`), which may come later than the job. Of what differs from the replay in the folder
    `other`, the `most` heaviest are given in full.
    """

    access: Access
    snapshot: str
    brand: int
    since: datetime | None
    reach: Path
    present: Pack
    pack: Pack
    settings: Settings
    is_present: bool
    most: int | None
    folder: Path
    other: Path
    parent: int


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """The consequences of one decision about a service."""

    service: str | None
    consequences: list[Consequence]


class Outcome(msgspec.Struct, frozen=True):
    """What a replay amounts to: rows with their counts and amounts, and how many decisions are not as recorded."""

    totals: list[tuple[Row, int, int]]
    unlike_record: int


def prepare(job: Job) -> Path:
    """Writes a job down; what is returned is what the process is started with."""
    data = BytesIO()
    _Pickler(data, protocol=5).dump(job)
    job.folder.mkdir()
    path = job.folder / "job"
    path.write_bytes(data.getvalue())
    return path


class _Pickler(pickle.Pickler):
    """A pack goes without what it remembers."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Pack):
            return Pack, (value.content, value.safeguards, value.digest)
        return NotImplemented


def leave_reach(path: Path, ids: "array[int]", until: datetime) -> None:
    """Tells the decisions of a record by their ids, in the order in which they are to be heard, and how far it goes."""
    _leave(path, _encode((until, ids.tobytes())))


def _reach(path: Path) -> tuple["array[int]", datetime]:
    _await(path)
    until, ids = _stored_reach.decode(path.read_bytes())
    return array("q", ids), until


def outcome(folder: Path) -> Outcome:
    """What a finished process found."""
    return msgspec.json.decode((folder / _OUTCOME).read_bytes(), type=Outcome)


def compared(folder: Path) -> Compared:
    """What a finished process found in its half of the comparison."""
    return msgspec.msgpack.decode((folder / _COMPARED).read_bytes(), type=Compared)


class _Shares:
    """The files of a replay's consequences."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / str(number) for number in range(SHARES)]
        self._buffers = [bytearray() for _ in range(SHARES)]

    def write(self, service: str | None, found: list[Consequence]) -> None:
        """Adds an entry."""
        entry = _encode((service, found))
        number = crc32((service or "").encode()) % SHARES
        buffer = self._buffers[number]
        buffer += len(entry).to_bytes(4, "big")
        buffer += entry
        if len(buffer) > _FLUSH:
            self._flush(number)

    def close(self) -> None:
        """Writes what is left; every file is there, if empty."""
        for number in range(SHARES):
            self._flush(number)

    def _flush(self, number: int) -> None:
        with self._paths[number].open("ab") as file:
            file.write(self._buffers[number])
        self._buffers[number].clear()


class _Tally:
    """Counts consequences by row, and decisions that are not what was recorded."""

    def __init__(self) -> None:
        self.totals: dict[tuple[Kind, str, str, str], list[int]] = {}
        self.unlike = 0

    def count(self, found: list[Consequence]) -> None:
        """Adds consequences to their rows."""
        for one in found:
            row = (one.kind, one.what, one.mode, one.currency)
            total = self.totals.get(row)
            if total is None:
                total = self.totals[row] = [0, 0]
            total[0] += 1
            total[1] += one.amount

    def compare(self, step: Replayed) -> None:
        """Notes a decision that is not as recorded. Where ids alone differ, it is."""
        made = step.decision.effects
        if step.recorded is None:
            self.unlike += not isinstance(step.stimulus, Postponed)
        elif step.recorded.effects != (_effects(made) if made else _NO_EFFECTS):
            self.unlike += _plain(_stored_effects.decode(step.recorded.effects)) != _plain(made)


def _plain(effects: tuple[AnyEffect, ...]) -> list[AnyEffect]:
    """Effects without the ids of their docket, which one other decision shifts for good."""
    return [replace(one, occurrence=None, item_id=None) for one in effects]


def replay(job: Job) -> Outcome:
    """Replays the record, writing consequences and progress as it goes."""
    with reading(job.access, job.snapshot) as connection:
        record = Record(connection, job.brand, job.since)
        around = record.around()
        ids, until = _reach(job.reach)
        start = record.start(ids[0], job.present, job.settings) if job.since is not None else None
        fold = Replay(job.pack, job.settings, around, start)
        tally, shares = _Tally(), _Shares(job.folder)
        stimuli = record.stimuli(ids, with_effects=job.is_present, heard=_tell)
        is_present = job.is_present
        for step in fold.steps(stimuli, until):
            if is_present:
                tally.compare(step)
            if step.decision.effects:
                found = consequences(step.at, _TAGS[type(step.stimulus)], step.before, step.decision)
                tally.count(found)
                shares.write(step.service, found)
        shares.close()
        totals = [(Row(*row), count, amount) for row, (count, amount) in tally.totals.items()]
        unlike = tally.unlike + fold.unfired
        return Outcome(totals, unlike)


def _tell(heard: int) -> None:
    print(heard, flush=True)  # noqa: T201 - the parent reads it


# --- the comparison -------------------------------------------------------------------------------------------------


def compare(job: Job) -> Compared:
    """Compares half of the shares, which half being a matter of the side, once the other replay is through."""
    _await(job.other / _OUTCOME)
    before, after = (job.folder, job.other) if job.is_present else (job.other, job.folder)
    comparison = Comparison(job.most)
    for number in range(int(job.is_present), SHARES, 2):
        was, would_be = _share(before, number), _share(after, number)
        for service in dict.fromkeys([*was, *would_be]):
            one, other = _unequal(was.get(service, []), would_be.get(service, []))
            if one or other:
                comparison.compare(service, _decoded(one), _decoded(other))
    return comparison.found()


def _share(folder: Path, number: int) -> dict[str | None, list[bytes]]:
    """The entries of one share of the services, as they were written, by service and in order of time."""
    found: dict[str | None, list[bytes]] = {}
    for entry in _entries((folder / str(number)).read_bytes()):
        found.setdefault(_service_of(entry), []).append(entry)
    return found


def _entries(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : end]
        at = end


def _unequal(before: list[bytes], after: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The entries that only one side has. What is the same in both to the last byte need not even be read."""
    if before == after:
        return [], []
    left = Counter(before)
    only_after = []
    for entry in after:
        if left[entry] > 0:
            left[entry] -= 1
        else:
            only_after.append(entry)
    return list(left.elements()), only_after


_entry = msgspec.msgpack.Decoder(Entry)
_service_of_entry = msgspec.msgpack.Decoder(tuple[str | None, msgspec.Raw])


def _service_of(entry: bytes) -> str | None:
    return _service_of_entry.decode(entry)[0]


def _decoded(entries: list[bytes]) -> list[Consequence]:
    return [one for entry in entries for one in _entry.decode(entry).consequences]


def main(path: Path) -> None:
    """Does the job that lies in a file and leaves the outcome beside it."""
    job: Job = pickle.loads(path.read_bytes())  # noqa: S301 - our own process wrote it, in a folder of its own
    lifeline.end_with_parent(job.parent)
    # Dockets are trees without cycles: looking for cycles among millions of their parts would take most of the time.
    gc.disable()
    _leave(job.folder / _OUTCOME, msgspec.json.encode(replay(job)))
    _leave(job.folder / _COMPARED, _encode(compare(job)))
    # Nothing is left to do but to give the memory back, piece by piece; the system is quicker.
    os._exit(0)


def _await(path: Path) -> None:
    while not path.exists():
        time.sleep(_LOOK_S)


def _leave(path: Path, data: bytes) -> None:
    """Writes a file that is there whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.rename(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
