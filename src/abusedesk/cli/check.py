"""`abusedesk check`: every part of the configuration looked at, and said in words."""

import argparse
import contextlib
import os
import smtplib
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from abusedesk import configuration
from abusedesk.cli import serve
from abusedesk.cli.main import one_line
from abusedesk.cli.session import pending_migrations, ready_django, server
from abusedesk.cli.web import refuse_busy_port
from abusedesk.configuration import SECRET_KEY_FILE, Configuration
from abusedesk.problem import Problem
from abusedesk.records import embedded
from abusedesk.records.lock import holder, is_held

if TYPE_CHECKING:
    from abusedesk.records.models import Brand

SMTP_S = 10
LOCAL = ("127.0.0.1", "::1", "localhost")


class Finding(NamedTuple):
    """What was looked at, whether it is as it must be, and what to do if not. `well` is None for a remark."""

    subject: str
    well: bool | None
    text: str


def run(arguments: list[str]) -> int:
    """Print one line for each thing looked at. Returns 1 if anything is wrong."""
    argparse.ArgumentParser(
        prog="abusedesk check",
        description="Look at settings, data folder, database, brands, mail server and port, and say what is wrong and "
        "what to do. Changes nothing. The exit code is 1 if anything is wrong.",
    ).parse_args(arguments)
    wrong = 0
    for finding in examine():
        print(render(finding), flush=True)
        wrong += finding.well is False
    print(f"\n{wrong} thing(s) to put right" if wrong else "\nall well")
    return 1 if wrong else 0


def render(finding: Finding) -> str:
    """`ok`, `note` or `WRONG`, the subject, and the text."""
    word = {True: "ok", False: "WRONG", None: "note"}[finding.well]
    return f"{word:<6} {finding.subject:<13} {finding.text}"


def examine() -> Iterator[Finding]:
    """Everything that can be looked at; the rest is left out once the settings cannot be read."""
    try:
        settings = configuration.load()
    except Problem as problem:
        yield Finding("settings", False, str(problem))
        return
    yield Finding("settings", True, f"can be read; the data folder is {settings.data}")
    for look in _LOOKS:
        yield from look(settings)


def _data_folder(settings: Configuration) -> Iterator[Finding]:
    folder = settings.data
    if not folder.exists():
        yield _future_folder(folder)
        return
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror}); make it writable for this user, or set ABUSEDESK_DATA"
        yield Finding("data folder", False, text)
    else:
        yield Finding("data folder", True, f"{folder} can be written")


def _future_folder(folder: Path) -> Finding:
    above = next(path for path in folder.parents if path.exists())
    if os.access(above, os.W_OK | os.X_OK):
        return Finding("data folder", None, f"{folder} does not exist yet; `abusedesk serve` makes it")
    return Finding("data folder", False, f"{folder} cannot be made in {above}; set ABUSEDESK_DATA to another folder")


def _secret_key(settings: Configuration) -> Iterator[Finding]:
    file = settings.data / SECRET_KEY_FILE
    if settings.given_secret_key:
        yield Finding("secret key", True, "is given by the settings")
    elif not file.exists():
        yield Finding("secret key", None, f"{file} does not exist yet; it is made when it is first needed")
    elif stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield Finding("secret key", False, f"{file} can be read by others; run `chmod 600 {file}`")
    else:
        yield Finding("secret key", True, f"{file} can be read by its owner only")


def _addresses(settings: Configuration) -> Iterator[Finding]:
    if settings.host not in LOCAL and not settings.public_url and not settings.allowed_hosts:
        text = (
            f"{settings.host} is open to others, but they would be refused; set ABUSEDESK_PUBLIC_URL to what they type"
        )
        yield Finding("address", False, text)
    elif settings.public_url and not settings.https:
        yield Finding("address", None, f"{settings.public_url} sends passwords in the clear; put https in front of it")
    elif settings.https and settings.host in LOCAL and not settings.trusted_proxy:
        text = (
            "https is ended by a server in front of this one; set ABUSEDESK_TRUSTED_PROXY=yes so that its word counts"
        )
        yield Finding("address", False, text)
    else:
        yield Finding("address", True, settings.url)


def _port(settings: Configuration) -> Iterator[Finding]:
    lock = settings.data / serve.LOCK_FILE
    if is_held(lock):
        yield Finding("port", True, f"`abusedesk serve` runs here with pid {holder(lock)[0]}")
        return
    try:
        refuse_busy_port(settings)
    except Problem as problem:
        yield Finding("port", False, str(problem))
    else:
        yield Finding("port", True, f"{settings.host} port {settings.port} is free")


