"""A pack changed by its values: a new version from a date, written into the pack's own text.

Only the lines that must change do; comments, order and everybody else's way of writing stay. What comes out is the text
of a pack like any other, to be read, compared, tried and published as such.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

import yaml

from abusedesk.policy.pack import NEVER, ParameterKind, Value
from abusedesk.problem import Problem
from abusedesk.vocabulary.duration import format_duration
from abusedesk.vocabulary.instant import format_instant
from abusedesk.vocabulary.money import format_amount

# The same reader as the packs', which takes some writings that the other refuses.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")
_EVER = "1970-01-01"
"""The date of a value that was written without one, once another follows it."""


class Edit(NamedTuple):
    """What stands from `start` to `end` in the text becomes `text`."""

    start: int
    end: int
    text: str


def written(kind: ParameterKind, value: Value) -> str:
    """A value as a pack writes it."""
    if isinstance(value, dict):
        lapses = (f"{_key(name)}: {NEVER if one is None else format_duration(one)}" for name, one in value.items())
        return f"{{{', '.join(lapses)}}}"
    if isinstance(value, int):
        return f'"{format_amount(value)}"' if kind == "amount" else str(value)
    return format_duration(value)


def new_version(text: str, since: datetime, values: Mapping[str, str], texts: Mapping[str, str] | None = None) -> str:
    """The text of a pack with a further version from an instant on, under which the parameters have the `values`.

    `values` are as `written`; `texts` are the words of clauses from then on, by the id that the pack itself writes.
    Rules that held in the newest version alone hold in the new one. Raises Problem where the instant does not follow
    the newest version, or a parameter has a value for a later date already.
    """
    root = _composed(text)
    edits = [
        *_version(root, text, since),
        *(_dated(root, text, name, since, value) for name, value in values.items()),
        *(_reworded(root, text, clause, since, said) for clause, said in (texts or {}).items()),
    ]
    return _applied(text, edits)


def _composed(text: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise Problem(f"the pack is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(root, yaml.MappingNode):
        raise Problem("the pack is no mapping of keys to values")
    return root


def _applied(text: str, edits: list[Edit]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


# ---------- versions ----------


def _version(root: yaml.MappingNode, text: str, since: datetime) -> Iterator[Edit]:
    versions = _at(root, "versions")
    if not isinstance(versions, yaml.SequenceNode) or not versions.value:
        _refuse("the pack has no versions")
    newest = versions.value[-1]
    newest_id, clause = _at(newest, "id"), _at(newest, "clause")
    _must_follow(_at(newest, "from"), since)
    name = f"{since:%Y-%m-%d}"
    entry = f'{{id: "{name}", from: {format_instant(since)}, clause: {text[clause.start_mark.index : _end(clause)]}}}'
    yield _appended(versions, newest, text, entry)
    rules = _at(root, "rules")
    for rule in rules.value:
        held = _find(rule, "versions")
        if isinstance(held, yaml.SequenceNode) and any(one.value == newest_id.value for one in held.value):
            yield _appended(held, held.value[-1], text, f'"{name}"')


def _must_follow(newest: yaml.Node, since: datetime) -> None:
    try:
        last = datetime.fromisoformat(str(newest.value))
    except ValueError:
        return  # The operator says since when; the reader sees to the order.
    last = last if last.tzinfo else last.replace(tzinfo=UTC)
    if since <= last:
        _refuse(f"the newest version is in force from {last:%Y-%m-%d}; a new one must begin after it")


def _appended(sequence: yaml.SequenceNode, last: yaml.Node, text: str, entry: str) -> Edit:
    if sequence.flow_style:
        return Edit(_end(last), _end(last), f", {entry}")
    end = _end_of_line(text, _end(last))
    return Edit(end, end, f"\n{' ' * sequence.start_mark.column}- {entry}")


# ---------- values ----------


def _dated(root: yaml.MappingNode, text: str, name: str, since: datetime, value: str) -> Edit:
    parameter = _find(_at(root, "parameters"), name)
    if parameter is None:
        _refuse(f"the pack has no parameter {name!r}")
    date = _date(since)
    for key, node in parameter.value:
        if key.value == "value":
            said = _in_one_line(node, text)
            return Edit(key.start_mark.index, _end(node), f"values: {{{_EVER}: {said}, {date}: {value}}}")
        if key.value == "values":
            return _further(node, text, name, date, value)
    return _refuse(f"the parameter {name!r} has no value")


def _date(since: datetime) -> str:
    return f"{since:%Y-%m-%d}" if (since.hour, since.minute, since.second) == (0, 0, 0) else format_instant(since)


def _further(values: yaml.Node, text: str, name: str, date: str, value: str) -> Edit:
    if not isinstance(values, yaml.MappingNode) or not values.value:
        _refuse(f"{name!r} has no values by date")
    last_key, last = values.value[-1]
    if str(last_key.value)[:10] > date[:10]:
        _refuse(f"{name!r} has a value for {last_key.value} already; a new version must begin after it")
    if str(last_key.value)[:10] == date[:10]:
        return Edit(last.start_mark.index, _end(last), value)
    if values.flow_style:
        return Edit(_end(last), _end(last), f", {date}: {value}")
    end = _end_of_line(text, _end(last))
    return Edit(end, end, f"\n{' ' * last_key.start_mark.column}{date}: {value}")


def _in_one_line(node: yaml.Node, text: str) -> str:
    """A node's own text, in the flow style where it is a mapping over several lines."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        pairs = (f"{_key(str(key.value))}: {_in_one_line(one, text)}" for key, one in node.value)
        return f"{{{', '.join(pairs)}}}"
    return text[node.start_mark.index : _end(node)]


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else f'"{name}"'


