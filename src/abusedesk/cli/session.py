"""What every command with a database does first: settings read, server running, Django ready, tables up to date."""

import contextlib
import os
import sys
from collections.abc import Iterator

from abusedesk import configuration
from abusedesk.cli.main import one_line
from abusedesk.configuration import Configuration
from abusedesk.problem import Problem
from abusedesk.records import embedded

# Any constant: it keeps two migrations of one database apart.
_MIGRATION_LOCK = 0x6162757365


@contextlib.contextmanager
def session(*, attach_only: bool = False, migrate: bool = True, decides: bool = False) -> Iterator[Configuration]:
    """Everything that a command needs to use the models. An embedded server that it had to start ends with the block.

    `attach_only` demands that the embedded server runs already. With `migrate`, tables that are behind are brought up
    to date on an embedded database and refused on another. What `decides` is refused while an upgrade that would
    decide otherwise waits for somebody. Raises Problem with one line that says what to do.
    """
    settings = configuration.load()
    with server(settings, attach_only=attach_only):
        ready_django(settings)
        if migrate:
            _bring_up_to_date(settings)
        if decides:
            _refuse_unsettled()
        yield settings
        close_connections()


@contextlib.contextmanager
def server(settings: Configuration, *, attach_only: bool = False) -> Iterator[embedded.Server | None]:
    """The embedded server for the length of the block, or None when another database is configured."""
    if settings.database_url is not None:
        yield None
    elif attach_only:
        attached = embedded.attach(settings.data)
        try:
            yield attached
        finally:
            attached.stop()
    else:
        with embedded.running(settings.data, tell=_tell) as running:
            yield running


def _tell(text: str) -> None:
    print(f"abusedesk: {text}", file=sys.stderr, flush=True)


def ready_django(settings: Configuration) -> None:
    """Make the models usable and see that the database answers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
    import django

    django.setup()
    from django.db import NotSupportedError, OperationalError, connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('server_version_num')::int")
            (version,) = cursor.fetchone()
    except (OperationalError, NotSupportedError) as error:
        raise Problem(_unreachable(settings, error)) from None
    if version < 150000:
        raise Problem(f"the database server is PostgreSQL {version // 10000}; abusedesk needs 15 or newer")


def _unreachable(settings: Configuration, error: Exception) -> str:
    if settings.database_url is None:
        return f"the embedded database in {settings.data} does not answer: {one_line(error)}"
    reason = one_line(error)
    return f"ABUSEDESK_DATABASE_URL: the database does not answer: {reason}; correct the address or start that server"


def pending_migrations() -> list[str]:
    """Names of the migrations that this release has and the database has not."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def apply_migrations() -> list[str]:
    """Bring the tables up to this release, and the reporters that it ships; one process at a time.

    Returns what was applied.
    """
    from django.core.management import call_command
    from django.db import connection

    from abusedesk.records import shipped

    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            pending = pending_migrations()
            if pending:
                call_command("migrate", interactive=False, verbosity=0)
            shipped.load()
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [_MIGRATION_LOCK])
    return pending


def _bring_up_to_date(settings: Configuration) -> None:
    pending = pending_migrations()
    if not pending:
        return
    if settings.database_url is not None:
        raise Problem(f"the tables are {len(pending)} migration(s) behind this release; run `abusedesk migrate`")
    apply_migrations()


def _refuse_unsettled() -> None:
    from abusedesk.desk.policies.upgrade import must_be_settled

    must_be_settled()


def close_connections() -> None:
    """Close what Django holds open, so that the server can end without waiting."""
    from django.db import connections

    connections.close_all()
