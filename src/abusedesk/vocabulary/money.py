"""Amounts of money as whole minor units (cents), never as floats."""

import re
from functools import lru_cache

_REMEMBERED = 1024
_FORM = re.compile(r"(-?)(\d+)(?:\.(\d{1,2}))?")


@lru_cache(_REMEMBERED)
def parse_amount(text: str) -> int:
    """`"20.00"` as 2000 minor units. Raises ValueError for anything but digits with up to two decimals."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount such as 20.00")
    sign, whole, decimals = match.groups()
    minor = int(whole) * 100 + int((decimals or "0").ljust(2, "0"))
    return -minor if sign else minor


@lru_cache(_REMEMBERED)
def format_amount(minor: int) -> str:
    """2000 minor units as `"20.00"`."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
