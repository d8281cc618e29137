"""A pack for a terminal: a table of its clauses with their values and what happens."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from abusedesk.policy.author.sheet import Section, Sheet, ShownValue, sheet, short
from abusedesk.policy.author.show_page import as_html

__all__ = ["Section", "Sheet", "as_html", "as_text", "sheet", "short"]

WIDTH = 100
_COLUMNS = (38, 22, 36)
_GAP = "  "


def as_text(shown: Sheet) -> str:
    """A sheet as a table that fits a terminal of 100 columns."""
    lines = [shown.title, shown.in_force, ""]
    lines += _row((["clause"], ["values"], ["what happens"]))
    for section in shown.sections:
        lines += [_rule(), *_row((_clause(section), _values(section.values), _happens(section)))]
    return "\n".join(line.rstrip() for line in [*lines, _rule(), *_history(shown)])


def _rule() -> str:
    return _GAP.join("─" * width for width in _COLUMNS)


def _row(cells: Sequence[list[str]]) -> list[str]:
    """Cells of wrapped lines, side by side."""
    lines = zip_longest(*cells, fillvalue="")
    return [_GAP.join(f"{text:{width}}" for text, width in zip(line, _COLUMNS, strict=True)) for line in lines]


def _clause(section: Section) -> list[str]:
    head = _wrapped(f"{section.short}  {section.clause.title}", _COLUMNS[0])
    text = section.clause.text.strip()
    return [*head, *_wrapped(f"“{text}”", _COLUMNS[0])]


def _values(values: Sequence[ShownValue]) -> list[str]:
    lines: list[str] = []
    for one in values:
        lines += _wrapped(f"{one.label}:", _COLUMNS[1])
        lines += [f"  {line}" for line in _wrapped(one.text, _COLUMNS[1] - 2)]
    return lines


def _happens(section: Section) -> list[str]:
    if section.clause.informative:
        return ["(for information)"]
    lines = [line for says in section.rules for line in _listed("·", says)]
    for one in section.interpretations:
        lines += _listed("?", f"{one.question} {one.choice}.")
    return lines


def _listed(sign: str, text: str) -> list[str]:
    first, *others = _wrapped(text, _COLUMNS[2] - 2)
    return [f"{sign} {first}", *(f"  {one}" for one in others)]


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=True) or [""]


def _history(shown: Sheet) -> Iterator[str]:
    if len(shown.versions) < 2:
        return
    yield "versions"
    for one in reversed(shown.versions):
        since = f"{one.since:%Y-%m-%d}" if one.since is not None else "the operator's own date"
        yield f"  {one.id}, from {since}{', shown here' if one.held else ''}"
        for change in one.changes:
            first, *others = wrap(str(change), WIDTH - 6)
            yield f"    - {first}"
            yield from (f"      {line}" for line in others)
