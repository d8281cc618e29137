"""A database for the benchmarks that need one: an embedded server in a folder that is thrown away, tables and all."""

import atexit
import contextlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def ready() -> None:
    """Make Django usable on a fresh database, once per process; the server ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="abusedesk-bench-"))
    os.environ["ABUSEDESK_DATA"] = str(folder)
    os.environ["ABUSEDESK_LOG_LEVEL"] = "error"
    from abusedesk.cli.session import session  # noqa: PLC0415 - it reads the settings just made
    from abusedesk.records import embedded  # noqa: PLC0415

    stack = contextlib.ExitStack()
    home = embedded.locate(folder).home
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(stack.close)
    stack.enter_context(session())
