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
    if given.dry_run:
        print(f"{plan.rows:,} rows, and nothing is wrong with them; dry run: nothing was written")
        return 0
    with Progress() as progress:
        progress.begin("carried over", plan.rows)
        done = history.write(plan, brand, given.by, now, progress.advance)
        progress.end()
    _print_done(done, brand)
    return 0


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
    print(f"{brand.slug}: {new or 'nothing new'}; {done.known:,} rows were here before")
    print("nobody was notified, nothing was charged, and no measure was taken")
