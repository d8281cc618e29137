"""`abusedesk audit`: whether the chain of decisions holds, and whether they would be made again."""

import argparse
import getpass
import sys
from datetime import UTC, datetime, timedelta

from abusedesk.cli.progress import Progress
from abusedesk.cli.session import session
from abusedesk.problem import Problem

NOT_ALL_WELL = 1
SHOWN = 50

_EPILOG = (
    "Exit codes: 0 all holds; 1 something does not: a broken chain, a decision that would be another today, one whose "
    "policy is not kept or that cannot be read; 2 what was given cannot be used. Decisions whose values were erased, "
    "as retention demands, are counted and do no harm to the exit code."
)


def run(arguments: list[str]) -> int:
    """Runs `audit verify` or `audit recompute`. Exit code 1 when something does not hold."""
    options = _parser().parse_args(arguments)
    since = _since(options)
    with session():
        return _carry_out(options, since)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="abusedesk audit", description=__doc__, epilog=_EPILOG)
    parser.add_argument(
        "what",
        choices=("verify", "recompute"),
        help="verify: walk the hash chains of decisions and of publications; "
        "recompute: make stored decisions again, each under its own policy, and compare",
    )
    span = parser.add_mutually_exclusive_group()
    span.add_argument("--since", metavar="DATE", help="recompute what was decided since a date, from snapshots before")
    span.add_argument("--days", type=int, metavar="N", help="the same, of the last N days")
    parser.add_argument("--brand", metavar="SLUG", help="recompute one brand's decisions only")
    parser.add_argument("--all", action="store_true", help=f"print every difference, not the first {SHOWN} only")
    parser.add_argument("--by", metavar="NAME", help="who runs it, for the list in the console (default: the account)")
    return parser


def _since(options: argparse.Namespace) -> datetime | None:
    if options.what == "verify" and (options.since or options.days is not None or options.brand):
        raise Problem("verify walks the whole chains; --since, --days and --brand are for recompute")
    if options.days is not None:
        if not 0 < options.days < 36500:
            raise Problem(f"--days {options.days}: give a number of days from 1")
        return datetime.now(UTC) - timedelta(days=options.days)
    if options.since is None:
        return None
    try:
        given = datetime.fromisoformat(options.since)
    except ValueError:
        raise Problem(f"--since {options.since}: is no date; write 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _carry_out(options: argparse.Namespace, since: datetime | None) -> int:
    from abusedesk.desk.policies.audits.runs import look_over, note

    brand, began = _brand(options.brand), datetime.now(UTC)
    with Progress() as progress:
        found = look_over(options.what, since, brand, progress, None if options.all else SHOWN)
    for difference in found.differences:
        print(difference, file=sys.stderr)
    if found.differing > len(found.differences):
        print(f"and {found.differing - len(found.differences):,} more; --all prints them", file=sys.stderr)
    print(found.said)
    note(options.what, options.by or getpass.getuser(), found, began=began, since=since, brand=brand)
    return NOT_ALL_WELL if found.differing else 0


def _brand(slug: str | None) -> int | None:
    from abusedesk.records.models import Brand

    if slug is None:
        return None
    found = dict(Brand.objects.values_list("slug", "pk"))
    if slug not in found:
        raise Problem(f"there is no brand {slug!r}; there are {', '.join(sorted(found)) or 'none'}")
    return found[slug]
