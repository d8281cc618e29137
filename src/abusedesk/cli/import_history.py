"""`abusedesk import history`: an opening balance of old tickets, strikes, balances and conversations."""

import argparse
import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from abusedesk.cli.progress import Progress
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.desk.history import Done, Plan
    from abusedesk.desk.history_before import Difference
    from abusedesk.records.csv_tables import Fault
    from abusedesk.records.models import Brand

NOT_ALL_WELL = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given beside the file."""
    parser.add_argument(
        "--source", default="", metavar="NAME", help="history: the system that the tickets come from, such as WHMCS"
    )
    parser.add_argument(
        "--by", default=getpass.getuser(), metavar="NAME", help="history: who imports it (default: you)"
    )
    parser.add_argument(
        "--undo", action="store_true", help="history: take back what came from --source; FILE may name one ticket of it"
    )


def run(brand: "Brand", given: argparse.Namespace) -> int:
    """Import a file, or take back a source."""
    if not given.source:
        raise Problem("give --source, the system that the tickets come from: it marks every entry")
    return _undo(brand, given) if given.undo else _import(brand, given)


def _import(brand: "Brand", given: argparse.Namespace) -> int:
    from abusedesk.desk import history

    now = datetime.now(UTC)
    plan = history.plan(history.read_file(given.file), brand, given.source, now)
    if plan.faults:
        _print_faults(given.file, plan)
        return NOT_ALL_WELL
    _print_warnings(given.file, plan.warnings)
    if given.dry_run:
        return _say_what_would_be(given.file, plan)
    with Progress() as progress:
        progress.begin("carried over", plan.rows)
        done = history.write(plan, brand, given.by, now, progress.advance)
        progress.end()
    _print_done(done, brand)
    return _print_differences(given.file, [*plan.differences, *done.overtaken])


def _say_what_would_be(file: Path, plan: "Plan") -> int:
    new = len(plan.moves) + len(plan.said)
    print(
        f"{plan.rows:,} rows: {new:,} new, {len(plan.corrections):,} to be corrected, {plan.known:,} here before; "
        "dry run: nothing was written"
    )
    for one in plan.corrections:
        for each in one.differences:
            print(f"{file}:{each.line}: {each.column}: {each.what}: {each.stands} would become {each.says}")
    return _print_differences(file, plan.differences)


def _print_warnings(file: Path, warnings: "list[Fault]") -> None:
    """What is written all the same, and should be looked at."""
    from abusedesk.records.imports import SHOWN

    for one in warnings[:SHOWN]:
        print(f"{file}:{one.line}: warning: {one.column}: {one.text}", file=sys.stderr)
    if len(warnings) > SHOWN:
        print(f"abusedesk: {len(warnings) - SHOWN:,} more warnings not shown", file=sys.stderr)


def _print_differences(file: Path, differences: "list[Difference]") -> int:
    """What the file says otherwise and was left as it stands; all of it, for nobody else will tell."""
    for one in differences:
        print(
            f"{file}:{one.line}: {one.column}: {one.what}: {one.stands} stands, the file says {one.says}; "
            f"not changed: {one.advice}",
            file=sys.stderr,
        )
    if differences:
        rows = len({one.line for one in differences})
        print(f"abusedesk: {rows:,} row(s) differ from what was imported before, and were left out", file=sys.stderr)
    return NOT_ALL_WELL if differences else 0


def _undo(brand: "Brand", given: argparse.Namespace) -> int:
    from abusedesk.desk import history

    ticket = "" if str(given.file) == "-" else str(given.file)
    count = history.annul(brand, given.source, ticket, given.by, datetime.now(UTC))
    what = f"ticket {ticket} of {given.source}" if ticket else f"what came from {given.source}"
    print(f"{what}: {count:,} entries count no more; they stay in the story, marked as rejected")
    return 0 if count else NOT_ALL_WELL


def _print_faults(file: Path, plan: "Plan") -> None:
    from abusedesk.records.imports import SHOWN

    for fault in plan.faults[:SHOWN]:
        column = f"{fault.column}: " if fault.column else ""
        print(f"{file}:{fault.line}: {column}{fault.text}", file=sys.stderr)
    more = f" ({len(plan.faults) - SHOWN:,} more not shown)" if len(plan.faults) > SHOWN else ""
    print(f"abusedesk: {len(plan.faults):,} fault(s) in {file}{more}; nothing was imported", file=sys.stderr)


def _print_done(done: "Done", brand: "Brand") -> None:
    names = {"strike": "strikes", "case": "tickets that did not count", "owed": "amounts owed", "credit": "credits"}
    new = ", ".join(f"{count:,} {names.get(kind, 'lines of conversation')}" for kind, count in done.entries.items())
    corrected = f"; {done.corrected:,} corrected" if done.corrected else ""
    print(f"{brand.slug}: {new or 'nothing new'}{corrected}; {done.known:,} rows were here before")
    print("nobody was notified, nothing was charged, and no measure was taken")
