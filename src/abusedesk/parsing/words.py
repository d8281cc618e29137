"""Finds which of hundreds of expressions occur in a text, at the cost of the few that may.

Most expressions hold a run of letters that must occur wherever they match, their anchor. Looking for that in the text
takes a hundredth of what matching takes, and in most texts most anchors are missing.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

ENOUGH = 4
"""Different matches after which nobody counts any more."""

_SHORTEST = 3


class Vocabulary:
    """Expressions in named groups, one a line, looked for all at once. `groups` is given as pairs of name and lines."""

    def __init__(self, *groups: tuple[str, str]) -> None:
        """Finds the anchors of every expression. What is compiled is compiled when a text first has an anchor of it."""
        users: dict[str, list[tuple[str, str]]] = {}
        for name, lines in groups:
            for line in filter(None, map(str.strip, lines.splitlines())):
                one = (name, line)
                for anchor in anchors(line) or ("",):
                    users.setdefault(anchor, []).append(one)
        self._users = tuple((anchor, tuple(found)) for anchor, found in users.items())

    def likely(self, text: str) -> "Likely":
        """The expressions of which an anchor is in the text, each once: all that can match in it or in a part of it."""
        return Likely(tuple(dict.fromkeys(user for anchor, users in self._users if anchor in text for user in users)))

    def counts(self, text: str) -> dict[str, int]:
        """How many different pieces of the text each group matches, where it matches any; counted to `ENOUGH`."""
        return self.likely(text).counts(text)

    def occurs(self, text: str) -> frozenset[str]:
        """The groups that match somewhere in the text."""
        return self.likely(text).occurs(text)


class Likely(NamedTuple):
    """The expressions that may match in one text, with their groups."""

    expressions: tuple[tuple[str, str], ...]

    def of(self, *groups: str) -> "Likely":
        """Those of the named groups alone."""
        return Likely(tuple(one for one in self.expressions if one[0] in groups))

    def counts(self, text: str) -> dict[str, int]:
        """How many different pieces of a part of the text each group matches, where it matches any."""
        found: dict[str, set[str]] = {}
        for name, expression in self.expressions:
            seen = found.get(name, set())
            if len(seen) < ENOUGH and (matched := _matched(expression, text)):
                found[name] = seen | matched
        return {name: min(len(seen), ENOUGH) for name, seen in found.items()}

    def occurs(self, text: str) -> frozenset[str]:
        """The groups that match somewhere in a part of the text."""
        found: set[str] = set()
        for name, expression in self.expressions:
            if name not in found and _compiled(expression).search(text):
                found.add(name)
        return frozenset(found)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _matched(expression: str, text: str) -> set[str]:
    found: set[str] = set()
    for match in _compiled(expression).finditer(text):
        found.add(match.group())
        if len(found) >= ENOUGH:
            break
    return found


@lru_cache(maxsize=4096)
def anchors(expression: str) -> tuple[str, ...]:
    """Texts of which one is in whatever the expression matches: its longest run of letters, or one of each branch."""
    if len(_branches(expression)) > 1:
        return _of_branches(expression)
    runs: list[str] = []
    groups: list[str] = []
    for run, group in _pieces(expression):
        runs.append(run)
        groups += [group] if group else []
    longest = max(runs, key=len, default="")
    if len(longest) >= _SHORTEST or not longest.isascii():
        return (longest,)
    return next((found for group in groups if (found := _of_branches(group))), ())


def _of_branches(group: str) -> tuple[str, ...]:
    found = [anchors(branch) for branch in _branches(group)]
    return tuple(anchor for one in found for anchor in one) if all(found) else ()


def _branches(group: str) -> list[str]:
    branches, start = [], 0
    for place, depth in _depths(group):
        if depth == 0 and group[place] == "|":
            branches.append(group[start:place])
            start = place + 1
    return [*branches, group[start:]]


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Each place of an expression with the number of groups that are open there; classes and escapes are left out."""
    place = depth = 0
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 2
            continue
        if letter == "[":
            place = _end_of_class(text, place)
            continue
        depth -= letter == ")"
        yield place, depth
        depth += letter == "("
        place += 1


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Runs of letters that must occur, and the groups between them that must: (run, "") or ("", group)."""
    run, place = "", 0
    while place < len(text):
        letter = text[place]
        if letter.isalnum() or letter in " -_/&@:'\"=<>,%~!#;":
            run, place = run + letter, place + 1
            continue
        end = _end(text, place)
        is_optional = text[end : end + 1] in {"?", "*"} or text[end : end + 2] == "{0"
        if letter in "?*{":
            run = run[:-1] if letter != "{" or text[place + 1] == "0" else run
        yield run, ""
        if letter == "(" and not is_optional and text.startswith("(?:", place):
            yield "", text[place + 3 : end - 1]
        run, place = "", end
    yield run, ""


def _end(text: str, place: int) -> int:
    """Where the piece of an expression that begins at `place` ends: an escape, a class, a group, a repeat."""
    letter = text[place]
    if letter == "\\":
        return place + 2
    if letter == "[":
        return _end_of_class(text, place)
    if letter == "{":
        return text.index("}", place) + 1
    if letter != "(":
        return place + 1
    return next(at + 1 for at, depth in _depths(text[place:]) if depth == 0 and text[place + at] == ")") + place


def _end_of_class(text: str, place: int) -> int:
    return text.index("]", place + 2) + 1