def _database(settings: Configuration) -> Iterator[Finding]:
    if settings.database_url is None and not _is_made(settings):
        yield Finding("database", None, "does not exist yet; `abusedesk serve` makes it")
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(server(settings))
            ready_django(settings)
        except Problem as problem:
            yield Finding("database", False, str(problem))
            return
        yield from _tables(settings)


def _is_made(settings: Configuration) -> bool:
    try:
        return embedded.locate(settings.data).cluster.exists()
    except (OSError, Problem):
        return True  # Then the attempt to use it says what is wrong.


def _tables(settings: Configuration) -> Iterator[Finding]:
    from django.db import connection

    version = connection.cursor().execute("show server_version").fetchone()[0].split()[0]
    yield Finding("database", True, f"PostgreSQL {version} ({'its own' if settings.database_url else 'embedded'})")
    pending = pending_migrations()
    if pending:
        text = f"{len(pending)} migration(s) behind this release ({pending[0]} first); run `abusedesk migrate`"
        yield Finding("tables", False, text)
        return
    yield Finding("tables", True, "up to date with this release")
    yield from _brands()


def _brands() -> Iterator[Finding]:
    from abusedesk.records.models import Brand

    brands = list(Brand.objects.order_by("slug"))
    if not brands:
        yield Finding("brands", None, "there is none yet, so nothing that comes in can be decided")
    for brand in brands:
        yield _brand(brand)
        yield from _mail_of(brand)
    yield from _upgrade()


def _mail_of(brand: "Brand") -> Iterator[Finding]:
    """Whether receivers can tell its mail from a forged one; nothing while no mail goes out."""
    from django.conf import settings

    from abusedesk.desk import alignment

    here = settings.CONFIGURATION
    if here.smtp_url is None:
        return
    words = {"ok": True, "note": None, "wrong": False}
    for one in alignment.look(brand, here.dkim, ask_dns=here.dns):
        # A signature that cannot hold harms each mail; what is not published yet is the operator's to know.
        well = words[one.state] if one.subject == "dkim" or one.state == "ok" else None
        yield Finding(f"{one.subject} {brand.slug}", well, one.text)


def _upgrade() -> Iterator[Finding]:
    from abusedesk.desk.policies.upgrade import must_be_settled

    try:
        must_be_settled()
    except Problem as problem:
        yield Finding("upgrade", False, str(problem))


def _brand(brand: "Brand") -> Finding:
    from abusedesk.records.packs import pack_of

    subject = f"brand {brand.slug}"
    pack = f"published as {brand.published_id[:12]}" if brand.published_id else brand.pack
    try:
        versions = pack_of(brand).content.versions
    except Problem as problem:
        return Finding(subject, False, f"the pack {pack} does not load: {problem}")
    if brand.in_force_from is None and versions[0].since is None:
        text = (
            f"the pack {pack} says not since when it is in force, so it decides nothing; set the brand's in_force_from"
        )
        return Finding(subject, False, text)
    return Finding(subject, True, f"the pack {pack} loads and is dated")


def _mail(settings: Configuration) -> Iterator[Finding]:
    if settings.smtp_url is None:
        yield Finding("mail", None, f"no mail server is set; notices go to {settings.outbox} and reach nobody")
        return
    where = urlsplit(settings.smtp_url).netloc.rpartition("@")[2]
    try:
        _greet(settings.smtp_url)
    except (OSError, smtplib.SMTPException) as error:
        text = f"{where} cannot be used: {one_line(error)}; correct ABUSEDESK_SMTP_URL or that server"
        yield Finding("mail", False, text)
    else:
        yield Finding("mail", True, f"{where} answers")
    if settings.mail_from.endswith("@localhost"):
        yield Finding("mail", False, f"notices would come from {settings.mail_from}; set ABUSEDESK_MAIL_FROM")


def _greet(url: str) -> None:
    parts = urlsplit(url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    with kind(parts.hostname or "", parts.port or (465 if parts.scheme == "smtps" else 25), timeout=SMTP_S) as client:
        client.ehlo()
        if parts.username:
            if parts.scheme == "smtp":
                client.starttls()
            client.login(unquote(parts.username), unquote(parts.password or ""))


def _user(settings: Configuration) -> Iterator[Finding]:
    if os.geteuid() == 0 and settings.database_url is None:
        name = embedded.locate(settings.data).account.name
        yield Finding("user", None, f"runs as root, and the database as {name}; a user of its own would be better")


_LOOKS: tuple[Callable[[Configuration], Iterator[Finding]], ...] = (
    _data_folder,
    _secret_key,
    _user,
    _addresses,
    _port,
    _mail,
    _database,
)
