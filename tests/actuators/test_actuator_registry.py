"""Actuators are found by name, by the door that any other uses."""

import pytest

from abusedesk.actuators.console import Console
from abusedesk.actuators.registry import actuator
from abusedesk.problem import Problem


def test_the_built_in_ones_come_through_entry_points() -> None:
    assert isinstance(actuator("console", {}), Console)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(Problem, match=r"'webhok'; installed are .*console.*webhook"):
        actuator("webhok", {})


def test_an_option_that_the_console_lacks_is_refused() -> None:
    with pytest.raises(Problem, match="'url'"):
        actuator("console", {"url": "x"})
