"""`abusedesk worker`: carries out effects until it is stopped."""

import argparse
import os
import socket

from abusedesk.cli.part import run_loop

LOOP = "abusedesk.desk.work:run"


def run(arguments: list[str]) -> int:
    """Run one worker; as many as wanted may run on as many machines as there are."""
    parser = argparse.ArgumentParser(
        prog="abusedesk worker",
        description="Carry out effects (notices, measures) until stopped. `serve` runs this too; more may run beside "
        "it, here or on other machines that use the same database.",
    )
    parser.add_argument("--name", default="", help="how leases and logs call this worker (default: host and pid)")
    name = parser.parse_args(arguments).name or f"{socket.gethostname()}-{os.getpid()}"
    return run_loop(LOOP, name)
