"""Long work of a worker in a process of its own, one at a time, ended with the thread that started it.

The process holds a lease on the row of its work; where it dies, the lease runs out and another worker begins again.
"""

import os
import subprocess
import sys
from collections.abc import Callable

from abusedesk import lifeline

NICENESS = 10
"""Such work can wait; a report that came in cannot."""


class Children:
    """The processes of one module, `python -m MODULE ID PARENT`, by the worker that looks after each."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def look_after(self, worker: str, claim: Callable[[], object | None]) -> int:
        """Begins with the id that was claimed, if any, once none runs. Returns 1 where one began or came to its end."""
        child = self._running.get(worker)
        if child is not None:
            if child.poll() is None:
                return 0
            del self._running[worker]
            return 1
        work = claim()
        if work is None:
            return 0
        self._running[worker] = subprocess.Popen([sys.executable, "-m", self._module, str(work), str(os.getpid())])
        return 1

    def of(self, worker: str) -> "subprocess.Popen[bytes]":
        """The process that a worker looks after."""
        return self._running[worker]


def set_up(parent: int) -> None:
    """Readies the process itself: it ends with its parent, lets others go first, and knows Django."""
    lifeline.end_with_parent(parent)
    os.nice(NICENESS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
    import django  # noqa: PLC0415 - nothing of Django before the settings are known

    django.setup()
