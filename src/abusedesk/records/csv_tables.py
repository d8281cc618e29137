"""Reads a CSV table of known columns: every fault with its line and column, and not only the first."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from abusedesk.problem import Problem
from abusedesk.vocabulary.contact import ROLES
from abusedesk.vocabulary.instant import parse_instant

FIELD_LIMIT = 10_000
"""Characters of one field; a lost quotation mark would otherwise swallow the rest of the file unseen."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,253}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


class Column(NamedTuple):
    """One column. What is `needed` must be there and filled in; `read` raises ValueError saying what is wrong."""

    name: str
    read: Callable[[str], Any]
    needed: bool = False


class Row(NamedTuple):
    """One row as read, with the line in which it begins. Columns that the file does not have are not in `values`."""

    line: int
    values: dict[str, Any]


class Fault(NamedTuple):
    """What is wrong where. `column` is empty where the row as a whole is wrong."""

    line: int
    column: str
    text: str


class Table(NamedTuple):
    """A table as read: the columns that the file has, its rows, and what is wrong with others."""

    columns: tuple[str, ...]
    rows: list[Row]
    faults: list[Fault]


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """All rows of a CSV file. Raises Problem where the file cannot be read or its header is not the one expected."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(file, path, columns)
    except UnicodeDecodeError as error:
        raise Problem(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise Problem(f"{path}: cannot be read ({error.strerror}); give a readable CSV file") from None


def _read(file: Iterator[str], path: Path, columns: Sequence[Column]) -> Table:
    records = _records(file, path)
    _, header = next(records, (1, []))
    names = tuple(name.strip().lower() for name in header)
    _check_header(path, names, columns)
    chosen = {column.name: column for column in columns}
    present = [chosen[name] for name in names]
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, fields in records:
        if fields and (len(fields) > 1 or fields[0].strip()):
            _take(line, fields, present, rows, faults)
    return Table(names, rows, faults)


def _records(file: Iterator[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    """The records with the lines in which they begin."""
    reader = csv.reader(file, strict=True)
    before = 0
    try:
        for record in reader:
            yield before + 1, record
            before = reader.line_num
    except csv.Error as error:
        raise Problem(f"{path}:{before + 1}: is no CSV from here on ({error}); mend the quotation marks") from None


def _check_header(path: Path, names: tuple[str, ...], columns: Sequence[Column]) -> None:
    known = [column.name for column in columns]
    expected = f"the first line must name the columns, as in {','.join(known)}"
    if not any(names):
        raise Problem(f"{path}:1: there is no header; {expected}")
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            raise Problem(f"{path}:1: the columns are separated by {called}; save the file with commas between them")
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else expected
            raise Problem(f"{path}:1: there is no column {name!r}; {hint}")
        if names.count(name) > 1:
            raise Problem(f"{path}:1: the column {name!r} is there twice; keep one")
    missing = [column.name for column in columns if column.needed and column.name not in names]
    if missing:
        raise Problem(f"{path}:1: the column {missing[0]!r} is missing; {expected}")


def _take(line: int, fields: list[str], columns: Sequence[Column], rows: list[Row], faults: list[Fault]) -> None:
    if len(fields) != len(columns):
        faults.append(Fault(line, "", f"has {len(fields)} fields where the header has {len(columns)} columns"))
        return
    before = len(faults)
    values: dict[str, Any] = {}
    for column, field in zip(columns, fields, strict=True):
        try:
            values[column.name] = _value(column, field.strip())
        except ValueError as error:
            faults.append(Fault(line, column.name, str(error)))
    if len(faults) == before:
        rows.append(Row(line, values))


def _value(column: Column, text: str) -> Any:
    if column.needed and not text:
        raise ValueError("is empty; every row needs one")
    if len(text) > FIELD_LIMIT or "\0" in text:
        raise ValueError(f"holds more than {FIELD_LIMIT} characters or a zero byte; look for a lost quotation mark")
    return column.read(text)


def text(longest: int) -> Callable[[str], str]:
    """A reader of text up to a length."""

    def read(value: str) -> str:
        if len(value) > longest:
            raise ValueError(f"is {len(value)} characters long; at most {longest} fit")
        return value

    return read


@lru_cache(maxsize=65536)
def instant(value: str) -> datetime:
    """An instant with its zone, or a date, which is midnight UTC."""
    if _DATE.fullmatch(value):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    try:
        return parse_instant(value)
    except (ValueError, OverflowError) as error:
        said = str(error) if "time zone" in str(error) else f"{value!r} is no time"
        raise ValueError(f"{said}; write 2026-03-01T10:00:00Z, or 2026-03-01 for midnight UTC") from None


def instant_or_none(value: str) -> datetime | None:
    """An instant, or None where nothing is given."""
    return instant(value) if value else None


def truth(value: str) -> bool:
    """Yes or no; nothing is no."""
    if value.lower() not in _TRUTHS:
        raise ValueError(f"{value!r} is neither yes nor no")
    return _TRUTHS[value.lower()]


def email(value: str) -> str:
    """One mail address, or nothing."""
    if value and not _EMAIL.fullmatch(value):
        raise ValueError(f"{value!r} is no mail address")
    return text(254)(value)


def role(value: str) -> str:
    """What a contact is for; empty is `abuse`."""
    wanted = value.lower() or ROLES[0]
    if wanted not in ROLES:
        raise ValueError(f"{value!r} is no role; one of {', '.join(ROLES)}")
    return wanted


def position(value: str) -> int:
    """The place of a contact among those of its role; empty is the first."""
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and int(value) < 1000):
        raise ValueError(f"{value!r} is no place; a whole number below 1000")
    return int(value)


def language(value: str) -> str:
    """A language tag such as `en` or `zh-Hans`, or nothing."""
    if value and not _LANGUAGE.fullmatch(value):
        raise ValueError(f"{value!r} is no language tag such as en or zh-Hans")
    return value


@lru_cache(maxsize=1024)
def timezone(value: str) -> str:
    """A name of the time zone database; nothing is UTC."""
    try:
        return ZoneInfo(value or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone such as Europe/Berlin") from None


def prefix(value: str) -> IPv4Network | IPv6Network:
    """A prefix, or a single address as a prefix of full length."""
    try:
        network = ip_network(value)
    except ValueError:
        raise ValueError(_not_a_prefix(value)) from None
    if network.prefixlen == 0:
        raise ValueError(f"{value!r} is every address there is; nobody holds that")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError(f"{value!r} is an IPv4 address in IPv6 dress; write it as IPv4")
    return network


def _not_a_prefix(value: str) -> str:
    try:
        whole = ip_network(value, strict=False)
    except ValueError:
        return f"{value!r} is neither an address nor a prefix such as 192.0.2.0/24 or 2001:db8::/48"
    return f"{value!r} has bits set beyond its length; write {whole}, or {value.partition('/')[0]} for the one address"


def domain(value: str) -> str:
    """A domain or host name in lower case, in ASCII."""
    name = value.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{value!r} is no domain such as shop.example.net (write others than ASCII as xn--...)")
    return name
