"""YAML that somebody hands in is read as hostile: a few bytes must not cost minutes, nor end the process."""

import time

import pytest

from abusedesk.policy.source import read_yaml
from abusedesk.problem import Problem


def _doubled(levels: int) -> str:
    """A document of a few hundred bytes that is ten to the power of `levels` with its aliases written out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{one}: &a{one} [{', '.join([f'*a{one - 1}'] * 10)}]" for one in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_doubled(12), "its aliases"),
        ("a: " + "[" * 300_000, "nested too deeply"),
        ("a: " + "{a: " * 100_000, "nested too deeply"),
        ("- " * 300_000, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
    ],
    ids=["aliases", "brackets", "braces", "dashes", "itself"],
)
def test_a_hostile_document_is_refused_at_once(text: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(Problem, match=said):
        read_yaml(text, "pack.yaml")
    assert time.process_time() - began < 5


def test_an_alias_is_read_as_what_it_names() -> None:
    root = read_yaml("a: &one [1, 2]\nb: *one", "pack.yaml")
    assert [item.value for item in root.value["b"].value] == [1, 2]
