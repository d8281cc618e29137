"""The colours can be read: WCAG 2.2 AA, 4.5 to 1 for text, in both themes."""

import re
from itertools import product
from pathlib import Path

import pytest

import abusedesk.web

CSS = (Path(abusedesk.web.__file__).parent / "static" / "web" / "desk.css").read_text()
PALETTES = [
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r"color-scheme: \w+;[^}]*", CSS)
]
TEXTS = ("text", "soft", "faint", "accent", "late", "wait", "good")
GROUNDS = ("canvas", "surface", "sunken", "hover", "accent-soft")


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_dark_theme_is_the_same_by_system_and_by_switch() -> None:
    assert len(PALETTES) == 3
    assert PALETTES[1] == PALETTES[2]


@pytest.mark.parametrize("palette", PALETTES[:2], ids=("light", "dark"))
def test_text_can_be_read_on_every_ground(palette: dict[str, str]) -> None:
    pairs = [*product(TEXTS, GROUNDS), *((tone, f"{tone}-soft") for tone in ("late", "wait", "good"))]
    faint = {pair: round(_contrast(*(palette[name] for name in pair)), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}
