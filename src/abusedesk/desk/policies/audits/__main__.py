"""Carries out one check of the record: `python -m abusedesk.desk.policies.audits ID PARENT`, started by the worker."""

import os
import sys

from abusedesk import lifeline

NICENESS = 10
"""A check can wait; a report that came in cannot."""


def main(run: str, parent: str) -> None:
    """Carry it out and write down what came of it."""
    lifeline.end_with_parent(int(parent))
    os.nice(NICENESS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
    import django  # noqa: PLC0415 - nothing of Django before the settings are known

    django.setup()
    from abusedesk.desk.policies.audits.runs import carry_out  # noqa: PLC0415 - it needs the models

    carry_out(int(run))


if __name__ == "__main__":
    main(*sys.argv[1:3])
