"""`abusedesk migrate`: the tables brought up to this release."""

import argparse

from abusedesk import lifeline
from abusedesk.cli.session import apply_migrations, session


def run(arguments: list[str]) -> int:
    """Apply what is missing and say what that was."""
    parser = argparse.ArgumentParser(
        prog="abusedesk migrate",
        description="Bring the tables up to this release. `serve` and `demo` do it by themselves; safe to repeat.",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing when there was nothing to do")
    quiet = parser.parse_args(arguments).quiet
    lifeline.end_with_supervisor()
    with session(migrate=False):
        applied = apply_migrations()
    if applied:
        print(f"brought the tables up to date: {len(applied)} migration(s)")
    elif not quiet:
        print("the tables are up to date")
    return 0
