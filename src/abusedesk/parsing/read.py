"""Reads a message as what it is: container, mail, machine format, prose or noise. Pure, and never raises."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

import msgspec

from abusedesk.parsing import archives
from abusedesk.parsing.material import Format, Material, unreported
from abusedesk.vocabulary.report import Reading

GROUP = "abusedesk.parsers"
"""The entry point group of report formats; each names a `Format`."""

_ORDER = ("reported", "needs_review", "rejected", "not_a_report")


def read(data: bytes, name: str = "") -> Reading:
    """What `data` says: reports with their events, or why it holds none.

    `name` is the file's name, where there is one: feeds say their type in it. A container is read as a whole.
    """
    readings = [_read_one(part, member) for member, part in messages(data, name)]
    if not readings:
        return unreported("needs_review", "container", "the archive is empty, damaged, encrypted or too large to open")
    return readings[0] if len(readings) == 1 else merged(readings)


def messages(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The single messages of a mailbox, zip or gzip file, one at a time; anything else is one message itself."""
    if archives.is_archive(data):
        for member, content in archives.members(data, name):
            yield from _unboxed(content, member)
    else:
        yield from _unboxed(data, name)


@cache
def formats() -> tuple[Format, ...]:
    """The report formats that are installed, in the order they are asked."""
    found = [entry.load() for entry in entry_points(group=GROUP)]
    return tuple(sorted((one for one in found if isinstance(one, Format)), key=lambda one: (one.priority, one.name)))


def merged(readings: list[Reading]) -> Reading:
    """Several readings as one: all reports, the outcome that asks most of a person."""
    first = min(readings, key=lambda reading: _ORDER.index(reading.outcome))
    reports = tuple(report for reading in readings for report in reading.reports)
    found = tuple(event for reading in readings for event in reading.found)
    return msgspec.structs.replace(first, reports=reports, found=found)


def _unboxed(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if archives.is_mbox(data):
        yield from ((f"{name}#{number}", one) for number, one in enumerate(archives.mails(data), start=1))
    else:
        yield name, data


def _read_one(data: bytes, name: str) -> Reading:
    if not data.strip():
        return unreported("not_a_report", "empty", "the message is empty")
    material = Material(data, name.replace("\\", "/").rpartition("/")[2])
    failed: Reading | None = None
    for one in formats():
        reading, is_failure = _asked(one, material)
        if is_failure:
            failed = failed or reading
        elif reading is not None:
            return failed if failed and reading.outcome == "not_a_report" else reading
    return failed or unreported("needs_review", "unknown", "no report format knows this", material.sender)


def _asked(one: Format, material: Material) -> tuple[Reading | None, bool]:
    """What a format says, and whether it failed: that costs a person's look where no other format can read it."""
    try:
        return one.read(material), False
    except Exception as error:
        return unreported("needs_review", one.name, f"reading it as {one.name} failed: {type(error).__name__}"), True
