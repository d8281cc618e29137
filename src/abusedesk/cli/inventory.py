"""`abusedesk inventory`: the systems that say who holds what: listed, compared, and what waits written or rejected."""

import argparse
import csv
import sys
from typing import TYPE_CHECKING

from abusedesk.cli.session import session
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.desk.inventory.difference import Difference
    from abusedesk.records.models import Comparison, Inventory

NOT_ALL_WELL = 1
SHOWN = 20


def run(arguments: list[str]) -> int:
    """Do what was asked. 1 where a difference waits for a person, or one is stale or failing."""
    given = _parser().parse_args(arguments)
    with session(decides=True):
        if given.what == "list":
            return _list()
        found = _inventory(given.name)
        return {"compare": _compare, "apply": _apply, "reject": _reject, "undo": _undo}[given.what](found, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk inventory",
        description="The inventories by which the desk knows who holds what. They are set up in the console and "
        "compared by `serve` by themselves.",
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="every inventory, how fresh it is, and what waits")
    compare = commands.add_parser("compare", help="read one now; a small difference is written, a mass change waits")
    compare.add_argument("name")
    compare.add_argument("--dry-run", action="store_true", help="show the difference and write nothing")
    compare.add_argument("--csv", action="store_true", help="print the whole difference as CSV")
    for word, does in (
        ("apply", "write the difference that waits, as shown by compare"),
        ("reject", "leave the records as they are; the same difference does not ask again"),
        ("undo", "take the last difference that was written back as one step"),
    ):
        one = commands.add_parser(word, help=does)
        one.add_argument("name")
        one.add_argument("--by", required=True, metavar="NAME", help="who says so")
    return parser


def _inventory(name: str) -> "Inventory":
    from abusedesk.records.models import Inventory

    found = Inventory.objects.select_related("brand").filter(name=name).first()
    if found is None:
        known = ", ".join(Inventory.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise Problem(f"there is no inventory {name!r}; there are: {known}")
    return found


def _list() -> int:
    from django.utils import timezone

    from abusedesk.desk.inventory.state import state_of
    from abusedesk.records.models import Comparison, Inventory

    waiting = dict(Comparison.objects.filter(state="waiting").values_list("inventory_id", "why"))
    well = True
    for one in Inventory.objects.select_related("brand").order_by("name"):
        state = state_of(one, timezone.now())
        well = well and state.well and one.pk not in waiting
        waits = f"; a difference waits: {waiting[one.pk]}" if one.pk in waiting else ""
        error = f" ({one.error})" if one.error else ""
        print(f"{one.name:<20}{one.kind:<10}{one.brand.slug:<14}{state.words}{error}{waits}")
    return 0 if well else NOT_ALL_WELL


def _compare(inventory: "Inventory", given: argparse.Namespace) -> int:
    from django.utils import timezone

    from abusedesk.desk.inventory.compare import compare, difference_of, failed, read

    try:
        if given.dry_run:
            found, _, _ = difference_of(inventory, read(inventory), timezone.now())
            _print(found, whole=given.csv)
            return 0
        compared = compare(inventory)
    except Problem as problem:
        failed(inventory, str(problem), timezone.now())
        raise
    _print(compared.difference, whole=given.csv)
    if compared.why:
        print(f"it waits for a person, for {compared.why}", file=sys.stderr)
        return NOT_ALL_WELL
    return 0


def _apply(inventory: "Inventory", given: argparse.Namespace) -> int:
    from abusedesk.desk.inventory.compare import approve

    waits = _last(inventory, "waiting")
    done = approve(waits, given.by, waits.digest)
    if done.why:
        _print(done.difference, whole=False)
        raise Problem("what is stored has changed meanwhile; look at the new difference above, and say it again")
    print(f"written: {_figures(done.difference.figures)}")
    return 0


def _reject(inventory: "Inventory", given: argparse.Namespace) -> int:
    from abusedesk.desk.inventory.compare import reject

    reject(_last(inventory, "waiting"), given.by)
    print("rejected; the records stay as they are")
    return 0


def _undo(inventory: "Inventory", given: argparse.Namespace) -> int:
    from abusedesk.desk.inventory.apply import undo

    last = _last(inventory, "applied")
    undo(last, given.by)
    print(f"taken back: {_figures(_changes(last.figures))}; the next difference waits for a person")
    return 0


def _changes(figures: dict[str, int]) -> dict[str, int]:
    """Without what was only shown."""
    return {name: number for name, number in figures.items() if name not in {"untaken", "only_here"}}


def _last(inventory: "Inventory", state: str) -> "Comparison":
    from abusedesk.records.models import Comparison

    found = Comparison.objects.filter(inventory=inventory, state=state).order_by("-pk").first()
    if found is None:
        raise Problem(f"no difference of {inventory.name} is {state}")
    return found


def _print(found: "Difference", *, whole: bool) -> None:
    from abusedesk.desk.inventory.difference import HEADER, rows

    if whole:
        writer = csv.writer(sys.stdout)
        writer.writerow(HEADER)
        writer.writerows(rows(found))
        return
    shown = list(rows(found))
    for kind, subject, before, after, at in shown[:SHOWN]:
        parts = (kind, subject, f"{before} -> {after}" if before and after else before or after, at)
        print("  ".join(part for part in parts if part))
    if len(shown) > SHOWN:
        print(f"and {len(shown) - SHOWN:,} more; --csv prints all")
    print(_figures(found.figures))


def _figures(figures: dict[str, int]) -> str:
    from abusedesk.desk.inventory.difference import in_words

    return ", ".join(f"{number:,} {words}" for words, number in in_words(figures)) or "no difference"
