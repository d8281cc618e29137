"""Ties a process to its parent, so that nothing of ours outlives the command that started it."""

import ctypes
import os
import signal
import sys
import threading
import time

SUPERVISOR = "ABUSEDESK_SUPERVISOR"
# Pid of the process that forks off others; they inherit the value and see by it whether they came too late.
main_process: int | None = None
_SET_PDEATHSIG = 1
_POLL_S = 1.0


def end_with_supervisor(*, leave_interrupt: bool = True) -> None:
    """If a supervisor (`serve`, or make) started this process, send it SIGTERM when that dies, however it dies.

    With `leave_interrupt`, Ctrl-C, which reaches the whole process group, is left to the supervisor: `serve` says in
    what order its parts stop.
    """
    supervisor = os.environ.pop(SUPERVISOR, "")
    if not supervisor:
        return
    if leave_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(int(supervisor))


def end_with_parent(parent: int | None = None) -> None:
    """Send this process SIGTERM when its parent dies. `parent` guards against one that died before this call."""
    parent = parent or os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)


def exit_after(seconds: float) -> None:
    """End this process hard when its orderly end takes longer than this."""

    def cut() -> None:
        time.sleep(seconds)
        os._exit(1)

    threading.Thread(target=cut, daemon=True).start()
