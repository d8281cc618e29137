"""The command actuator: a program of the provider's own, started with the order in its arguments and on its input.

What it is given and what it has to answer is in docs/how-to/command-actuator.md. There is no shell anywhere.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from abusedesk.actuators.actuator import Action, Order, Outcome
from abusedesk.actuators.answer import read_answer
from abusedesk.actuators.fence import in_turn
from abusedesk.actuators.program import Said, Silent, known_only, run, seconds_of, words_of
from abusedesk.problem import Problem

OPTIONS = frozenset({"command", "timeout", "can_be_asked"})
PLACES = ("action", "brand", "service", "kind", "ip", "port", "key", "fence")
AGAIN_LATER = 75
"""EX_TEMPFAIL of sysexits.h: the order may come again. Any other code but 0 is a plain no."""


class Command:
    """Options: `command`, a list of words where `{service}` and its like are filled in; `timeout`; `can_be_asked`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "command")
        self._words = words_of(options, "command", (), "command")
        if not self._words:
            raise Problem("command: command is missing; give the program and its arguments as a list of words")
        for word in self._words:
            _fill(word, dict.fromkeys(PLACES, ""))
        self._timeout = seconds_of(options, "command")
        self._can_be_asked = bool(options.get("can_be_asked", True))

    @property
    def can_be_asked(self) -> bool:
        """False when the program does not answer `query`."""
        return self._can_be_asked

    def apply(self, order: Order) -> Outcome:
        """Have the measure brought into force."""
        return in_turn("command", order, lambda: self._call("apply", order))

    def query(self, order: Order) -> Outcome:
        """Have it looked up."""
        return self._call("query", order)

    def lift(self, order: Order) -> Outcome:
        """Have it ended."""
        return in_turn("command", order, lambda: self._call("lift", order))

    def _call(self, action: Action, order: Order) -> Outcome:
        places = {name: str(value or "") for name, value in asdict(order).items() if name in PLACES} | {
            "action": action
        }
        words = [_fill(word, places) for word in self._words]
        posing = next((one for one, word in zip(words, self._words, strict=True) if _poses(one, word)), None)
        if posing is not None:
            return Outcome(
                "refused", error=f"{posing!r} would be taken for an option of the program; nothing was started"
            )
        given = json.dumps({"version": 1, "action": action, **asdict(order)}, separators=(",", ":")).encode()
        try:
            said = run(words, given, self._timeout)
        except Silent as error:
            return Outcome("unreachable", error=str(error))
        return _outcome(said)


def _outcome(said: Said) -> Outcome:
    receipt = {"code": said.code}
    if said.code == 0:
        return read_answer(said.output, receipt)
    words = f"the program ended with code {said.code}: {said.error or 'it did not say why'}"
    return Outcome("unreachable" if said.code == AGAIN_LATER or said.code < 0 else "refused", receipt, words)


def _fill(word: str, places: Mapping[str, str]) -> str:
    """A word with its places filled in. Raises Problem for a place that there is not."""
    try:
        return word.format_map(places)
    except (KeyError, IndexError, ValueError, AttributeError):
        names = ", ".join(f"{{{one}}}" for one in PLACES)
        raise Problem(f"command: {word!r} has a place that there is not; there are {names}") from None


def _poses(filled: str, word: str) -> bool:
    """Whether what was filled in would make an option of a word that is none."""
    return filled.startswith("-") and not word.startswith("-")
