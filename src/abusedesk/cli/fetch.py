"""`abusedesk fetch`: asks the channels that are to be asked until it is stopped."""

import argparse

from abusedesk.cli.part import run_loop

LOOP = "abusedesk.channels.fetch:run"


def run(arguments: list[str]) -> int:
    """Run the fetching part; one is enough."""
    argparse.ArgumentParser(
        prog="abusedesk fetch",
        description="Ask mailboxes and watched folders for what has come, as set in the console, until stopped. "
        "`serve` runs this too.",
    ).parse_args(arguments)
    return run_loop(LOOP)
