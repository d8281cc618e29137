"""The settings of one installation, read once from the environment and from `abusedesk.toml` into one frozen value.

The environment wins over the file, the file over the default. Nothing is written but the secret key, on first need.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from abusedesk.problem import Problem

FILE_NAME = "abusedesk.toml"
SECRET_KEY_FILE = "secret_key"  # noqa: S105 - the name of the file, not a secret
LOG_LEVELS = ("debug", "info", "warning", "error")


class ConfigurationError(Problem):
    """A setting that cannot be used: the text says which one, where it stands, and what to write instead."""


Network = IPv4Network | IPv6Network


class Listen(NamedTuple):
    """Where to listen: a host and a port, or the path of a socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every setting, checked. `database_url` is None when the embedded PostgreSQL of the data folder is used."""

    data: Path
    database_url: str | None
    host: str
    port: int
    public_url: str | None
    allowed_hosts: tuple[str, ...]
    trusted_proxy: bool
    given_secret_key: str | None
    smtp_url: str | None
    lmtp: Listen | None
    smtp: Listen | None
    mail_certificate: Path | None
    mail_certificate_key: Path | None
    mail_size_mb: int
    mail_from: str
    mail_per_minute: int
    mail_at_once: int
    dns: bool
    authserv_ids: tuple[str, ...]
    arc_forwarders: tuple[str, ...]
    mail_relays: tuple[Network, ...]
    reporter_doubt: int
    workers: int
    web_threads: int
    log_level: str
    audit_days: int
    heartbeat_url: str | None
    heartbeat_minutes: int

    @property
    def url(self) -> str:
        """Where a browser finds the console."""
        if self.public_url:
            return self.public_url
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def https(self) -> bool:
        """Whether browsers reach the desk by https, so that cookies may insist on it."""
        return bool(self.public_url) and str(self.public_url).startswith("https://")

    @property
    def outbox(self) -> Path:
        """Where notices go as files while no mail server is set."""
        return self.data / "outbox"

    @property
    def dkim(self) -> Path:
        """Where the keys lie that sign what is sent."""
        return self.data / "dkim"


class Setting(NamedTuple):
    """One setting: its name in the file, the field it fills, how its text is read, and its default as text."""

    name: str
    field: str
    read: Callable[[str], Any]
    default: str

    @property
    def variable(self) -> str:
        return f"ABUSEDESK_{self.name.upper()}"


def _plain(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _file(value: str) -> Path | None:
    return _path(value) if value else None


def _listen(value: str) -> Listen | None:
    if not value:
        return None
    if value.startswith("/"):
        return Listen(path=value)
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{value!r} is neither an address such as 127.0.0.1:2424 nor the path of a socket")
    return Listen(host.strip("[]"), int(port))


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"{value!r} is no whole number from {low} to {high}")
        return int(value)

    return read


def _yes_or_no(value: str) -> bool:
    answer = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if value.lower() not in answer:
        raise ValueError(f"{value!r} is neither yes nor no")
    return answer[value.lower()]


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _domains(value: str) -> tuple[str, ...]:
    names = _names(value.lower())
    wrong = next((one for one in names if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", one)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no domain; write them as mx.example.net, lists.example.org")
    return names


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one) for one in _names(value))
    except ValueError as error:
        raise ValueError(f"{error}; write addresses or prefixes, as 192.0.2.25, 2001:db8:25::/64") from None


def _url(schemes: tuple[str, ...], example: str) -> Callable[[str], str | None]:
    def read(value: str) -> str | None:
        if not value:
            return None
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"is no address ({error}); write it as {example}") from None
        if parts.scheme not in schemes:
            raise ValueError(
                f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}; write it as {example}"
            )
        return value

    return read


def _database(value: str) -> str | None:
    read = _url(("postgresql", "postgres"), "postgresql://user:password@host:5432/database")(value)
    if read and not urlsplit(read).path.strip("/"):
        raise ValueError("names no database; write it as postgresql://user:password@host:5432/database")
    return read


def _origin(value: str) -> str | None:
    read = _url(("http", "https"), "https://abuse.example.net")(value.rstrip("/"))
    if read and (not urlsplit(read).hostname or urlsplit(read).path):
        raise ValueError("must be a scheme and a host alone, such as https://abuse.example.net")
    return read


def _secret(value: str) -> str | None:
    if value and len(value) < 32:
        raise ValueError("is shorter than 32 characters; leave it out and one is made and kept in the data folder")
    return value or None


def _level(value: str) -> str:
    if value.lower() not in LOG_LEVELS:
        raise ValueError(f"{value!r} is none of {', '.join(LOG_LEVELS)}")
    return value.lower()


SETTINGS: tuple[Setting, ...] = (
    Setting("data", "data", _path, "./var"),
    Setting("database_url", "database_url", _database, ""),
    Setting("host", "host", _plain, "127.0.0.1"),
    Setting("port", "port", _whole(1, 65535), "8000"),
    Setting("public_url", "public_url", _origin, ""),
    Setting("allowed_hosts", "allowed_hosts", _names, ""),
    Setting("trusted_proxy", "trusted_proxy", _yes_or_no, "no"),
    Setting("secret_key", "given_secret_key", _secret, ""),
    Setting("smtp_url", "smtp_url", _url(("smtp", "smtps"), "smtp://user:password@host:587"), ""),
    Setting("lmtp", "lmtp", _listen, ""),
    Setting("smtp", "smtp", _listen, ""),
    Setting("mail_certificate", "mail_certificate", _file, ""),
    Setting("mail_certificate_key", "mail_certificate_key", _file, ""),
    Setting("mail_size_mb", "mail_size_mb", _whole(1, 512), "50"),
    Setting("mail_from", "mail_from", _plain, "abuse@localhost"),
    Setting("mail_per_minute", "mail_per_minute", _whole(0, 100_000), "120"),
    Setting("mail_at_once", "mail_at_once", _whole(0, 1000), "4"),
    Setting("dns", "dns", _yes_or_no, "yes"),
    Setting("authserv_ids", "authserv_ids", _domains, ""),
    Setting("arc_forwarders", "arc_forwarders", _domains, ""),
    Setting("mail_relays", "mail_relays", _networks, ""),
    Setting("reporter_doubt", "reporter_doubt", _whole(0, 1_000_000), "5"),
    Setting("workers", "workers", _whole(1, 64), "1"),
    Setting("web_threads", "web_threads", _whole(1, 256), "4"),
    Setting("log_level", "log_level", _level, "info"),
    Setting("audit_days", "audit_days", _whole(0, 36500), "30"),
    Setting(
        "heartbeat_url", "heartbeat_url", _url(("https", "http"), "https://watchdog.example.net/ping/abusedesk"), ""
    ),
    Setting("heartbeat_minutes", "heartbeat_minutes", _whole(1, 1440), "5"),
)

# The folder is needed before the file in it can be read, so the file cannot move it.
_ENVIRONMENT_ONLY = {"data"}


def load(environment: Mapping[str, str] | None = None) -> Configuration:
    """Read and check every setting. Raises ConfigurationError: what is wrong, where, and what to do, in one line."""
    environment = os.environ if environment is None else environment
    data = _path(environment.get("ABUSEDESK_DATA") or "./var")
    file = Path(environment.get("ABUSEDESK_CONFIG") or f"{data}/{FILE_NAME}")
    written = _read_file(file, must_exist=bool(environment.get("ABUSEDESK_CONFIG")))
    _refuse_unknown(environment, written, file)
    return Configuration(**{setting.field: _value(setting, environment, written, file) for setting in SETTINGS})


def secret_key(configuration: Configuration) -> str:
    """The key that signs sessions: the one given, or one made at first need and kept in the data folder, mode 0600."""
    if configuration.given_secret_key:
        return configuration.given_secret_key
    file = configuration.data / SECRET_KEY_FILE
    try:
        return _kept_key(file)
    except OSError as error:
        raise ConfigurationError(
            f"{file}: the secret key can be neither read nor made ({error.strerror}); "
            f"make {configuration.data} writable for this user, or set ABUSEDESK_SECRET_KEY"
        ) from None


def _kept_key(file: Path) -> str:
    if not file.exists():
        make_folder(file.parent)
        _write_once(file, secrets.token_urlsafe(48))
    key = file.read_text(encoding="ascii").strip()
    if len(key) < 32:
        raise ConfigurationError(
            f"{file}: holds no key of 32 characters or more; delete the file and a new one is made"
        )
    return key


def make_folder(folder: Path) -> None:
    """Make the data folder, closed to others. Root leaves a way through it, for the database server's own user."""
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def _write_once(file: Path, text: str) -> None:
    # Linking a finished file lets two processes that start together end up with one key, whole.
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(0o600, exist_ok=False)
    draft.write_text(text + "\n", encoding="ascii")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read_file(file: Path, must_exist: bool) -> dict[str, str]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except NotADirectoryError:
        raise ConfigurationError(f"{file.parent}: is no folder; set ABUSEDESK_DATA to a folder") from None
    except FileNotFoundError:
        if must_exist:
            raise ConfigurationError(
                f"ABUSEDESK_CONFIG: there is no file {file}; create it or unset the variable"
            ) from None
        return {}
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror}); make it readable for this user") from None
    except ValueError as error:
        raise ConfigurationError(f"{file}: is no TOML: {error}") from None
    return {key: _as_text(file, key, value) for key, value in raw.items()}


