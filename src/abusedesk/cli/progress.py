"""How far a long piece of work has come: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TextIO, TypeVar

T = TypeVar("T")

_WIDTH = 24
_REDRAW_S = 0.1
_LINE_S = 10.0


class Progress:
    """One piece of work at a time; `with Progress() as progress: progress.begin("mails", 1000); progress.advance()`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bar = self._stream.isatty()
        self._label, self._total, self._done = "", 0, 0
        self._began = self._shown = 0.0

    def begin(self, label: str, total: int | None = None) -> None:
        """Start a piece of work of `total` steps (None: unknown); ends the one before."""
        self.end()
        self._label, self._total, self._done = label, total or 0, 0
        self._began = time.monotonic()
        self._shown = self._began if not self._bar else 0.0
        self._show_when_due()

    def advance(self, steps: int = 1) -> None:
        """So many more steps are done."""
        self._done += steps
        self._show_when_due()

    def end(self) -> None:
        """The work in hand is done: one closing line stays."""
        if self._label:
            self._write(f"{self._label}: {self._done:,} in {time.monotonic() - self._began:.1f} s", last=True)
        self._label = ""

    def over(self, items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        """The items, one by one, each counted as a step once it has been worked on."""
        self.begin(label, total)
        for item in items:
            yield item
            self.advance()
        self.end()

    def note(self, text: str) -> None:
        """One line of its own, which does not disturb the bar."""
        self._write(text, last=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.end()
        elif self._bar and self._label:
            self._stream.write("\n")

    def _show_when_due(self) -> None:
        now = time.monotonic()
        if now - self._shown >= (_REDRAW_S if self._bar else _LINE_S):
            self._shown = now
            self._write(self._line(now), last=not self._bar)

    def _line(self, now: float) -> str:
        rate = self._done / (now - self._began) if now > self._began else 0.0
        if not self._total:
            return f"{self._label}: {self._done:,} ({rate:,.0f}/s)"
        share = min(self._done / self._total, 1.0)
        filled = int(share * _WIDTH)
        bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] " if self._bar else ""
        return f"{self._label}: {bar}{share:4.0%} {self._done:,} of {self._total:,} ({rate:,.0f}/s)"

    def _write(self, text: str, *, last: bool) -> None:
        clear, end = ("\r\x1b[K", "\n" if last else "") if self._bar else ("", "\n")
        self._stream.write(f"{clear}{text}{end}")
        self._stream.flush()
