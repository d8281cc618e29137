"""`abusedesk migrate`: the tables brought up to this release, and the recent past held against it."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from abusedesk import lifeline
from abusedesk.cli.progress import Progress
from abusedesk.cli.session import apply_migrations, session

if TYPE_CHECKING:
    from abusedesk.records.models import UpgradeAudit

NOT_ALL_WELL = 1
SHOWN = 20

_EPILOG = (
    "Exit codes: 0 all is settled; 1 recent decisions would be others from now on, or a policy rewrites what is in "
    "force, and nobody has accepted it: until then nothing decides; 2 what was given cannot be used."
)


def run(arguments: list[str]) -> int:
    """Apply what is missing and say what that was; then hold the recent past against what decides from now on."""
    options = _parser().parse_args(arguments)
    lifeline.end_with_supervisor()
    with session(migrate=False) as settings, Progress() as progress:
        applied = apply_migrations()
        if applied:
            print(f"brought the tables up to date: {len(applied)} migration(s)", flush=True)
        elif not options.quiet:
            print("the tables are up to date", flush=True)
        days = settings.audit_days if options.days is None else options.days
        return settle(progress, days, options.by if options.accept_differences else None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk migrate",
        description="Bring the tables up to this release. Where its engine, or a policy in its folder, is not what "
        "decided last, make the decisions of the last days again first, each under its own policy, and say what would "
        "be another. `serve` does it by itself; safe to repeat.",
        epilog=_EPILOG,
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing when there was nothing to do")
    parser.add_argument(
        "--days",
        type=_days,
        metavar="N",
        help="make the decisions of the last N days again (setting audit_days: 30; 0: none)",
    )
    parser.add_argument("--accept-differences", action="store_true", help="let it decide from now on as it says")
    parser.add_argument("--by", default="", metavar="NAME", help="who accepts them")
    return parser


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


def settle(progress: Progress, days: int, accepted_by: str | None) -> int:
    """Looks at what changed, says what that changes, and has it accepted by somebody. Returns the exit code."""
    from abusedesk.desk.policies import upgrade

    for change in upgrade.changes():
        print(change, flush=True)
    now = datetime.now(UTC)
    audit = upgrade.look(now, timedelta(days=days) if days else None, progress)
    if audit is None:
        return 0
    _print_audit(audit, upgrade.summary(audit))
    if audit.state == "clean":
        return 0
    if accepted_by is None:
        print(_refusal(audit, days), file=sys.stderr)
        return NOT_ALL_WELL
    upgrade.accept(audit, accepted_by, now)
    print(f"accepted by {accepted_by}; from now on it is decided so")
    return 0


def _print_audit(audit: "UpgradeAudit", summary: str) -> None:
    for difference in audit.differences[:SHOWN]:
        print(difference, file=sys.stderr)
    if audit.differing > SHOWN:
        print(f"and {audit.differing - SHOWN:,} more", file=sys.stderr)
    if summary:
        print(summary, flush=True)


def _refusal(audit: "UpgradeAudit", days: int) -> str:
    return (
        f"abusedesk: {audit.differing:,} difference{'' if audit.differing == 1 else 's'}: from now on it would be "
        "decided otherwise than it was, so nothing decides before somebody has read them "
        f"(`abusedesk audit recompute --days {days or 30} --all` tells every decision); "
        "then `abusedesk migrate --accept-differences --by NAME`, or go back to the release and the policies of before"
    )
