"""`abusedesk import`: customers and their contacts, services, assignments and domains from CSV, all rows or none."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from abusedesk.cli import import_history
from abusedesk.cli.session import session
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.records.csv_tables import Table
    from abusedesk.records.imports import Kind, Plan
    from abusedesk.records.models import Brand

NOT_ALL_WELL = 1


class Unasked(Exception):  # noqa: N818 - no fault: a person has to be asked first
    """The file ends or moves so much that a person must agree before it is written."""

    def __init__(self, plan: "Plan") -> None:
        super().__init__()
        self.plan = plan


def run(arguments: list[str]) -> int:
    """Import one file. 1 when rows are at fault or the person said no."""
    given = _parser().parse_args(arguments)
    with session(decides=True):
        from abusedesk.records import imports

        brand = _brand(given.brand)
        if given.kind == "history":
            return import_history.run(brand, given)
        table = imports.read_file(given.kind, given.file)
        plan = _import(given.kind, table, brand, given)
        if plan is None:
            return NOT_ALL_WELL
        if plan.faults:
            _print_faults(given.file, plan)
            return NOT_ALL_WELL
        _print_done(plan, brand, dry_run=given.dry_run)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk import",
        description="Take over who is who from your billing or provisioning system: rows are found again by your own "
        "ids and brought up to date, and what a file does not mention stays as it is. All rows of a file or none. "
        "Import in the order customers, contacts, services, assignments, domains; the columns are in "
        "docs/how-to/import-customers.md. `history` carries old tickets over from another system, with no "
        "notice, measure or charge: docs/how-to/import-history.md.",
    )
    parser.add_argument(
        "kind",
        choices=["customers", "contacts", "services", "assignments", "domains", "history"],
        help="what the rows are",
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE.csv", help="UTF-8, commas, the columns named in the first line"
    )
    parser.add_argument(
        "--brand", default="", metavar="SLUG", help="whose they are; not needed where there is one brand"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask, even if much of what exists ends or moves")
    import_history.arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would change, write nothing")
    return parser


def _brand(slug: str) -> "Brand":
    from abusedesk.records.models import Brand

    brands = {one.slug: one for one in Brand.objects.order_by("slug")}
    if not brands:
        raise Problem(
            "there is no brand yet; make one with `abusedesk brand add`, or run `abusedesk demo` to look around"
        )
    if not slug and len(brands) == 1:
        return next(iter(brands.values()))
    if slug not in brands:
        wrong = f"there is no brand {slug!r}" if slug else "there are several brands"
        raise Problem(f"{wrong}; give --brand with one of {', '.join(brands)}")
    return brands[slug]


def _import(kind: "Kind", table: "Table", brand: "Brand", given: argparse.Namespace) -> "Plan | None":
    """The plan as carried out, or None where the person said no."""
    agreed: tuple[int, ...] | None = None
    while True:
        try:
            return _write(kind, table, brand, given, agreed)
        except Unasked as unasked:
            if agreed is not None:
                print("What is stored has changed meanwhile.", file=sys.stderr)
            if not _ask(unasked.plan):
                print("abusedesk: nothing was imported", file=sys.stderr)
                return None
            agreed = unasked.plan.figures


def _write(
    kind: "Kind", table: "Table", brand: "Brand", given: argparse.Namespace, agreed: tuple[int, ...] | None
) -> "Plan":
    """Plan and write in one transaction, so that what was checked is what is written."""
    from django.db import IntegrityError, transaction

    from abusedesk.desk.opening import open_new
    from abusedesk.records import imports

    try:
        with transaction.atomic():
            imports.lock(kind)
            plan = imports.plan(kind, table, brand)
            if plan.faults or given.dry_run:
                return plan
            if plan.is_mass_change and not given.yes and agreed != plan.figures:
                raise Unasked(plan)
            imports.write(plan, brand)
            if kind == "services":
                open_new(brand, [row[0] for row in plan.new], datetime.now(UTC), by="import")
    except IntegrityError as error:
        reason = str(error).splitlines()[0]
        raise Problem(f"{given.file}: the database refused it: {reason}; nothing was imported, try again") from None
    return plan


def _ask(plan: "Plan") -> bool:
    """Show what would end or move, and ask. Raises Problem where there is nobody to ask."""
    share = (plan.ended + plan.moved) / max(plan.existing, 1)
    words = (
        f"{plan.ended:,} {plan.kind} would end and {plan.moved:,} move, {share:.0%} of the {plan.existing:,} there are"
    )
    if not sys.stdin.isatty():
        raise Problem(f"{words}; nothing was imported. See that it is meant (--dry-run shows it), then give --yes")
    print(f"{words}:", *plan.examples, sep="\n  ")
    left = plan.ended + plan.moved - len(plan.examples)
    if left > 0:
        print(f"  and {left:,} more")
    return input("Write it? [y/N] ").strip().lower() in {"y", "yes"}


def _print_faults(file: Path, plan: "Plan") -> None:
    from abusedesk.records.imports import SHOWN

    faults = sorted(plan.faults)
    for fault in faults[:SHOWN]:
        column = f"{fault.column}: " if fault.column else ""
        print(f"{file}:{fault.line}: {column}{fault.text}", file=sys.stderr)
    more = f" ({len(faults) - SHOWN:,} more not shown)" if len(faults) > SHOWN else ""
    print(f"abusedesk: {len(faults):,} fault(s) in {file}{more}; nothing was imported", file=sys.stderr)


def _print_done(plan: "Plan", brand: "Brand", *, dry_run: bool) -> None:
    new, changed = len(plan.new), len(plan.changed)
    verb = "would be new" if dry_run else "new"
    figures = f"{new:,} {verb}, {changed:,} changed, {plan.same:,} as they were"
    print(f"{plan.kind} of {brand.slug}: {plan.rows:,} rows, {figures}")
    if plan.ended or plan.moved:
        print(f"of these {plan.ended:,} ended and {plan.moved:,} moved", *plan.examples, sep="\n  ")
    if dry_run:
        print("dry run: nothing was written")
