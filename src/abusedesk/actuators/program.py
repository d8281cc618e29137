"""Starts the programs of outside systems: an argument list, never a shell, and an end to waiting."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from abusedesk.problem import Problem

LONGEST_WORDS = 2000


class Said(NamedTuple):
    """How a program ended: its code, what it wrote, and the end of what it complained of."""

    code: int
    output: bytes
    error: str


class Silent(Exception):  # noqa: N818 - the outside gave no answer, which is no fault of ours
    """The program could not be started, or did not end in time. The text says which."""


def run(
    words: Sequence[str], given: bytes = b"", timeout: float = 10, environment: Mapping[str, str] | None = None
) -> Said:
    """Runs a program to its end, with something added to our own environment.

    Raises Silent where it cannot be started or takes longer than `timeout` seconds.
    """
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        raise Silent(f"{words[0]} cannot be started ({error.strerror or error})") from None
    with process:
        try:
            output, complaint = process.communicate(given, timeout)
        except subprocess.TimeoutExpired:
            # What it started in turn, as ssh starts a proxy, goes with it.
            os.killpg(process.pid, signal.SIGKILL)
            raise Silent(f"{words[0]} did not end within {timeout:g} seconds") from None
    return Said(process.returncode, output, complaint.decode(errors="replace").strip()[-LONGEST_WORDS:])


def words_of(options: Mapping[str, Any], name: str, default: Sequence[str], actuator: str) -> tuple[str, ...]:
    """An option that is a list of words. Raises Problem where it is something else."""
    value = options.get(name, default)
    if isinstance(value, str) or not all(isinstance(one, str) and one and "\0" not in one for one in value):
        raise Problem(f'{actuator}: {name} must be a list of words, as in ["ssh", "root@router.example.net"]')
    return tuple(value)


def seconds_of(options: Mapping[str, Any], actuator: str) -> float:
    """The option `timeout`, seconds for one call. Raises Problem where it is none from 1 to 60."""
    value = options.get("timeout", 10)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 60:
        raise Problem(f"{actuator}: timeout {value!r} is no number of seconds from 1 to 60")
    return float(value)


def known_only(options: Mapping[str, Any], known: frozenset[str], actuator: str) -> None:
    """Raises Problem for an option that the actuator does not have."""
    unknown = sorted(set(options) - known)
    if unknown:
        raise Problem(f"{actuator}: no option {unknown[0]!r}; there are {', '.join(sorted(known))}")
