"""A Dovecot of one's own for the length of a test: one user, one password, mail in a folder."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

USER, PASSWORD = "desk", "a long enough password"

_CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{home}/mail/%u
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot(NamedTuple):
    """Where it listens, and the Maildir of its user."""

    port: int
    maildir: Path

    def deliver(self, name: str, mail: bytes) -> None:
        """Puts a message into the user's INBOX, as a mail server does."""
        path = self.maildir / "tmp" / name
        path.write_bytes(mail)
        shutil.chown(path, *_owner())
        path.rename(self.maildir / "new" / name)


def is_there() -> bool:
    """Whether Dovecot can be run here; where CI says that all must be there, its absence is a failure."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None
    if not found and os.environ.get("CI") == "true":
        pytest.fail("dovecot is not installed, and CI=true: apt-get install dovecot-imapd")
    return found and (os.getuid() != 0 or _has("nobody"))


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Runs it."""
    home = Path(tempfile.mkdtemp(prefix="dovecot-"))
    home.chmod(0o755)
    owner, group = _owner()
    maildir = home / "mail" / USER
    for folder in (home / "run", home / "state", *(maildir / part for part in ("cur", "new", "tmp"))):
        folder.mkdir(parents=True)
    for folder in (home / "mail", *(home / "mail").rglob("*")):
        shutil.chown(folder, owner, group)
    port = _free_port()
    file = home / "dovecot.conf"
    file.write_text(
        _CONFIGURATION.format(home=home, owner=owner, group=group, port=port, password=PASSWORD.replace(" ", "_"))
    )
    binary = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "dovecot"
    process = subprocess.Popen([binary, "-F", "-c", str(file)])
    try:
        _wait(port, home / "log")
        yield Dovecot(port, maildir)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def password() -> str:
    """The password as it is in the configuration."""
    return PASSWORD.replace(" ", "_")


def _owner() -> tuple[str, str]:
    if os.getuid() == 0:
        return "nobody", "nogroup"
    me = pwd.getpwuid(os.getuid())
    import grp

    return me.pw_name, grp.getgrgid(me.pw_gid).gr_name


def _has(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _wait(port: int, log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as one:
                if one.recv(10).startswith(b"* OK"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"dovecot did not start: {log.read_text() if log.exists() else 'no log'}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
