"""`abusedesk lmtp`: takes mail in over LMTP and SMTP until it is stopped."""

import argparse

from abusedesk import configuration
from abusedesk.cli.part import run_loop
from abusedesk.problem import Problem

LOOP = "abusedesk.channels.lmtp:run"


def run(arguments: list[str]) -> int:
    """Run the doors for mail servers that the settings open."""
    argparse.ArgumentParser(
        prog="abusedesk lmtp",
        description="Take mail in over LMTP (ABUSEDESK_LMTP) and SMTP (ABUSEDESK_SMTP) until stopped. `serve` runs "
        "this too where one of them is set.",
    ).parse_args(arguments)
    settings = configuration.load()
    if settings.lmtp is None and settings.smtp is None:
        raise Problem("no mail is taken in: set ABUSEDESK_LMTP or ABUSEDESK_SMTP, such as 127.0.0.1:2424")
    return run_loop(LOOP, decides=False)
