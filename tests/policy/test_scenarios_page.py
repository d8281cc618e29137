"""The reference of scenarios names all that there is, and its example is true."""

from pathlib import Path
from typing import get_args

import pytest

from abusedesk.policy.author.cases import _BY_KIND, run_text
from abusedesk.policy.decision import AnyEffect, Effect
from abusedesk.policy.effect_fields import kind_of
from abusedesk.policy.pack import load_pack
from abusedesk.policy.scenario import _ENTRIES

PAGE = (Path(__file__).parents[2] / "docs/reference/scenarios.md").read_text(encoding="utf-8")
SHARED = {"at", "effect", "clause", *Effect.__struct_fields__}


def line_of(word: str, heading: str) -> str:
    part = PAGE.partition(f"\n## {heading}\n")[2]
    return next(line for line in part.splitlines() if line.startswith(f"| `{word}` |"))


@pytest.mark.parametrize("entry", _ENTRIES)
def test_every_entry_is_explained_with_its_fields(entry: str) -> None:
    required, optional, _ = _ENTRIES[entry]
    line = line_of(entry, "Timeline entries")
    assert [name for name in (*required, *optional) if f"`{name}" not in line] == []


@pytest.mark.parametrize("kind", [kind_of(one) for one in get_args(AnyEffect)])
def test_every_effect_is_explained_with_its_fields(kind: str) -> None:
    line = line_of(kind, "Effects")
    assert [name for name in _BY_KIND[kind] - SHARED if f"`{name}`" not in line] == []


def test_the_example_passes() -> None:
    text = PAGE.partition("```yaml\n")[2].partition("```")[0]
    result = run_text(text, Path("example.yaml"), load_pack("jimcloud"))
    assert (result.fault, result.missing, result.unexpected) == (None, (), ())
