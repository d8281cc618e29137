"""Plays one what-if: `python -m abusedesk.desk.policies.whatif ID`, started by the worker, and ended with it."""

import sys

from abusedesk.desk.policies import child


def main(run: str, parent: str) -> None:
    """Play it and write down what came of it."""
    child.set_up(int(parent))
    from abusedesk.desk.policies.whatif.runs import play  # noqa: PLC0415 - it needs the models

    play(run)


if __name__ == "__main__":
    main(*sys.argv[1:3])
