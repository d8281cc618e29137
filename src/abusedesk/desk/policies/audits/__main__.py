"""Carries out one check of the record: `python -m abusedesk.desk.policies.audits ID PARENT`, started by the worker."""

import sys

from abusedesk.desk.policies import child


def main(run: str, parent: str) -> None:
    """Carry it out and write down what came of it."""
    child.set_up(int(parent))
    from abusedesk.desk.policies.audits.runs import carry_out  # noqa: PLC0415 - it needs the models

    carry_out(int(run))


if __name__ == "__main__":
    main(*sys.argv[1:3])
