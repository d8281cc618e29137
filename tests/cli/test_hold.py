"""`abusedesk hold`: the stop button by command."""

from typing import Any

import pytest

from abusedesk.cli import hold
from abusedesk.problem import Problem
from abusedesk.records.models import Brand
from tests.web import rows


@pytest.fixture(autouse=True)
def brands(transactional_db: Any, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("ABUSEDESK_DATABASE_URL", database_url)
    rows.brand("one", "One")
    rows.brand("two", "Two")


def held() -> list[str]:
    return sorted(Brand.objects.exclude(held_since=None).values_list("slug", flat=True))


def test_it_stops_and_releases(capsys: pytest.CaptureFixture[str]) -> None:
    assert hold.run(["one", "--reason", "a restore", "--by", "ann"]) == 0
    brand = Brand.objects.get(slug="one")
    assert (held(), brand.held_by, brand.held_reason) == (["one"], "ann", "a restore")
    assert hold.run(["one", "--release"]) == 0
    assert held() == []
    assert capsys.readouterr().out == ("one is held\none goes on: 0 deadlines fire, 0 measures and 0 notices go out\n")


def test_all_at_once_and_twice_is_once(capsys: pytest.CaptureFixture[str]) -> None:
    hold.run(["--all", "--reason", "a look"])
    hold.run(["two", "--reason", "another"])
    assert held() == ["one", "two"]
    assert capsys.readouterr().out.endswith("two is held already: a look\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name the brands, or give --all"),
        (["one", "--all", "--reason", "x"], "name the brands, or give --all"),
        (["one"], "say why"),
        (["three", "--reason", "x"], "there is no brand 'three'; there are: one, two"),
    ],
)
def test_a_mistake_is_said_and_stops_nothing(arguments: list[str], says: str) -> None:
    with pytest.raises(Problem, match=says):
        hold.run(arguments)
    assert held() == []
