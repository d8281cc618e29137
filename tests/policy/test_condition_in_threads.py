"""The first conditions of a process may be compiled by several threads at once: a worker's lanes all begin together."""

import subprocess
import sys

CODE = """
from threading import Barrier, Thread
from abusedesk.policy.condition import compile_condition
together = Barrier(8)
found = []
def first():
    together.wait()
    found.append(compile_condition("trial", {"trial": "bool"}))
threads = [Thread(target=first) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
print(len(found))
"""


def test_all_of_them_are_compiled() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("8\n", "")
