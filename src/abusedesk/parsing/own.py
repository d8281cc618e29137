"""Operators' own rules: which sender and subject they are for, and which columns or labels hold what.

A rule is data. It is asked before every format of the product, so that an operator who knows a sender better than we do
has the last word; a rule that finds nothing in a message it is for leaves the message to the formats.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from abusedesk.parsing import hosts, instants
from abusedesk.parsing.material import Leaf, Material, reported, unreported
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.report import Event, Reading

FIELDS = ("source", "occurred_at", "url", "source_port", "target_port", "count", "category")
"""What a column or a label can hold; `source` is the least that a rule of reports names."""

_ROWS = 50_000
_RECORDS = 1_000
_LINE = 4_000
_DELIMITERS = ",;\t|"
_PORTS = range(1, 65_536)
_NUMBER = re.compile(r"\d{1,9}")


class OwnRule(Struct, frozen=True):
    """One rule.

    `sender` is an address, or a domain with all below it; empty for anybody. `subject` must occur in the subject,
    whatever the case; `*` in it stands for anything. `columns` maps each of `FIELDS` to the header of a column of a
    table, or to the label before a value on a line of text. `category` holds where the field `category` is not mapped
    or not found in `categories`, which maps the sender's own words to ours. `verdict` `noise` files the message as no
    report.
    """

    name: str
    verdict: Literal["reports", "noise"]
    sender: str = ""
    subject: str = ""
    category: str = "other/unclassified"
    columns: dict[str, str] = {}
    categories: dict[str, str] = {}


def faults(rule: OwnRule) -> dict[str, str]:
    """What is wrong with a rule, by field, in words; empty when it can be used."""
    found: dict[str, str] = {}
    if not rule.sender and not rule.subject:
        found["sender"] = "Say whom it is for: a sender, or words of the subject. A rule for everything would read all."
    if rule.verdict == "noise":
        return found
    if not rule.columns.get("source"):
        found["source"] = "Name the column or label that holds the address complained of."
    for name in {rule.category, *rule.categories.values()} - CATEGORIES:
        found["category"] = f"{name!r} is no category."
    return found


def applies(rule: OwnRule, sender: str | None, subject: str) -> bool:
    """Whether a message of this sender and subject is one that the rule is for."""
    return _is_from(rule.sender.lower().lstrip("@"), sender or "") and _occurs(rule.subject, subject)


def read_by(rules: Iterable[OwnRule], data: bytes, name: str = "") -> Reading | None:
    """The reading by the first rule that is for this message and finds something in it; else None. Never raises."""
    material = Material(data, name)
    for rule in rules:
        if applies(rule, material.sender, material.subject):
            reading = _read(rule, material)
            if reading is not None:
                return reading
    return None


def _read(rule: OwnRule, material: Material) -> Reading | None:
    form = f"own: {rule.name}"
    if rule.verdict == "noise":
        return unreported("not_a_report", form, f"the rule {rule.name!r} says so", material.sender)
    records = (record for leaf in material.leaves for record in _records(leaf, rule.columns))
    events = [event for record in records if (event := _event(rule, record)) is not None]
    found = list(dict.fromkeys(events))
    return reported(form, material.sender, found, summary=material.subject) if found else None


def _is_from(wanted: str, sender: str) -> bool:
    return not wanted or sender == wanted or sender.rpartition("@")[2] == wanted or sender.endswith(f".{wanted}")


def _occurs(wanted: str, subject: str) -> bool:
    """Whether the pieces between the stars stand in the subject, in their order."""
    rest = subject.lower()
    for piece in wanted.lower().split("*"):
        _, found, rest = rest.partition(piece.strip()) if piece.strip() else ("", "*", rest)
        if not found:
            return False
    return True


# --- records --------------------------------------------------------------------------------------------------------


def _records(leaf: Leaf, columns: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The records of a document by field: the rows of its table, or else its labelled values."""
    if leaf.content_type in {"text/html", "message/rfc822"} or b"\0" in leaf.content[:512]:
        return
    wanted = {header.strip().lower(): field for field, header in columns.items() if header.strip()}
    lines = leaf.text.splitlines()
    table = next(((n, d) for n, line in enumerate(lines[:50]) if (d := _header(line, wanted, columns))), None)
    if table is not None:
        yield from _rows(lines[table[0] :][: _ROWS + 1], table[1], wanted)
    else:
        yield from _labelled(lines[:_ROWS], wanted)


def _header(line: str, wanted: Mapping[str, str], columns: Mapping[str, str]) -> str | None:
    """The delimiter, where the line names the column of the source and all it names are several."""
    source = columns["source"].strip().lower()
    for delimiter in _DELIMITERS:
        names = {name.strip(" \"'").lower() for name in line[:_LINE].split(delimiter)}
        if len(names) > 1 and source in names and names & set(wanted):
            return delimiter
    return None


def _rows(lines: list[str], delimiter: str, wanted: Mapping[str, str]) -> Iterator[dict[str, str]]:
    fields = [wanted.get(name.strip(" \"'").lower(), "") for name in lines[0].split(delimiter)]
    usable = (line for line in lines[1:] if line.strip() and len(line) <= _LINE and "\0" not in line)
    for row in csv.reader(usable, delimiter=delimiter, skipinitialspace=True, strict=False):
        yield {field: cell.strip() for field, cell in zip(fields, row, strict=False) if field}


def _labelled(lines: list[str], wanted: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Labels and values; a label that comes again begins the next record. What is said once holds for all."""
    records: list[dict[str, str]] = [{}]
    for line in lines:
        found = _label(line, wanted)
        if found is None:
            continue
        field, value = found
        if field in records[-1]:
            records.append({})
        records[-1][field] = value
        if len(records) > _RECORDS:
            break
    said_once = {field: value for field, value in records[0].items() if sum(field in one for one in records) == 1}
    yield from ({**said_once, **record} for record in records if "source" in {**said_once, **record})


def _label(line: str, wanted: Mapping[str, str]) -> tuple[str, str] | None:
    """The field and the value of a line such as `Offending IP: 192.0.2.1`, `time = …` or `| source | … |`."""
    text = line[:_LINE].strip(" \t>|*-")
    for mark in (":", "=", "\t", "|"):
        label, found, value = text.partition(mark)
        field = wanted.get(label.strip(" \t*_\"'").lower())
        if found and field and value.strip():
            return field, value.strip(" \t|*\"'")
    return None


# --- events ---------------------------------------------------------------------------------------------------------


def _event(rule: OwnRule, record: Mapping[str, str]) -> Event | None:
    source = hosts.source(hosts.refanged(record.get("source", "")))
    if source is None:
        return None
    numbers: dict[str, Any] = {name: _number(record.get(name, "")) for name in ("source_port", "target_port", "count")}
    return Event(
        _category(rule, record.get("category", "")),
        source,
        source_port=numbers["source_port"] if numbers["source_port"] in _PORTS else None,
        url=hosts.refanged(record["url"]) if record.get("url") else None,
        occurred_at=instants.stated(record["occurred_at"]) if record.get("occurred_at") else None,
        count=max(numbers["count"] or 1, 1),
        target_port=numbers["target_port"] if numbers["target_port"] in _PORTS else None,
        evidence=", ".join(record.values())[:300],
    )


def _category(rule: OwnRule, word: str) -> str:
    known = {theirs.strip().lower(): ours for theirs, ours in rule.categories.items()}
    return known.get(word.strip().lower(), rule.category)


def _number(text: str) -> int | None:
    found = _NUMBER.search(text)
    return int(found[0]) if found else None
