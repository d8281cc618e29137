"""What actuators share: a library that is missing is named, and a secret's file that cannot be read is too."""

from pathlib import Path

import pytest

from abusedesk.actuators.calls import library, must_have, secret_in
from abusedesk.problem import Problem


def test_a_library_that_is_not_installed_is_named_with_its_extra() -> None:
    words = r"this needs no_such_library, which is not installed; install abusedesk\[cloud\]"
    with pytest.raises(Problem, match=words):
        must_have("no_such_library", "cloud")
    with pytest.raises(Problem, match=words):
        library("no_such_library", "cloud")


def test_a_library_that_is_there_is_given() -> None:
    must_have("json", "cloud")
    assert library("json", "cloud").loads("1") == 1


def test_a_secret_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Problem, match=r"panel: secret_file .*secret cannot be read \(no UTF-8\)"):
        secret_in(str(tmp_path / "secret"), "panel", "secret_file")


def test_a_secret_is_given_without_the_end_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n")
    assert secret_in(str(tmp_path / "secret"), "panel", "secret_file") == "open sesame"
