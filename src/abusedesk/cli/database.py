"""`abusedesk database dump | restore | shell`."""

import argparse
import signal
import subprocess
from pathlib import Path

from abusedesk import configuration
from abusedesk.cli.session import server
from abusedesk.configuration import Configuration
from abusedesk.problem import Problem
from abusedesk.records import backup, embedded
from abusedesk.records.cluster import wheel_binaries


def run(arguments: list[str]) -> int:
    """Do one of the three on the configured database."""
    parser = argparse.ArgumentParser(
        prog="abusedesk database",
        description="Dump the whole database to a file, restore it from one, or open psql on it.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    dump = actions.add_parser("dump", help="write everything to FILE (PostgreSQL's custom format)")
    dump.add_argument("file", type=Path, metavar="FILE")
    restore = actions.add_parser("restore", help="replace everything by what FILE holds, all of it or nothing")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--replace", action="store_true", help="do so even if the database is not empty")
    actions.add_parser("shell", help="open psql")
    chosen = parser.parse_args(arguments)
    settings = configuration.load()
    with server(settings):
        return _ACTIONS[chosen.action](settings, chosen)


def _dump(settings: Configuration, chosen: argparse.Namespace) -> int:
    backup.dump(_dsn(settings), chosen.file)
    print(f"wrote {chosen.file} ({chosen.file.stat().st_size:,} bytes)")
    return 0


def _restore(settings: Configuration, chosen: argparse.Namespace) -> int:
    if not chosen.replace and not backup.is_empty(_dsn(settings)):
        raise Problem("the database is not empty; stop `serve` and add --replace to give up what it holds")
    backup.restore(_dsn(settings), chosen.file)
    held = backup.held(_dsn(settings))
    if held:
        print(f"held until somebody releases them: {', '.join(held)}; what happened since the backup is not known here")
    print(f"restored {chosen.file}; run `abusedesk migrate` if it was dumped by an older release")
    return 0


def _shell(settings: Configuration, _: argparse.Namespace) -> int:
    # Waited for, not replaced by: an embedded server that was started for the shell must end after it.
    # Ctrl-C is for psql, which gives up the line or the query.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dsn, environment = backup.without_password(_dsn(settings))
    return subprocess.run([wheel_binaries() / "psql", dsn], env=environment, check=False).returncode


_ACTIONS = {"dump": _dump, "restore": _restore, "shell": _shell}


def _dsn(settings: Configuration) -> str:
    return settings.database_url or embedded.dsn(settings.data)
