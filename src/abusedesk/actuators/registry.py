"""Finds an actuator by its name among the installed entry points."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from abusedesk.actuators.actuator import Actuator
from abusedesk.problem import Problem

GROUP = "abusedesk.actuators"
DEFAULT = "console"


def actuator(name: str, options: Mapping[str, Any]) -> Actuator:
    """The actuator of that name with these options. Raises Problem when there is none, or an option is wrong."""
    installed = names()
    if name not in installed:
        raise Problem(f"no actuator is called {name!r}; installed are {', '.join(sorted(installed))}")
    factory = cast("Callable[[Mapping[str, Any]], Actuator]", installed[name].load())
    return factory(options)


@cache
def names() -> Mapping[str, EntryPoint]:
    """The installed actuators. An installation does not change while a process runs."""
    return {point.name: point for point in entry_points(group=GROUP)}
