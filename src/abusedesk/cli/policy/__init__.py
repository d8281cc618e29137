"""`abusedesk policy …`: what a policy author needs to read, check, try and change a pack; one file a command.

Exit codes: 0 all well, 1 the pack falls short, 2 what was given cannot be used.
"""

import argparse
import importlib
import sys
from typing import NamedTuple

from abusedesk.problem import Problem


class AuthorsCommand(NamedTuple):
    """One command: its module, with `DESCRIPTION`, `arguments(parser)` and `work(options) -> exit code`."""

    name: str
    summary: str


COMMANDS = (
    AuthorsCommand("copy", "a pack's folder, to be changed"),
    AuthorsCommand("show", "the policy clause by clause"),
    AuthorsCommand("lint", "find the faults of packs"),
    AuthorsCommand("test", "play the test cases of packs"),
    AuthorsCommand("coverage", "which clause is tried by which case"),
    AuthorsCommand("diff", "what two packs, or two dates, say differently"),
    AuthorsCommand("simulate", "the recorded past of a brand replayed under a changed pack"),
    AuthorsCommand("publish", "put a changed pack forward, and approve what another put forward"),
)

PACK = "the name of a pack that comes with the product (jimcloud, scalibit), or a pack's folder"


def run(arguments: list[str]) -> int:
    """Does one of the author's commands."""
    options = _parser(arguments[:1]).parse_args(arguments)
    try:
        code: int = options.work(options)
    except Problem as problem:
        print(f"abusedesk policy: {problem}", file=sys.stderr)
        return 2
    return code


def _parser(wanted: list[str]) -> argparse.ArgumentParser:
    """Only the module of the wanted command is loaded: the others may need a database."""
    parser = argparse.ArgumentParser(
        prog="abusedesk policy",
        description="Read, check, try and change a policy pack.",
        epilog=f"PACK is {PACK}.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        if [command.name] != wanted:
            commands.add_parser(command.name, help=command.summary)
            continue
        module = importlib.import_module(f"abusedesk.cli.policy.{command.name}")
        one = commands.add_parser(command.name, help=command.summary, description=module.DESCRIPTION)
        module.arguments(one)
        one.set_defaults(work=module.work)
    return parser
