"""`check`: each part of the configuration, well and wrong."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk import configuration
from abusedesk.cli import check
from abusedesk.cli.check import Finding
from abusedesk.policy.pack import load_pack
from abusedesk.records.lock import Lock
from abusedesk.records.models import Brand, Installed
from abusedesk.records.packs import keep
from tests.cli.test_main import abusedesk
from tests.desk.estate import provider


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Look":
    return Look(tmp_path, monkeypatch)


class Look:
    """Findings on one subject under given settings, with everything else as it is by default."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self.monkeypatch = data, monkeypatch
        self.set(DATA=str(data))

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self.monkeypatch.setenv(f"ABUSEDESK_{name}", value)

    def at(self, subject: str, **settings: str) -> Finding:
        self.set(**settings)
        return next(finding for finding in check.examine() if finding.subject == subject)


def test_a_fresh_folder_has_nothing_wrong(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    told = abusedesk("check", ABUSEDESK_DATA=str(tmp_path / "var"), ABUSEDESK_PORT=port)
    assert told.returncode == 0, told.stdout
    assert told.stdout.endswith("all well\n")
    assert not (tmp_path / "var").exists()


def test_settings_that_cannot_be_read_are_the_only_finding(look: Look) -> None:
    look.set(PORT="x")
    (finding,) = check.examine()
    assert finding.well is False
    assert "ABUSEDESK_PORT" in finding.text


def test_a_folder_that_cannot_be_made(look: Look) -> None:
    (look.data / "file").touch()
    finding = look.at("settings", DATA=str(look.data / "file" / "var"))
    assert finding == Finding("settings", False, f"{look.data}/file/var: is no folder; set ABUSEDESK_DATA to a folder")


def test_a_folder_that_cannot_be_written(look: Look) -> None:
    finding = look.at("data folder", DATA="/proc/self")
    assert finding.well is False
    assert "/proc/self cannot be written" in finding.text


def test_a_secret_key_that_others_can_read(look: Look) -> None:
    configuration.secret_key(configuration.load())
    assert look.at("secret key").well is True
    (look.data / "secret_key").chmod(0o644)
    assert look.at("secret key") == Finding(
        "secret key", False, f"{look.data}/secret_key can be read by others; run `chmod 600 {look.data}/secret_key`"
    )


@pytest.mark.parametrize(
    ("settings", "well", "text"),
    [
        ({}, True, "http://127.0.0.1:8000"),
        ({"HOST": "0.0.0.0"}, False, "set ABUSEDESK_PUBLIC_URL"),
        ({"PUBLIC_URL": "http://desk.example.net"}, None, "in the clear"),
        ({"PUBLIC_URL": "https://desk.example.net"}, False, "ABUSEDESK_TRUSTED_PROXY=yes"),
        ({"PUBLIC_URL": "https://desk.example.net", "TRUSTED_PROXY": "yes"}, True, "https://desk.example.net"),
    ],
)
def test_the_address(look: Look, settings: dict[str, str], well: bool | None, text: str) -> None:
    finding = look.at("address", **settings)
    assert finding.well is well
    assert text in finding.text


def test_a_busy_port(look: Look) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        finding = look.at("port", PORT=str(busy.getsockname()[1]))
    assert finding.well is False
    assert "is in use by another program" in finding.text


def test_a_port_that_our_own_serve_uses_is_well(look: Look) -> None:
    lock = Lock(look.data / "serve.lock")
    lock.acquire()
    finding = look.at("port")
    lock.release()
    assert finding.well is True
    assert "`abusedesk serve` runs here with pid" in finding.text


def test_no_mail_server_is_a_remark(look: Look) -> None:
    finding = look.at("mail")
    assert finding.well is None
    assert "reach nobody" in finding.text


def test_a_mail_server_that_does_not_answer(look: Look) -> None:
    finding = look.at("mail", SMTP_URL="smtp://127.0.0.1:1", MAIL_FROM="desk@example.net")
    assert finding.well is False
    assert "127.0.0.1:1 cannot be used" in finding.text


def test_a_mail_server_that_answers(look: Look) -> None:
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        finding = look.at("mail", SMTP_URL=f"smtp://127.0.0.1:{port}", MAIL_FROM="desk@example.net")
    finally:
        controller.stop()
    assert finding == Finding("mail", True, f"127.0.0.1:{port} answers")


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    told = abusedesk("check", ABUSEDESK_DATA=str(tmp_path), ABUSEDESK_DATABASE_URL="postgresql://desk@127.0.0.1:1/desk")
    assert told.returncode == 1
    assert "WRONG  database      ABUSEDESK_DATABASE_URL: the database does not answer" in told.stdout


@pytest.mark.django_db
def test_the_tables_are_up_to_date_in_tests(look: Look) -> None:
    findings = {finding.subject: finding for finding in check._tables(configuration.load())}
    assert findings["database"].text.startswith("PostgreSQL ")
    assert findings["tables"].well is True
    assert findings["brands"].well is None


@pytest.mark.django_db
def test_tables_that_are_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "pending_migrations", lambda: ["records.0009_more"])
    findings = list(check._tables(configuration.load()))
    assert findings[-1] == Finding(
        "tables", False, "1 migration(s) behind this release (records.0009_more first); run `abusedesk migrate`"
    )


@pytest.mark.parametrize(
    ("pack", "dated", "well", "text"),
    [
        ("jimcloud", False, True, "loads and is dated"),
        ("scalibit", False, False, "set the brand's in_force_from"),
        ("scalibit", True, True, "loads and is dated"),
        ("no-such-pack", True, False, "does not load: "),
    ],
)
def test_a_brand(pack: str, dated: bool, well: bool, text: str) -> None:
    brand = Brand(slug="main", pack=pack, in_force_from=datetime(2026, 1, 1, tzinfo=UTC) if dated else None)
    finding = check._brand(brand)
    assert finding.subject == "brand main"
    assert finding.well is well
    assert text in finding.text


@pytest.mark.django_db
def test_a_published_pack_and_an_unsettled_upgrade_are_seen() -> None:
    pack = load_pack("jimcloud")
    brand = provider().brand
    keep([pack])
    brand.published_id = pack.digest
    assert check._brand(brand) == Finding(
        "brand jim", True, f"the pack published as {pack.digest[:12]} loads and is dated"
    )
    Installed.objects.create(name="engine", value="0", since=datetime(2026, 1, 1, tzinfo=UTC))
    (finding,) = check._upgrade()
    assert (finding.well, "run `abusedesk migrate`" in finding.text) == (False, True)
