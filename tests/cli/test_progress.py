"""The progress bar: a bar where it can be redrawn, plain lines where it cannot."""

import io

import pytest

from abusedesk.cli import progress
from abusedesk.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_REDRAW_S", 0.0)


def test_a_terminal_gets_a_bar_that_is_redrawn_in_place() -> None:
    stream = Terminal()
    with Progress(stream) as shown:
        shown.begin("mails", 4)
        shown.advance(2)
    assert f"\r\x1b[Kmails: [{'#' * 12}{'.' * 12}]  50% 2 of 4" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_file_gets_one_plain_line_for_each_short_piece_of_work() -> None:
    stream = io.StringIO()
    with Progress(stream) as shown:
        assert list(shown.over(range(3), "rows", 3)) == [0, 1, 2]
    assert "\r" not in stream.getvalue()
    assert stream.getvalue().startswith("rows: 3 in ")
    assert stream.getvalue().count("\n") == 1


def test_long_work_says_now_and_then_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_S", 0.0)
    stream = io.StringIO()
    with Progress(stream) as shown:
        shown.begin("rows", 2000)
        shown.advance(1000)
    assert " 50% 1,000 of 2,000" in stream.getvalue()


def test_work_of_unknown_length_is_counted() -> None:
    stream = Terminal()
    with Progress(stream) as shown:
        shown.begin("files")
        shown.advance(7)
    assert "files: 7 (" in stream.getvalue()


def test_a_note_stands_on_a_line_of_its_own() -> None:
    stream = Terminal()
    shown = Progress(stream)
    shown.begin("files", 2)
    shown.note("a.eml: cannot be read")
    assert "\r\x1b[Ka.eml: cannot be read\n" in stream.getvalue()


def test_an_error_leaves_the_cursor_on_a_fresh_line() -> None:
    stream = Terminal()
    shown = Progress(stream)
    shown.begin("files", 2)
    with pytest.raises(ValueError, match="stop"), shown:
        raise ValueError("stop")
    assert stream.getvalue().endswith("\n")
    assert "files: 0 in" not in stream.getvalue()
