"""`abusedesk audit`: whether the chain of decisions holds, and whether they would be made again."""

import argparse
import sys
from collections.abc import Iterable

from abusedesk.cli.session import session


def run(arguments: list[str]) -> int:
    """Runs `audit verify` or `audit recompute`. Exit code 1 when something does not hold."""
    options = _parser().parse_args(arguments)
    with session():
        return _report(options.what)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="abusedesk audit", description=__doc__)
    parser.add_argument(
        "what",
        choices=("verify", "recompute"),
        help="verify: walk the hash chain of every docket; recompute: make every stored decision again and compare",
    )
    return parser


def _report(what: str) -> int:
    from abusedesk.desk.audit import recompute_all
    from abusedesk.records.chain import Fault, verify
    from abusedesk.records.models import Decision, Docket

    faults: Iterable[Fault] = verify() if what == "verify" else recompute_all()
    count = 0
    for fault in faults:
        count += 1
        print(f"docket {fault.docket}, decision {fault.sequence}: {fault.problem}", file=sys.stderr)
    looked_at = f"{Decision.objects.count():,} decisions of {Docket.objects.count():,} dockets"
    print(f"{looked_at}: {f'{count} do not hold' if count else 'all hold'}")
    return 1 if count else 0
