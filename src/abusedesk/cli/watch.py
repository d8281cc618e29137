"""`abusedesk watch`: fires what is due until it is stopped."""

import argparse

from abusedesk.cli.part import run_loop

LOOP = "abusedesk.desk.watch:run"


def run(arguments: list[str]) -> int:
    """Run the watch loop."""
    argparse.ArgumentParser(
        prog="abusedesk watch",
        description="Fire deadlines and end what has expired, until stopped. `serve` runs this too; a second "
        "one does no harm.",
    ).parse_args(arguments)
    return run_loop(LOOP)
