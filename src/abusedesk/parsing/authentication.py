"""Authentication results (RFC 8601), as a server that checked a mail wrote them into its header: read, not believed.

Whether the server named in front is to be trusted is judged where mail is judged.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_LIMIT = 8_192
_RESULTS = 30
_COMMENT = re.compile(r"\([^()\\]{0,2000}\)")
_QUOTED = re.compile(r'"[^"\\]{0,500}"')
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]{0,30})(?:/\d{1,3})?\s{0,4}=\s{0,4}([a-z]{1,20})\b", re.IGNORECASE)
_PROPERTY = re.compile(r"\b([a-z]{1,20})\.([a-z0-9-]{1,40})\s{0,4}=\s{0,4}([^\s;]{1,320})", re.IGNORECASE)


class Result(NamedTuple):
    """One check: its method (`dkim`, `spf` …), its result, and its properties (`header.d`), all in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


class Results(NamedTuple):
    """Who checked, and what it found."""

    server: str
    results: tuple[Result, ...]


def read_results(value: str) -> Results:
    """What a header's value says. What cannot be read is left out; a comment is never a result."""
    text = _plain(value[:_LIMIT])
    first, *rest = text.split(";")
    server = first.split()[0].lower() if first.split() else ""
    return Results(server, tuple(found for part in rest[:_RESULTS] if (found := _result(part)) is not None))


def without_instance(value: str) -> str:
    """The value of an ARC-Authentication-Results header without the `i=1;` in front (RFC 8617 section 4.1.1)."""
    front, _, rest = value.partition(";")
    return rest if re.fullmatch(r"\s*i\s*=\s*\d{1,2}\s*", front) else value


def _plain(value: str) -> str:
    """Without comments, also nested ones, and with what stands in quotes bared of what separates."""
    text = _QUOTED.sub(lambda found: re.sub(r"[\s;()\"]", "", found[0]), value)
    for _ in range(5):
        text, replaced = _COMMENT.subn(" ", text)
        if not replaced:
            break
    # A comment that never ends may hide anything behind it.
    return text.partition("(")[0]


def _result(part: str) -> Result | None:
    found = _RESULT.match(part)
    if found is None:
        return None
    properties = {f"{kind}.{name}".lower(): value.lower() for kind, name, value in _PROPERTY.findall(part)}
    return Result(found[1].lower(), found[2].lower(), properties)
