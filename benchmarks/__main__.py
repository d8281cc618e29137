"""Runs every benchmark, prints the figures beside their goals and writes `var/bench.json`.

python -m benchmarks            all of them
python -m benchmarks decide     those modules alone
"""

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

MODULES = ("decide", "replay", "parsing", "lookup", "signatures", "ingest", "lmtp", "deadlines", "measures", "sweep")

GOALS = {
    "mail_ingest_per_s": (">=", 3000),
    "dkim_per_s": (">=", 800),
    "lmtp_per_s": (">=", 1000),
    "feed_rows_per_s": (">=", 30000),
    "decide_per_s": (">=", 20000),
    "mixed_parse_per_s": (">=", 2000),
    "largest_mail_mb": ("<=", 300),
    "replay_million_s": ("<=", 60),
    "arf_parse_per_s": (">=", 8000),
    "shadowserver_rows_per_s": (">=", 100000),
    "deadline_poll_ms": ("<=", 5),
    "deadlines_fired_per_s": (">=", 2000),
    "measure_p50_s": ("<=", 0.5),
    "measure_p99_s": ("<=", 2),
}
"""The figures of the design's section 8 that can be measured so far; what is missing here has no goal."""


class Figure(TypedDict):
    """One measured value with its unit."""

    value: float
    unit: str


def main(names: list[str]) -> int:
    """Measures the named modules, or all; exit code 2 for a name that is none."""
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        print(f"no benchmark named {unknown[0]}; there are: {', '.join(MODULES)}", file=sys.stderr)
        return 2
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {datetime.now(UTC):%F %H:%M}Z")
    figures: dict[str, Figure] = {}
    for name in names or MODULES:
        started = time.perf_counter()
        measured = _measure(name)
        figures |= measured
        print(f"\n{name} ({time.perf_counter() - started:.0f} s)")
        for key, figure in measured.items():
            print(f"  {key:28}{figure['value']:>14,.1f} {figure['unit']:10}{_against_goal(key, figure['value'])}")
    _write(figures)
    return 0


def _measure(name: str) -> dict[str, Figure]:
    """Measures one module in a process of its own: what one leaves behind must not weigh on the next."""
    call = f"import json; from benchmarks.{name} import measure; print(json.dumps(measure()))"
    done = subprocess.run([sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Figure] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _against_goal(key: str, value: float) -> str:
    if key not in GOALS:
        return ""
    sign, goal = GOALS[key]
    ratio = value / goal if sign == ">=" else goal / max(value, 1e-9)
    return f"goal {sign} {goal:,}: {ratio:.2f} of it"


def _write(figures: dict[str, Figure]) -> None:
    path = Path("var/bench.json")
    path.parent.mkdir(exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | figures, indent=2, sort_keys=True) + "\n")
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
