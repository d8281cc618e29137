"""The reference of the pack format names all that there is."""

from pathlib import Path

import pytest

from abusedesk.policy.known_facts import DURATIONS, FACTS
from abusedesk.policy.notice import PLACEHOLDERS
from abusedesk.policy.pack_orders import _READERS
from abusedesk.policy.rule import Moment

PAGE = (Path(__file__).parents[2] / "docs/reference/pack-format.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_explained(name: str) -> None:
    fact = FACTS[name]
    moments = ", ".join(f"`{one}`" for one in fact.moments) or "all"
    assert f"| `{name}` | {fact.type} | {moments} | {fact.meaning} |" in PAGE


@pytest.mark.parametrize("name", [*Moment.__args__, *DURATIONS])
def test_every_moment_and_duration_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("verb", _READERS)
def test_every_order_is_explained_with_its_keys(verb: str) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{verb}: "))
    required, optional, _ = _READERS[verb]
    shared = {"within"} if verb == "shorten" else set()
    shared |= {"calendar"} if verb == "shorten" else set()
    shared |= {"mode"} if verb == "top_up" else set()
    assert [key for key in (*required, *optional) if f"`{key}" not in line and key not in shared] == []


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_every_placeholder_is_explained(name: str) -> None:
    assert f"`{{{name}}}`" in PAGE
