"""YAML that remembers where everything stands, and refuses a key given twice."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml

from abusedesk.problem import Problem

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = {"tag:yaml.org,2002:bool": "bool", "tag:yaml.org,2002:int": "int", "tag:yaml.org,2002:null": "null"}


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

    def refuse(self, message: str) -> NoReturn:
        """Raises the Problem that begins with this place."""
        raise Problem(f"{self.file}:{self.line}:{self.column}: {message}")

    def mapping(self, what: str) -> "dict[str, Node]":
        """The value as a mapping; refuses anything else."""
        if not isinstance(self.value, dict):
            self.refuse(f"{what} must be a mapping of keys to values")
        return self.value

    def items(self, what: str) -> "list[Node]":
        """The value as a list; refuses anything else."""
        if not isinstance(self.value, list):
            self.refuse(f"{what} must be a list, as in [a, b]")
        return self.value

    def text(self, what: str) -> str:
        """The value as text, a whole number as it is written; refuses anything else."""
        if self.raw and isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.raw
        if not isinstance(self.value, str) or not self.value:
            self.refuse(f"{what} must be text; put it in quotes")
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
        mapping = self.mapping(what)
        allowed = [*required, *optional]
        for key in mapping:
            if key not in allowed:
                self.keys[key].refuse(f"{what} has no key {key!r}{nearest(key, allowed)}")
        for key in required:
            if key not in mapping:
                self.refuse(f"{what} lacks the key {key!r}; add it")
        return mapping

    def one_of(self, what: str, allowed: Iterable[str]) -> str:
        """The value as one of the known words."""
        word = self.text(what)
        known = list(allowed)
        if word not in known:
            self.refuse(f"{what} {word!r} is unknown{nearest(word, known)}")
        return word


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say after an unknown name: the nearest known one, or all of a few."""
    names = [str(name) for name in known]
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(sorted(names))}" if names else ""


def read_yaml(text: str, file: str) -> Node:
    """A YAML document as nodes. Raises Problem with file, line and column for what is no YAML or has a key twice."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise Problem(f"{file}:{place}: this is no YAML: {error.problem or error.context}; mend the line") from None
    except yaml.YAMLError as error:
        raise Problem(f"{file}:1:1: this is no YAML: {' '.join(str(error).split())}; mend the file") from None
    if tree is None:
        raise Problem(f"{file}:1:1: the file is empty; write a mapping of keys to values")
    return _node(tree, file, depth=0)


_MAX_DEPTH = 40


def _node(tree: yaml.Node, file: str, depth: int) -> Node:
    node = Node(None, file, tree.start_mark.line + 1, tree.start_mark.column + 1)
    if depth > _MAX_DEPTH:
        node.refuse("the document is nested too deeply")
    if isinstance(tree, yaml.MappingNode):
        node.value = _mapping(tree, node, depth)
    elif isinstance(tree, yaml.SequenceNode):
        node.value = [_node(one, file, depth + 1) for one in tree.value]
    else:
        node.value = _scalar(tree, node)
        node.raw = str(tree.value)
    return node


def _mapping(tree: yaml.MappingNode, node: Node, depth: int) -> dict[str, Node]:
    mapping: dict[str, Node] = {}
    for key, value in tree.value:
        name = str(key.value)
        place = Node(name, node.file, key.start_mark.line + 1, key.start_mark.column + 1)
        if name in mapping:
            place.refuse(f"the key {name!r} is given twice, first in line {node.keys[name].line}; keep one")
        node.keys[name] = place
        mapping[name] = _node(value, node.file, depth + 1)
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