# ---------- words ----------


def _reworded(root: yaml.MappingNode, text: str, clause: str, since: datetime, said: str) -> Edit:
    """New words of a clause from an instant on; those of before stay, with their date."""
    node = _find(_at(root, "clauses"), clause)
    if not isinstance(node, yaml.MappingNode):
        _refuse(f"the pack has no clause {clause!r}")
    texts = _find(node, "texts")
    if texts is not None:
        return _further(texts, text, clause, _date(since), _quoted(said))
    key, words = next((pair for pair in node.value if pair[0].value == "text"), (None, None))
    if key is None or words is None:
        _refuse(f"the clause {clause!r} has no text")
    end = _end(words)
    tail = "\n" if text[words.start_mark.index : end].endswith("\n") else ""
    both = f"{_first_date(root)}: {_quoted(str(words.value))}, {_date(since)}: {_quoted(said)}"
    return Edit(key.start_mark.index, end, f"texts: {{{both}}}{tail}")


def _first_date(root: yaml.MappingNode) -> str:
    """The date of what was said without one: that of the first version, where it has one."""
    first = str(_at(_at(root, "versions").value[0], "from").value)
    return first if first[:1].isdigit() else _EVER


def _quoted(said: str) -> str:
    """Text in one line that YAML reads back as it is."""
    escaped = " ".join(said.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ---------- nodes ----------


def _find(node: yaml.Node, key: str) -> "yaml.Node | None":
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if str(name.value) == key), None)


def _at(node: yaml.Node, key: str) -> yaml.Node:
    found = _find(node, key)
    return found if found is not None else _refuse(f"the pack lacks {key!r}")


def _end(node: yaml.Node) -> int:
    """Where a node's text ends. Over several lines that is the end of its last entry, not what follows."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _end_of_line(text: str, at: int) -> int:
    """The end of the line, so that a remark behind an entry stays with it."""
    found = text.find("\n", at)
    return found if found >= 0 else len(text)


def _refuse(said: str) -> NoReturn:
    raise Problem(said)
