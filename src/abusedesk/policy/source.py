"""YAML that remembers where everything stands, and refuses a key given twice."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NoReturn, TypeVar

import yaml

from abusedesk.problem import Problem

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = {"tag:yaml.org,2002:bool": "bool", "tag:yaml.org,2002:int": "int", "tag:yaml.org,2002:null": "null"}


T = TypeVar("T")


class Fault(Problem):
    """A Problem at a place. `word` is the unknown name, where that is what is wrong."""

    def __init__(self, file: str, line: int, column: int, text: str, word: str | None = None) -> None:
        super().__init__(file, line, column, text, word)
        self.file = file
        self.line = line
        self.column = column
        self.text = text
        self.word = word

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class Unfit(Problem):
    """All that is wrong with a document; it reads as the first of it."""

    def __init__(self, *faults: Problem) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return str(self.faults[0])


class Faults:
    """What is wrong, kept while the reading goes on to the next thing."""

    def __init__(self) -> None:
        self._found: list[tuple[Problem, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def keep(self, problem: Problem, name: str = "") -> None:
        """Keeps a Problem; whatever refers to `name`, which it spoils, is not to be blamed for that."""
        self._found.append((problem, name))

    def tried(self, read: Callable[[], T], otherwise: T, name: str = "") -> T:
        """What `read` gives, or `otherwise` where it raises a Problem, which is kept."""
        try:
            return read()
        except Problem as problem:
            self.keep(problem, name)
            return otherwise

    def each(self, nodes: "dict[str, Node]", read: "Callable[[str, Node], T]") -> dict[str, T]:
        """What `read` gives for each name and node, without those that are faulty."""
        found = {}
        for name, node in nodes.items():
            try:
                found[name] = read(name, node)
            except Problem as problem:
                self.keep(problem, name)
        return found

    def listed(self, nodes: "list[Node]", read: "Callable[[Node], T]") -> list[T]:
        """What `read` gives for each node, without those that are faulty."""
        return list(
            self.each({str(place): node for place, node in enumerate(nodes)}, lambda _, node: read(node)).values()
        )

    def unfit(self) -> Unfit:
        """All of it in the order of the text, without what only follows from something else that is wrong."""
        faults = [one for one, _ in self._found if not self._follows(one)]
        return Unfit(*sorted(faults, key=lambda one: (one.line, one.column) if isinstance(one, Fault) else _LAST))

    def _follows(self, problem: Problem) -> bool:
        """Whether it only blames a name that is there, and spoilt by something else."""
        word = problem.word if isinstance(problem, Fault) else None
        return word is not None and any(name == word for other, name in self._found if other is not problem)


_LAST = (10**9, 0)


class Node:
    """A value with its place. `value` is a dict of nodes, a list of nodes, or text, a whole number, a truth or None."""

    __slots__ = ("column", "file", "keys", "line", "raw", "value")

    def __init__(self, value: Any, file: str, line: int, column: int) -> None:
        self.value = value
        self.file = file
        self.line = line
        self.column = column
        self.keys: dict[str, Node] = {}
        self.raw = ""

    def refuse(self, message: str, word: str | None = None) -> NoReturn:
        """Raises the Fault at this place; `word` is the unknown name where that is what is wrong."""
        raise Fault(self.file, self.line, self.column, message, word)

    def mapping(self, what: str, example: str = "") -> "dict[str, Node]":
        """The value as a mapping; refuses anything else, with an example of what is meant."""
        if not isinstance(self.value, dict):
            self.refuse(f"{what} must be a mapping of keys to values{f', as in {example}' if example else ''}")
        return self.value

    def items(self, what: str) -> "list[Node]":
        """The value as a list; refuses anything else."""
        if not isinstance(self.value, list):
            written = f"write [{_quoted(self.raw)}]" if isinstance(self.value, str) else "as in [a, b]"
            self.refuse(f"{what} must be a list; {written}")
        return self.value

    def text(self, what: str) -> str:
        """The value as text, a whole number as it is written; refuses anything else."""
        if self.raw and isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.raw
        if isinstance(self.value, list | dict):
            self.refuse(f"{what} must be one text, not {'a list' if isinstance(self.value, list) else 'a mapping'}")
        if not isinstance(self.value, str) or not self.value:
            self.refuse(f"{what} is empty; write it here" if not self.raw else f"{what} must be text; put it in quotes")
        return self.value

    def truth(self, what: str) -> bool:
        """The value as true or false; refuses anything else."""
        if not isinstance(self.value, bool):
            self.refuse(f"{what} must be true or false")
        return self.value

    def number(self, what: str) -> int:
        """The value as a whole number; refuses anything else."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.refuse(f"{what} must be a whole number")
        return self.value

    def known_keys(self, what: str, required: Iterable[str], optional: Iterable[str] = ()) -> "dict[str, Node]":
        """The value as a mapping with no unknown and no missing key."""
        needed = [*required]
        allowed = [*needed, *optional]
        for key in self.mapping(what):
            self.known_key(what, key, allowed)
        for key in needed:
            self.needed_key(what, key)
        return self.mapping(what)

    def known_key(self, what: str, key: str, allowed: Iterable[str]) -> None:
        """Refuses a key that there is not."""
        if key not in allowed:
            self.keys[key].refuse(f"{what} has no key {key!r}{nearest(key, allowed)}")

    def needed_key(self, what: str, key: str) -> None:
        """Refuses a mapping without a key."""
        if key not in self.mapping(what):
            self.refuse(f"{what} lacks the key {key!r}; add it")

    def one_of(self, what: str, allowed: Iterable[str]) -> str:
        """The value as one of the known words."""
        word = self.text(what)
        known = list(allowed)
        if word not in known:
            self.refuse(f"{what} {word!r} is unknown{nearest(word, known)}", word)
        return word


