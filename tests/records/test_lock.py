"""The lock that names its holder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from abusedesk.records.lock import Held, Lock, holder, is_held, is_shared


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    first = Lock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(Held, match=f"held by pid {os.getpid()}") as refusal:
        Lock(tmp_path / "lock").acquire()
    assert refusal.value.pid == os.getpid()
    first.release()


def test_a_released_lock_is_free_and_still_says_who_had_it(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    lock.acquire()
    assert is_held(lock.path)
    lock.release()
    assert not is_held(lock.path)
    assert holder(lock.path)[0] == os.getpid()


def test_a_lock_never_taken_is_free(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
    assert holder(tmp_path / "lock") == (None, "unknown")


def test_a_child_that_inherits_the_lock_keeps_it(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    lock.acquire()
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=lock.descriptors, text=True
    )
    lock.release()
    assert is_held(lock.path)
    child.communicate("\n")
    assert not is_held(lock.path)


def test_looking_does_not_take_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    assert not is_held(path)
    Lock(path).acquire()


def test_a_shared_lock_is_held_together_and_not_alone(tmp_path: Path) -> None:
    one, two = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert one.share()
    assert two.share()
    assert is_shared(one.path)
    assert not is_held(one.path)
    one.release()
    two.release()
    assert not is_shared(one.path)


def test_a_lock_held_alone_is_not_shared(tmp_path: Path) -> None:
    alone = Lock(tmp_path / "lock")
    alone.acquire()
    assert not Lock(tmp_path / "lock").share()
    alone.release()
