"""`abusedesk policy show | lint`: what a policy author needs to read, check and change a pack.

Needs no database and no Django. Exit codes: 0 all well, 1 the pack falls short, 2 what was given cannot be used.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from abusedesk.problem import Problem

_SHOW = "Show a policy clause by clause: the text, the values in force, the rules, and how open questions are read."

_LINT = "Say what is wrong with packs: file:line:column, what, and what to do. Errors end with 1; warnings do not."


def run(arguments: list[str]) -> int:
    """Does one of the author's commands."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.work(options)
    except Problem as problem:
        print(f"abusedesk policy: {problem}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk policy",
        description="Read, check and change a policy pack.",
        epilog="PACK is the name of a pack that comes with the product (jimcloud, scalibit), or a pack's folder.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="the policy clause by clause", description=_SHOW)
    show.add_argument("pack", metavar="PACK")
    show.add_argument("--at", metavar="DATE", type=_date, help="as of this date (default: today), such as 2026-01-31")
    show.add_argument("--html", metavar="FILE", type=Path, help="write one self-contained page for the public instead")
    show.set_defaults(work=_show)
    lint = commands.add_parser("lint", help="find the faults of packs", description=_LINT)
    lint.add_argument("paths", metavar="PATH", nargs="+", help="a pack's name or folder")
    lint.set_defaults(work=_lint)
    return parser


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write 2026-01-31") from None


def _show(options: argparse.Namespace) -> int:
    from abusedesk.policy.author.show import as_html, as_text, sheet
    from abusedesk.policy.pack import load_pack

    shown = sheet(load_pack(options.pack), options.at or datetime.now(UTC))
    if options.html is None:
        print(as_text(shown))
        return 0
    try:
        options.html.write_text(as_html(shown), encoding="utf-8")
    except OSError as error:
        raise Problem(f"{options.html} cannot be written: {error.strerror}; give another file") from None
    print(f"wrote {options.html}")
    return 0


def _lint(options: argparse.Namespace) -> int:
    from abusedesk.policy.author.lint import lint

    found = [finding for path in options.paths for finding in lint(path)]
    for finding in found:
        print(finding)
    errors = sum(finding.level == "error" for finding in found)
    print(f"{errors} errors, {len(found) - errors} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
