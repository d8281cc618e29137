"""A little chaos: the same play as `make chaos`, with few kills, on the outsides that start fast."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.test_main import clean_environment

ROOT = Path(__file__).parents[2]
OUTSIDES = "webhook,command,proxmox,openstack,whmcs"


def test_what_is_killed_at_random_ends_as_decided_and_nothing_is_done_twice() -> None:
    seed = os.environ.get("TEST_CHAOS_SEED", "1")
    words = ["--effects", "100", "--kills", "9", "--seed", seed, "--only", OUTSIDES]
    command = [sys.executable, "-m", "benchmarks.chaos", *words]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-2000:]}"
    assert "everything is as decided, and nothing was done twice" in done.stdout
