"""`abusedesk policy lint`: the faults of packs, each with its place and what to do."""

import argparse

from abusedesk.policy.author.lint import lint

DESCRIPTION = (
    "Say what is wrong with packs: file:line:column, what, and what to do. Errors end with 1; warnings do not."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("paths", metavar="PATH", nargs="+", help="a pack's name or folder")


def work(options: argparse.Namespace) -> int:
    """Prints what was found; 1 where that has errors."""
    found = [finding for path in options.paths for finding in lint(path)]
    for finding in found:
        print(finding)
    errors = sum(finding.level == "error" for finding in found)
    print(f"{_counted(errors, 'error')}, {_counted(len(found) - errors, 'warning')}")
    return 1 if errors else 0


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