def _quoted(text: str) -> str:
    return text if re.match(r"\w", text) else f'"{text}"'


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say after an unknown name: the nearest known one, or all of a few."""
    names = [str(name) for name in known]
    close = get_close_matches(word, names, n=1, cutoff=0.61)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(sorted(names))}" if names else ""


def read_yaml(text: str, file: str, faults: Faults | None = None) -> Node:
    """A YAML document as nodes. Raises Fault for what is no YAML.

    A key given twice is kept in `faults`, where those are given, and raised otherwise.
    """
    try:
        _refuse_depths(text, file)
        tree = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        text = f"this is no YAML: {error.problem or error.context}; {_advice(str(error.problem))}"
        raise Fault(file, line, column, text) from None
    except yaml.YAMLError as error:
        raise Fault(file, 1, 1, f"this is no YAML: {' '.join(str(error).split())}; mend the file") from None
    if tree is None:
        raise Fault(file, 1, 1, "the file is empty; write a mapping of keys to values")
    kept = faults if faults is not None else Faults()
    root = _Builder(file, kept).node(tree, depth=0)
    if kept and faults is None:
        raise kept.unfit()
    return root


def _advice(problem: str) -> str:
    """What to do about a fault of the writing, where it is one of those that everybody makes once."""
    return next((advice for words, advice in _ADVICE.items() if words in problem), "mend the line")


_ADVICE = {
    "tab character": "indent with spaces, not with tabs",
    "mapping values are not allowed": "put text that holds a colon in quotes, or mend the spaces before the line",
    "expected alphabetic or numeric character": 'put text that begins with * or & in quotes, as in "*"',
    "cannot start any token": "put the text in quotes, and indent with spaces, not with tabs",
    "expected '-' indicator": "begin the lines of one list or mapping in one column, those of a list with `- `",
    "expected key": "a line above begins in another column, or a quote was not closed",
    "expected ','": "a quote, a bracket or a comma is missing before this place",
    "unexpected end of stream": "a quote or a bracket that was opened is not closed",
}
"""By the words of the YAML reader."""


def _refuse_depths(text: str, file: str) -> None:
    """Refuses what is nested too deeply before a tree is made of it: the C reader would end the process over it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = event.start_mark
                line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
                raise Fault(file, line, column, "the document is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


_MAX_DEPTH = 40
_MAX_NODES = 100_000
"""Of a document with its aliases written out, which a few bytes can make endless; a pack has some thousand."""


class _Builder:
    """Makes nodes of one file's tree."""

    def __init__(self, file: str, faults: Faults) -> None:
        self.file = file
        self.faults = faults
        self.left = _MAX_NODES

    def node(self, tree: yaml.Node, depth: int) -> Node:
        node = Node(None, self.file, tree.start_mark.line + 1, tree.start_mark.column + 1)
        self.left -= 1
        if self.left < 0:
            node.refuse("the document is too large, or its aliases (*name) repeat each other; write it out")
        if depth > _MAX_DEPTH:
            node.refuse("the document is nested too deeply")
        if isinstance(tree, yaml.MappingNode):
            node.value = self._mapping(tree, node, depth)
        elif isinstance(tree, yaml.SequenceNode):
            node.value = [self.node(one, depth + 1) for one in tree.value]
        else:
            node.value = self.faults.tried(lambda: _scalar(tree, node), None)
            node.raw = str(tree.value)
        return node

    def _mapping(self, tree: yaml.MappingNode, node: Node, depth: int) -> dict[str, Node]:
        mapping: dict[str, Node] = {}
        for key, value in tree.value:
            name = str(key.value)
            place = Node(name, self.file, key.start_mark.line + 1, key.start_mark.column + 1)
            if name in mapping:
                text = f"the key {name!r} is given twice, first in line {node.keys[name].line}; keep one"
                self.faults.keep(Fault(self.file, place.line, place.column, text))
                continue
            node.keys[name] = place
            mapping[name] = self.node(value, depth + 1)
        return mapping


def _scalar(tree: yaml.Node, node: Node) -> str | int | bool | None:
    kind = _SCALARS.get(tree.tag, "text")
    if kind == "bool":
        return str(tree.value).lower() in {"true", "yes", "on"}
    if kind == "null":
        return None
    if kind == "int":
        return _whole(str(tree.value), node)
    return str(tree.value)


def _whole(text: str, node: Node) -> int:
    try:
        return int(text.replace("_", ""))
    except ValueError:
        node.refuse(f"{text!r} is no whole number; put it in quotes if it is text")
