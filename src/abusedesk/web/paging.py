"""Paging by key: a page starts after the last row of the one before, so that the last costs as much as the first."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

SIZE = 50


class Page(NamedTuple):
    """The rows of one page and the key that the next begins after, empty at the end."""

    rows: list[Any]
    next: str


def newest_first(rows: "QuerySet[M]", field: str, after: str, size: int = SIZE) -> Page:
    """The rows by an instant, newest first, ties by id. An unreadable `after` begins at the beginning."""
    ordered = rows.order_by(f"-{field}", "-pk")
    cursor = _cursor(after)
    if cursor:
        moment, key = cursor
        ordered = ordered.filter(Q(**{f"{field}__lte": moment}) & (Q(**{f"{field}__lt": moment}) | Q(pk__lt=key)))
    return _cut(list(ordered[: size + 1]), size, lambda row: _key(getattr(row, field), row.pk))


def latest_made(rows: "QuerySet[M]", after: str, size: int = SIZE) -> Page:
    """The rows by their ids, the latest first, which needs no index of its own."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    return _cut(list(rows.order_by("-pk")[: size + 1]), size, lambda row: str(row.pk))


def soonest_first(rows: "QuerySet[M]", field: str, rest: str, after: str, size: int = SIZE) -> Page:
    """The rows by an instant that may be missing, soonest first; those without one follow, newest by `rest` first."""
    in_rest = after.startswith("rest")
    found = [] if in_rest else _dated(rows, field, after, size)
    if len(found) > size:
        return _cut(found, size, lambda row: _key(getattr(row, field), row.pk))
    undated = newest_first(
        rows.filter(**{f"{field}__isnull": True}),
        rest,
        after.removeprefix("rest") if in_rest else "",
        size - len(found),
    )
    if not found or undated.rows:
        return Page([*found, *undated.rows], f"rest{undated.next}" if undated.next else "")
    more = len(found) == size and rows.filter(**{f"{field}__isnull": True}).exists()
    return Page(found, "rest" if more else "")


def _dated(rows: "QuerySet[M]", field: str, after: str, size: int) -> list[M]:
    ordered = rows.filter(**{f"{field}__isnull": False}).order_by(field, "pk")
    cursor = _cursor(after)
    if cursor:
        moment, key = cursor
        ordered = ordered.filter(Q(**{f"{field}__gte": moment}) & (Q(**{f"{field}__gt": moment}) | Q(pk__gt=key)))
    return list(ordered[: size + 1])


def _cut(rows: list[M], size: int, key: Callable[[M], str]) -> Page:
    page = rows[:size]
    return Page(page, key(page[-1]) if page and len(rows) > size else "")


def _key(moment: datetime, key: object) -> str:
    return f"{moment.isoformat()}~{key}"


def _cursor(text: str) -> tuple[datetime, str] | None:
    moment, _, key = text.partition("~")
    try:
        return (datetime.fromisoformat(moment), key) if key.replace("-", "").isalnum() else None
    except ValueError:
        return None