def _as_text(file: Path, key: str, value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, str | int):
        return str(value)
    raise ConfigurationError(f"{file}: {key}: write a text, a number, true or false, or a list of texts")


def _refuse_unknown(environment: Mapping[str, str], written: Mapping[str, str], file: Path) -> None:
    known = {setting.name for setting in SETTINGS}
    for key in written:
        if key not in known or key in _ENVIRONMENT_ONLY:
            raise ConfigurationError(f"{file}: {key}: {_unknown(key, known)}")
    variables = {setting.variable for setting in SETTINGS} | {"ABUSEDESK_CONFIG", "ABUSEDESK_SUPERVISOR"}
    for name in environment:
        if name.startswith("ABUSEDESK_") and name not in variables:
            raise ConfigurationError(f"environment: {name}: {_unknown(name, variables)}")


def _unknown(name: str, known: set[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it, and commands must start fast

    if name in _ENVIRONMENT_ONLY:
        return f"can be set in the environment only, as ABUSEDESK_{name.upper()}"
    nearest = difflib.get_close_matches(name, sorted(known), 1)
    hint = f"did you mean {nearest[0]}?" if nearest else "docs/reference/configuration.md lists them all"
    return f"no such setting; {hint}"


def _value(setting: Setting, environment: Mapping[str, str], written: Mapping[str, str], file: Path) -> Any:
    where, text = f"default of {setting.name}", setting.default
    if setting.name in written:
        where, text = f"{file}: {setting.name}", written[setting.name]
    if setting.variable in environment:
        where, text = f"environment: {setting.variable}", environment[setting.variable]
    try:
        return setting.read(text.strip() or setting.default)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None
