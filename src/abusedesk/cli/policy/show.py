"""`abusedesk policy show`: a policy clause by clause, for a terminal or as a page for the public."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from abusedesk.policy.author.show import as_html, as_text, sheet
from abusedesk.policy.pack import load_pack
from abusedesk.problem import Problem

DESCRIPTION = (
    "Show a policy clause by clause: the text, the values in force, the rules, and how open questions are read."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("pack", metavar="PACK")
    parser.add_argument("--at", metavar="DATE", type=_date, help="as of this date (default: today), such as 2026-01-31")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write one self-contained page for the public instead"
    )


def work(options: argparse.Namespace) -> int:
    """Prints the policy, or writes the page."""
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


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write 2026-01-31") from None
