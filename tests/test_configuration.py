"""Settings: where they come from, what is refused, and that each is documented."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk import configuration
from abusedesk.configuration import SETTINGS, ConfigurationError, Setting

PAGE = Path(__file__).parent.parent / "docs/reference/configuration.md"


def load(tmp_path: Path, text: str = "", **environment: str) -> configuration.Configuration:
    if text:
        (tmp_path / "abusedesk.toml").write_text(text)
    return configuration.load({"ABUSEDESK_DATA": str(tmp_path), **environment})


def test_everything_has_a_default() -> None:
    settings = configuration.load({})
    assert settings.data == Path.cwd() / "var"
    assert settings.database_url is None
    assert settings.url == "http://127.0.0.1:8000"


def test_the_file_in_the_data_folder_counts(tmp_path: Path) -> None:
    settings = load(tmp_path, 'port = 8443\nallowed_hosts = ["a.example", "b.example"]\ntrusted_proxy = true')
    assert (settings.port, settings.allowed_hosts, settings.trusted_proxy) == (8443, ("a.example", "b.example"), True)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, "port = 8443", ABUSEDESK_PORT="9000").port == 9000


def test_a_file_elsewhere_is_read_when_named(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text('host = "192.0.2.1"')
    assert configuration.load({"ABUSEDESK_CONFIG": str(file)}).host == "192.0.2.1"


def test_an_empty_variable_means_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, ABUSEDESK_PORT="").port == 8000


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "70000", "no whole number from 1 to 65535"),
        ("PORT", "x", "no whole number"),
        ("DATABASE_URL", "mysql://h/d", "postgresql://user:password@host:5432/database"),
        ("DATABASE_URL", "postgresql://host", "names no database"),
        ("DATABASE_URL", "postgresql://host:port/d", "is no address"),
        ("PUBLIC_URL", "abuse.example.net", "https://abuse.example.net"),
        ("PUBLIC_URL", "https://example.net/desk", "a scheme and a host alone"),
        ("TRUSTED_PROXY", "maybe", "neither yes nor no"),
        ("SECRET_KEY", "short", "shorter than 32"),
        ("SMTP_URL", "mail.example.net", "smtp://"),
        ("LOG_LEVEL", "loud", "none of debug"),
        ("PROT", "8000", "did you mean ABUSEDESK_PORT"),
    ],
)
def test_a_wrong_variable_is_named_with_the_way_out(tmp_path: Path, name: str, value: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(tmp_path, **{f"ABUSEDESK_{name}": value})
    assert f"ABUSEDESK_{name}" in str(refusal.value)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("port = 0", "abusedesk.toml: port: '0' is no whole number"),
        ("prot = 1", "abusedesk.toml: prot: no such setting; did you mean port?"),
        ("port = [1]", "abusedesk.toml: port: write a text, a number"),
        ("port = ", "abusedesk.toml: is no TOML"),
        ('data = "/srv"', "abusedesk.toml: data: can be set in the environment only"),
    ],
)
def test_a_wrong_line_of_the_file_is_named_with_the_way_out(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(tmp_path, text)
    assert reason in str(refusal.value)


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        configuration.load({"ABUSEDESK_CONFIG": str(tmp_path / "none.toml")})


def test_a_data_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="is no folder"):
        configuration.load({"ABUSEDESK_DATA": str(tmp_path / "file")})


@given(st.sampled_from(SETTINGS), st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30))
def test_any_text_is_read_or_refused_in_one_line(setting: Setting, value: str) -> None:
    try:
        configuration.load({setting.variable: value})
        said = "nothing"
    except ConfigurationError as refusal:
        said = str(refusal)
    assert len(said.splitlines()) == 1


def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = load(tmp_path / "data")
    key = configuration.secret_key(settings)
    assert len(key) >= 50
    assert configuration.secret_key(settings) == key
    assert (tmp_path / "data/secret_key").stat().st_mode & 0o777 == 0o600


def test_a_given_secret_key_is_not_written_down(tmp_path: Path) -> None:
    settings = load(tmp_path, ABUSEDESK_SECRET_KEY="k" * 40)
    assert configuration.secret_key(settings) == "k" * 40
    assert not (tmp_path / "secret_key").exists()


def test_an_emptied_secret_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(ConfigurationError, match="delete the file and a new one is made"):
        configuration.secret_key(load(tmp_path))


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(ABUSEDESK_\w+)` \| `?([^|`]*)`? \|", PAGE.read_text(), re.MULTILINE))
    assert {name: rows.get(name, "").strip() for name in (one.variable for one in SETTINGS)} == {
        one.variable: one.default or "empty" for one in SETTINGS
    }


def test_the_page_documents_nothing_that_is_not_there() -> None:
    named = set(re.findall(r"ABUSEDESK_[A-Z_]+", PAGE.read_text()))
    assert named <= {one.variable for one in SETTINGS} | {"ABUSEDESK_CONFIG"}
