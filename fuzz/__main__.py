"""Fuzzes the reading of messages for a while and says what came of it: python -m fuzz [SECONDS]

Inputs grow from the samples of the tests and the seeds beside this file. What is kept under `var/fuzz`: the corpus that
the fuzzer grew, inputs that failed with their traceback, and the slowest, each measured again without instrumentation.
Exit code 1 where an input failed, stalled, or took longer than the limit.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from abusedesk.parsing.read import read
from fuzz.seeds import seeds

HOUR = 3600
LIMIT_MS = 250.0
_STALL = 20
_LARGEST = 64 * 1024
_MEMORY_MB = 3072
FOLDER = Path("var/fuzz")
TOKENS = Path(__file__).with_name("tokens.dict")


def main(arguments: list[str]) -> int:
    """Runs the fuzzer for so many seconds, an hour by default, and sums up."""
    seconds = int(arguments[0]) if arguments else HOUR
    corpus = FOLDER / "corpus"
    for name in ("failed", "slow"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    for folder in (corpus, FOLDER / "stalled"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds():
        (corpus / f"seed-{name}").write_bytes(content)
    ended = _fuzz(corpus, seconds)
    return _summary(ended)


def _fuzz(corpus: Path, seconds: int) -> int:
    command = [sys.executable, "-m", "fuzz.target", str(FOLDER), str(corpus), f"-max_total_time={seconds}"]
    command += [f"-max_len={_LARGEST}", f"-timeout={_STALL}", f"-rss_limit_mb={_MEMORY_MB}", f"-dict={TOKENS}"]
    command += [f"-artifact_prefix={FOLDER}/stalled/", "-print_final_stats=1"]
    with (FOLDER / "log").open("wb") as log:
        print(f"fuzzing for {seconds} s; what the fuzzer says goes to {FOLDER}/log", flush=True)
        return subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode


def _summary(ended: int) -> int:
    state = json.loads((FOLDER / "state.json").read_text())
    slowest, name = max(((_milliseconds(path), path.name) for path in (FOLDER / "slow").iterdir()), default=(0.0, ""))
    print(f"{state['inputs']:,} inputs in {state['seconds']} s")
    print(f"slowest: {slowest:.1f} ms ({state['slowest_ms']:.0f} ms instrumented) {name}; at most {LIMIT_MS:.0f} ms")
    for kind, number in state["findings"].items():
        print(f"failed {number} times: {kind}; see {FOLDER}/failed")
    if ended:
        print(f"the fuzzer ended with {ended}: an input stalled or broke the process; see {FOLDER}/stalled")
    return int(bool(ended or state["findings"] or slowest > LIMIT_MS))


def _milliseconds(path: Path) -> float:
    """The best of three readings without instrumentation."""
    data, best = path.read_bytes(), float("inf")
    for _ in range(3):
        begin = time.thread_time()
        read(data)
        best = min(best, time.thread_time() - begin)
    return best * 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
