"""Dump and restore of a whole database, with the PostgreSQL programs that come with the installation."""

import os
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from abusedesk.problem import Problem
from abusedesk.records.cluster import wheel_binaries

BY = "restore"
"""Who holds the brands after a restore. Until then nobody knows what was done outside since the backup."""


def dump(dsn: str, file: Path) -> None:
    """Write everything to `file` in PostgreSQL's custom format, whole or not at all.

    Raises Problem when the file cannot be written or the database not be read.
    """
    draft = file.with_name(f"{file.name}.draft")
    try:
        # The dump holds what the desk knows about people: nobody else's business.
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        _tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}", dsn=dsn)
        draft.replace(file)
    except OSError as error:
        raise Problem(
            f"{file}: cannot be written ({error.strerror}); name a file in a folder that this user may write"
        ) from None
    finally:
        draft.unlink(missing_ok=True)


def restore(dsn: str, file: Path) -> None:
    """Replace everything in the database by what `file` holds, in one transaction, with every brand held.

    What was decided, paid or answered after the backup is not known in it, so nothing may act before a person looked.
    Raises Problem when the file is no dump or does not fit; the database is then as before.
    """
    if not file.is_file():
        raise Problem(f"{file}: there is no such file; name one that `abusedesk database dump` wrote")
    script = _tool("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file))
    once = ("--single-transaction", "--set=ON_ERROR_STOP=1")
    _tool("psql", "--no-psqlrc", "--quiet", *once, dsn=dsn, text=_EMPTY + script + _HOLD)


# A restore that waits for ever behind an open connection would look like a slow one.
_EMPTY = "set lock_timeout = '10s';\ndrop schema public cascade;\ncreate schema public;\n"


# Held since the last sign of life in the backup, so that deadlines move by all the time that is missing. What stands is
# looked at again at once. A dump of before there were brands, or looks, has none of it.
_HOLD = """
do $$ begin
  update public.records_brand set held_by = 'restore',
    held_since = coalesce((select at from public.records_heartbeat where name = 'watch'), now()),
    held_reason = 'restored from a backup; compare what stands with the outside, see what would fire, then release'
  where held_since is null and not dry_run;
  update public.records_target set look_at = least(look_at, now()) where look_at is not null;
exception when undefined_table or undefined_column then null; end $$;
"""


def held(dsn: str) -> list[str]:
    """The slugs of the brands that a restore left held."""
    said = _tool("psql", "--no-psqlrc", "-At", "-c", _HELD, dsn=dsn)
    return said.split()


_HELD = "select slug from records_brand where held_by = 'restore' and held_since is not null order by slug"


def is_empty(dsn: str) -> bool:
    """Whether the database holds no table yet."""
    return _tool("psql", "--no-psqlrc", "-At", "-c", _COUNT, dsn=dsn).strip() == "0"


_COUNT = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"


def without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and an environment with it: a command line is for everyone to read."""
    parts = conninfo_to_dict(dsn)
    password = parts.pop("password", None)
    return make_conninfo("", **parts), {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}


def _tool(name: str, *arguments: str, dsn: str = "", text: str = "") -> str:
    address, environment = without_password(dsn)
    connect = [f"--dbname={address}"] if dsn else []
    done = subprocess.run(
        [wheel_binaries() / name, *connect, *arguments],
        input=text, capture_output=True, text=True, check=False, umask=0o077, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise Problem(f"{name} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return next(
        (line for line in lines if "ERROR" in line or "error:" in line), lines[0] if lines else "it said nothing"
    )
