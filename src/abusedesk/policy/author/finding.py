"""What is found in a pack, with its place."""

from typing import Literal, NamedTuple

from abusedesk.policy.source import Node


class Finding(NamedTuple):
    """`place` is file:line:column; an error makes the pack unfit, a warning is for the author to weigh."""

    level: Literal["error", "warning"]
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.level}: {self.text}"


def error(node: Node, text: str) -> Finding:
    """A fault at a node."""
    return Finding("error", f"{node.file}:{node.line}:{node.column}", text)


def warning(node: Node, text: str) -> Finding:
    """Something to weigh at a node."""
    return error(node, text)._replace(level="warning")
