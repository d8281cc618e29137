"""What the fuzzer calls: every format over one input, with the time it took. Run by `python -m fuzz`, not by hand.

A format that raises, or an input that takes longer than `SLOW`, is kept as a finding and the run goes on: one fault
must not hide the next for an hour.
"""

import hashlib
import json
import sys
import time
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["abusedesk.parsing"], enable_loader_override=False):
    from abusedesk.parsing.material import Material
    from abusedesk.parsing.read import formats, messages, read

    FORMATS = formats()

SLOW = 0.25
"""Seconds of processor time that one input may take, instrumented as it is here."""

KEPT = 20
_OUTCOMES = frozenset({"reported", "not_a_report", "needs_review", "rejected"})


class Watch:
    """Counts the inputs, and keeps the slowest and those that failed under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.inputs = 0
        self.findings: dict[str, int] = {}
        self.slowest: list[float] = []
        for name in ("slow", "failed"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def __call__(self, data: bytes) -> None:
        """Reads one input. Nothing is raised: a fault is written down."""
        name, data = _named(data)
        begin = time.thread_time()
        try:
            _read(data, name)
        except Exception as error:
            self._keep_fault(data, error)
        spent = time.thread_time() - begin
        if spent > min(SLOW, self.slowest[0] if len(self.slowest) == KEPT else 0.02):
            self._keep_slow(data, spent)
        self.inputs += 1
        if self.inputs % 500 == 0:
            self.write()

    def write(self) -> None:
        """Writes the state of the run where the parent process reads it."""
        state = {
            "inputs": self.inputs,
            "seconds": round(time.monotonic() - self.began),
            "slowest_ms": round(max(self.slowest, default=0) * 1000, 1),
            "findings": self.findings,
        }
        target = self.folder / "state.json"
        target.with_suffix(".new").write_text(json.dumps(state))
        target.with_suffix(".new").replace(target)

    def _keep_fault(self, data: bytes, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        if kind not in self.findings:
            (self.folder / "failed" / _digest(data)).write_bytes(data)
            (self.folder / "failed" / f"{_digest(data)}.txt").write_text("".join(traceback.format_exception(error)))
        self.findings[kind] = self.findings.get(kind, 0) + 1

    def _keep_slow(self, data: bytes, spent: float) -> None:
        self.slowest = sorted([*self.slowest, spent])[-KEPT:]
        (self.folder / "slow" / f"{spent * 1000:08.1f}-{_digest(data)}").write_bytes(data)
        for old in sorted((self.folder / "slow").iterdir())[:-KEPT]:
            old.unlink()


def _named(data: bytes) -> tuple[str, bytes]:
    """The first byte chooses the file's name, which formats look at too."""
    names = ("", "2026-03-03-scan_dns-example-asn.csv", "a.json", "a.eml")
    return (names[data[0] % len(names)] if data[:1] < b"\x08" and data else ""), data.removeprefix(
        data[:1] if data[:1] < b"\x08" else b""
    )


def _read(data: bytes, name: str) -> None:
    """The reading by all formats together must hold its promises, and each format by itself must not raise."""
    reading = read(data, name)
    if reading.outcome not in _OUTCOMES or (reading.outcome == "reported") != bool(reading.events):
        raise AssertionError(f"{reading.outcome} with {len(reading.events)} events")
    if reading.outcome != "reported" and not reading.reason:
        raise AssertionError("an outcome without a reason")
    for event in reading.events:
        if not event.source or (event.source_port or 1) > 65535 or event.count < 1:
            raise AssertionError(f"an event that cannot be: {event!r}"[:500])
    if (reading.reason or "").startswith("reading it as"):
        for member, part in messages(data, name):
            material = Material(part, member)
            for one in FORMATS:
                one.read(material)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def main() -> None:
    """Fuzzes until libFuzzer's own limits end it."""
    folder = Path(sys.argv.pop(1))
    atheris.Setup(sys.argv, Watch(folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
