"""The parent of the embedded server: ends it when its owner goes away, by whatever means.

Run as a plain script with the standard library only. Standard input is a pipe whose other end the owner alone holds:
the kernel closes it when the owner ends, even by SIGKILL. Should this process itself be killed, the kernel interrupts
the server, which PostgreSQL takes as an order to shut down fast.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TypedDict

PATIENCE_S = 30
_SET_PDEATHSIG = 1


class Order(TypedDict):
    """What to start. `user`, `group` and `groups` are None for the user of this process."""

    command: list[str]
    environment: dict[str, str]
    user: int | None
    group: int | None
    groups: list[int] | None


def main(order: Order) -> int:
    """Start the server as ordered and stay until it has ended. Returns its exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    server = _start(order)
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
    threading.Thread(target=_end_with_owner, args=(server,), daemon=True).start()
    return server.wait()


def _start(order: Order) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        order["command"],
        stdin=subprocess.DEVNULL,
        env=order["environment"],
        cwd="/",
        umask=0o077,
        preexec_fn=_interrupt_when_orphaned,  # noqa: PLW1509 - no thread has been started yet
        user=order["user"],
        group=order["group"],
        extra_groups=order["groups"],
    )


def _interrupt_when_orphaned() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGINT)


def _end_with_owner(server: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 64):
        pass
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(number)
        try:
            server.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
