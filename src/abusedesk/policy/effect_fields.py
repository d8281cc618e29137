"""An effect as a line of the conformance format: every field that applies, and how a line is said in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from abusedesk.policy.decision import AnyEffect

_INTERNAL = frozenset({"counts"})
_SELF_EVIDENT = frozenset(
    {"measure", "item", "abuse_type", "flag", "mode", "amount", "currency", "answer", "reason", "name", "kind"}
)
"""The fields whose value says by itself what it is."""


def fields(at: datetime, effect: AnyEffect) -> dict[str, Any]:
    """An effect as the conformance format has it: every field that applies, times as RFC 3339."""
    line: dict[str, Any] = {"at": _clock(at), "effect": kind_of(type(effect))}
    for name in effect.__struct_fields__:
        value = getattr(effect, name)
        if value is not None and name not in _INTERNAL and not (name == "upstream" and value is False):
            line[name] = _clock(value) if isinstance(value, datetime) else value
    return line


def kind_of(effect: type[AnyEffect]) -> str:
    """The word by which a line names a kind of effect: `measure`, `charge`, `notify` …"""
    return str(effect.__struct_config__.tag)


def in_words(line: Mapping[str, Any]) -> str:
    """The fields of a line, one after the other, as a person says them."""
    return ", ".join(field_in_words(name, value) for name, value in line.items())


def field_in_words(name: str, value: Any) -> str:
    """One field as a person says it: `no refund`, `via ticket+email`, `suspend`."""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, tuple | list):
        return f"{name} {'+'.join(map(str, value))}"
    return str(value) if name in _SELF_EVIDENT else f"{name} {value}"


def _clock(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
