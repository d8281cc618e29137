"""What `worker` and `watch` have in common: stop on a signal, end with the supervisor, use a running database."""

import importlib
import signal
import threading
from collections.abc import Callable
from typing import Any, cast

from abusedesk import lifeline
from abusedesk.cli.session import session

# Longer than one step of any loop; after that, whoever stops us should not have to wait.
PATIENCE_S = 25


def run_loop(loop: str, *arguments: Any, decides: bool = True) -> int:
    """Run `module:function(stop, *arguments)` until SIGINT or SIGTERM sets `stop`."""
    lifeline.end_with_supervisor()
    with session(attach_only=True, decides=decides):
        resolve(loop)(stop_on_signal(), *arguments)
    return 0


def resolve(name: str) -> Callable[..., Any]:
    """`package.module:function` as the function."""
    module, _, function = name.partition(":")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), function))


def stop_on_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set; the process is ended hard when it has not stopped a while later."""
    stop = threading.Event()

    def stop_soon(*_: object) -> None:
        if not stop.is_set():
            lifeline.exit_after(PATIENCE_S)
        stop.set()

    signal.signal(signal.SIGTERM, stop_soon)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, stop_soon)
    return stop
