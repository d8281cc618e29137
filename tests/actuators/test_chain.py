"""A brand's actuators for a kind of measure: the first, and its fallbacks in their order."""

from datetime import timedelta
from typing import Any

import pytest

from abusedesk.actuators.chain import WITHIN, chain_of, names_of
from abusedesk.problem import Problem

PANEL = {"actuator": "webhook", "url": "u", "within": "PT30S"}


@pytest.mark.parametrize(
    ("choice", "kind", "name", "options"),
    [
        ({}, "suspend", "console", {}),
        ({"suspend": {"actuator": "webhook", "url": "u"}}, "suspend", "webhook", {"url": "u"}),
        ({"suspend": {"actuator": "webhook"}}, "null_route", "console", {}),
        ({"default": {"actuator": "webhook"}}, "null_route", "webhook", {}),
    ],
)
def test_a_brand_chooses_by_kind(choice: dict[str, Any], kind: str, name: str, options: object) -> None:
    (link,) = chain_of(choice, kind)
    assert (link.actuator, link.options, link.within, link.stands_in) == (name, options, WITHIN, None)


def test_a_list_is_a_chain_in_its_order() -> None:
    first, then = chain_of({"suspend": [PANEL, {"actuator": "gobgp", "as": "null_route"}]}, "suspend")
    assert (first.actuator, first.within, first.options) == ("webhook", timedelta(seconds=30), {"url": "u"})
    assert (then.actuator, then.stands_in, then.options) == ("gobgp", "null_route", {})


def test_an_entry_is_known_again_in_another_order_and_with_other_patience() -> None:
    before = chain_of({"suspend": [PANEL, {"actuator": "console"}]}, "suspend")
    after = chain_of({"suspend": [{"actuator": "console"}, {**PANEL, "within": "PT5M"}]}, "suspend")
    assert [one.mark for one in before] == [one.mark for one in reversed(after)]


@pytest.mark.parametrize(
    ("entry", "kind", "says"),
    [
        ([PANEL, PANEL], "suspend", "webhook stands in the list twice"),
        ([], "suspend", "names no actuator"),
        (["console"], "suspend", "a mapping such as"),
        ({"within": "soon"}, "suspend", "'soon' is no duration"),
        ({"within": "PT2H"}, "suspend", "an hour is the longest"),
        ({"as": "null_route"}, "block_port", "for block_port; only null_route can, in place of suspend or shutdown"),
        ({"as": "terminate"}, "suspend", "only null_route can"),
    ],
)
def test_what_cannot_be_is_refused(entry: Any, kind: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        chain_of({kind: entry}, kind)


def test_a_chain_in_words() -> None:
    assert names_of([PANEL, {"actuator": "gobgp"}]) == "webhook, then gobgp"
    assert names_of({}) == "console"
