"""The answer of a provider's own receiver or program: a JSON object with a state, and whatever else is to be kept."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from abusedesk.actuators.actuator import Outcome, State

_SAYS: frozenset[str] = frozenset(get_args(State)) - {"unreachable"}


def read_answer(answer: bytes, receipt: Mapping[str, Any]) -> Outcome:
    """What an answer says of the measure; one that cannot be understood is none."""
    try:
        told = json.loads(answer)
        state = told["state"]
    except (ValueError, KeyError, TypeError):
        return Outcome("unreachable", dict(receipt), "the receiver's answer is no JSON object with a state")
    if state not in _SAYS:
        return Outcome("unreachable", dict(receipt), f"the receiver's answer has an unknown state: {state!r:.60}")
    return Outcome(state, {**receipt, **told}, str(told.get("error", "")))
