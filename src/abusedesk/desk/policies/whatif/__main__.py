"""Plays one what-if: `python -m abusedesk.desk.policies.whatif ID`, started by the worker, and ended with it."""

import os
import sys

from abusedesk import lifeline

NICENESS = 10
"""A what-if can wait; a report that came in cannot."""


def main(run: str, parent: str) -> None:
    """Play it and write down what came of it."""
    lifeline.end_with_parent(int(parent))
    os.nice(NICENESS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
    import django  # noqa: PLC0415 - nothing of Django before the settings are known

    django.setup()
    from abusedesk.desk.policies.whatif.runs import play  # noqa: PLC0415 - it needs the models

    play(run)


if __name__ == "__main__":
    main(*sys.argv[1:3])
