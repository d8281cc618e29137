"""What an inventory's driver is: a name, the options it needs, one reading of everything, and its webhook's signature.

Drivers come in through the entry point group `abusedesk.inventories`, ours by the same door as anybody's.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

from abusedesk.desk.channel import Option
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import Fact

GROUP = "abusedesk.inventories"
YES_OR_NO = (("no", "no"), ("yes", "yes"))
TIMEOUT_S = 30.0
"""How long one call of an inventory's API may take."""

Options = Mapping[str, str]


class Driver(NamedTuple):
    """A kind of inventory.

    `read` yields everything it says; it raises Problem, or OSError, where it cannot be read whole, so that nothing is
    ever concluded from half a reading. `probe` tries the connection and says in a line what was found. `vouches` says
    whether a webhook's body is signed by `secret` (headers in lower case). `ranks` are how early a new one is believed
    about customers, services and assignments; None: not.
    """

    kind: str
    title: str
    options: tuple[Option, ...]
    read: Callable[[Options], Iterator[Fact]]
    probe: Callable[[Options], str]
    vouches: Callable[[bytes, Mapping[str, str], str], bool]
    ranks: tuple[int | None, int | None, int | None]
    about: str = ""


@cache
def drivers() -> dict[str, Driver]:
    """The drivers that are installed, by kind. One whose library is missing says so when it is read."""
    found = [entry.load() for entry in entry_points(group=GROUP)]
    return {one.kind: one for one in sorted(found, key=lambda one: one.title) if isinstance(one, Driver)}


def driver(kind: str) -> Driver:
    """The driver of a kind. Raises Problem where there is none."""
    found = drivers().get(kind)
    if found is None:
        raise Problem(f"there is no driver for inventories of the kind {kind!r}; there are {', '.join(drivers())}")
    return found


def secret_of(options: Options, name: str) -> str:
    """The secret in the file that an option names. Raises Problem where it cannot be read."""
    file = Path(options.get(name, ""))
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise Problem(f"{file} cannot be read ({reason}); it must hold the secret, readable by this user") from None
    if not found:
        raise Problem(f"{file} is empty; it must hold the secret")
    return found


def wrong_with_file(value: str) -> str:
    """What is wrong with the file of a secret, in words."""
    file = Path(value)
    if not file.is_absolute():
        return "Name the file with its whole path."
    try:
        mode = file.stat().st_mode
        file.read_bytes()
    except OSError as error:
        return f"It cannot be read by the desk's user ({error.strerror})."
    return "Others may read it; allow it to the desk's user alone (chmod 600)." if mode & 0o077 else ""


def wrong_with_url(value: str) -> str:
    """What is wrong with the address of an API, in words."""
    if not value.startswith(("https://", "http://")) or value.count("/") < 2 or not value.partition("//")[2]:
        return "Write the whole address, such as https://netbox.example.net."
    return ""


def wrong_with_bundle(value: str) -> str:
    """What is wrong with the file of a certificate authority, in words."""
    return "" if Path(value).is_file() else "There is no such file."
