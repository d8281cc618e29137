"""What somebody who writes a policy for the first time probably meant by a word that is refused."""

import re
from collections.abc import Iterable

from abusedesk.vocabulary.duration import format_duration, parse_duration

_LENGTH = re.compile(
    r"p?t?\s*(\d+)\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)", re.IGNORECASE
)
_MONTHS = re.compile(r"p?\s*\d+\s*(months?|mon|years?|y|m)", re.IGNORECASE)
_MONEY = re.compile(r"[^\d-]*(\d+)(?:[.,](\d{1,2}))?[^\d]*")
_UNITS = {"w": "P{}W", "d": "P{}D", "h": "PT{}H", "m": "PT{}M", "s": "PT{}S"}


def duration(text: str) -> str:
    """How a length of time is written: `P2D` for `2 days`; empty where it cannot be told, as for months."""
    if re.fullmatch(r"P\d+M", text):
        return ""
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        return ""
    written = _UNITS[match[2][0].lower()].format(int(match[1]))
    return format_duration(parse_duration(written)) if len(match[1]) < 7 else ""


def amount(text: str) -> str:
    """How an amount is written: `"10.00"` for `10 EUR`; empty where it cannot be told."""
    match = _MONEY.fullmatch(text.strip())
    return f'"{match[1]}.{(match[2] or "").ljust(2, "0")}"' if match else ""


def value(text: str) -> str:
    """What to write instead of a value that is no count, no duration and no amount, after a semicolon; or nothing."""
    length = duration(text)
    if length:
        return f"; write {length}"
    if _MONTHS.fullmatch(text.strip()):
        return "; months and years have no fixed length: write days, as in P30D"
    if text.strip().startswith("-"):
        return "; nothing here is less than zero"
    money = amount(text)
    return f"; write {money}" if money else ""


def no_duration(text: str) -> str:
    """What to write instead of a duration that cannot be read."""
    length = duration(text)
    if length:
        return f"write {length}"
    if "-" in text:
        return "nothing lasts less than no time: write for example PT6H"
    if re.match(r"P[^T]*[YM]", text):
        return "months and years have no fixed length: write days, as in P30D"
    return "write for example PT6H or P30D, or never for a limitation"


def listed(word: str, known: Iterable[str]) -> str:
    """For a text with commas whose parts are all known: how to write them as a list."""
    parts = [one.strip() for one in word.split(",")]
    return f"; several are a list: [{', '.join(parts)}]" if len(parts) > 1 and {*parts} <= {*known} else ""
