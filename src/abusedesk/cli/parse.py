"""`abusedesk parse [--json] PATH…`: reads files as reports and prints what they say, one object a file.

Needs no database and no Django. Exit codes: 0 all files were read, 1 some could not be, 2 wrong usage.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from abusedesk.vocabulary.report import Event, Notice, Reading

SIZE_LIMIT = 256 * 1024 * 1024
"""Bytes of one file; a larger one is an archive to take apart, not a report."""


def run(arguments: list[str]) -> int:
    """Reads the files and prints one line, or one paragraph, for each."""
    parser = argparse.ArgumentParser(prog="abusedesk parse", description="Read files as reports and say what they say.")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="mail, mbox, zip, CSV, JSON; folders too")
    parser.add_argument("--json", action="store_true", help="one JSON object a file")
    options = parser.parse_args(arguments)
    try:
        return _print_all(options.paths, as_line if options.json else as_words)
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def fields(name: str, reading: Reading) -> dict[str, Any]:
    """A reading in the form that scripts rely on."""
    return {
        "file": name,
        "outcome": reading.outcome,
        "format": reading.format,
        "reason": reading.reason,
        "reporter": reading.reporter,
        "events": [_event(event) for event in reading.events],
    }


def as_line(name: str, reading: Reading) -> str:
    """A reading as one line of JSON."""
    return json.dumps(fields(name, reading), ensure_ascii=True)


def as_words(name: str, reading: Reading) -> str:
    """A reading for a person: the outcome, then an event a line."""
    reporter = f" from {reading.reporter}" if reading.reporter else ""
    reason = f": {reading.reason}" if reading.reason else ""
    lines = [f"{name}: {reading.outcome} ({reading.format}){reporter}{reason}"]
    lines += [f"  {_words(event)}" for event in reading.events]
    lines += [f"  lacks {', '.join(one.missing)} of {one.law}" for one in _notices(reading) if one.missing]
    lines += [f"  perhaps {_words(event)}" for event in reading.found]
    return "\n".join(lines).encode("utf-8", "replace").decode()


def _notices(reading: Reading) -> list[Notice]:
    return [report.notice for report in reading.reports if report.notice is not None]


def _print_all(paths: list[Path], shown: Any) -> int:
    from abusedesk.parsing.read import read

    failed = 0
    for path in _files(paths):
        try:
            data = _bytes(path)
        except OSError as error:
            print(f"abusedesk parse: {path}: {error.strerror or error}", file=sys.stderr)
            failed = 1
            continue
        sys.stdout.write(shown(str(path), read(data, path.name)) + "\n")
    return failed


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.is_file())
        else:
            yield path


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > SIZE_LIMIT:
        raise OSError(f"is larger than {SIZE_LIMIT // 1024 // 1024} MB; split it first")
    return path.read_bytes()


def _event(event: Event) -> dict[str, Any]:
    return {
        "category": event.category,
        "source": event.source,
        "source_port": event.source_port,
        "url": event.url,
        "occurred_at": _clock(event.occurred_at),
        "count": event.count,
    }


def _words(event: Event) -> str:
    port = f" port {event.source_port}" if event.source_port else ""
    url = f" {event.url}" if event.url else ""
    times = f" ({event.count} times)" if event.count > 1 else ""
    return f"{_clock(event.occurred_at) or 'no time':<20}  {event.category}  {event.source}{port}{url}{times}"


def _clock(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
