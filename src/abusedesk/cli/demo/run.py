"""`abusedesk demo`: a fresh installation filled with a day of complaints, and served."""

import argparse

from abusedesk import configuration, lifeline
from abusedesk.cli import serve
from abusedesk.cli.part import resolve
from abusedesk.cli.progress import Progress
from abusedesk.cli.session import apply_migrations, session
from abusedesk.configuration import Configuration
from abusedesk.records.lock import holder, is_held

FILL = "abusedesk.cli.demo.fill:fill"
ANSWER = "abusedesk.cli.demo.lists:answer"


def run(arguments: list[str]) -> int:
    """Fill, say where and how to sign in, and serve unless told not to or served already."""
    parser = argparse.ArgumentParser(
        prog="abusedesk demo",
        description="Fill the data folder with two brands, their customers and a day of made-up complaints, and serve "
        "it. A second run finds everything there and adds nothing. Never run it on a real installation.",
    )
    parser.add_argument("--no-serve", action="store_true", help="fill only")
    only_fill = parser.parse_args(arguments).no_serve
    lifeline.end_with_supervisor(leave_interrupt=False)
    settings = configuration.load()
    serves = not only_fill and not is_held(settings.data / serve.LOCK_FILE)
    login = _fill(serves=serves)
    _print_welcome(settings, login)
    if only_fill or _served_already(settings):
        return 0
    return serve.run([])


def _fill(*, serves: bool) -> tuple[str, str]:
    """Make the demo data, and return name and password of the staff login."""
    with session(migrate=False), Progress() as progress:
        applied = apply_migrations()
        if applied:
            progress.note(f"made the tables ({len(applied)} migrations)")
        _accept_what_changed()
        name, password = resolve(FILL)(progress)
        if serves:
            resolve(ANSWER)()
    return name, password


def _accept_what_changed() -> None:
    """Nobody is harmed where a demo's made-up past would be decided otherwise by a newer release."""
    from datetime import UTC, datetime

    from abusedesk.desk.policies import upgrade

    audit = upgrade.look(datetime.now(UTC), recent=None)
    if audit is not None and audit.state == "open":
        upgrade.accept(audit, "demo", datetime.now(UTC))


def _print_welcome(settings: Configuration, login: tuple[str, str]) -> None:
    name, password = login
    print(
        f"\n  The demo desk is at  {settings.url}\n  sign in as           {name}\n  with the password    {password}\n",
        flush=True,
    )


def _served_already(settings: Configuration) -> bool:
    lock = settings.data / serve.LOCK_FILE
    if not is_held(lock):
        return False
    print(f"abusedesk: it is served already, by pid {holder(lock)[0]}")
    return True
