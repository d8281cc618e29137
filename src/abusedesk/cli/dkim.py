"""`abusedesk dkim`: the keys that sign what the brands send."""

import argparse
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from abusedesk import configuration
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.actuators import signature

_DOMAIN = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])", re.IGNORECASE
)


def run(arguments: list[str]) -> int:
    """Does what is asked of a key."""
    parser = argparse.ArgumentParser(
        prog="abusedesk dkim",
        description="Keys that sign what the brands send (DKIM), one or more for each domain that mail is sent from. "
        "They lie in the data folder; the newest of a domain signs.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="a new key; what has to stand in the DNS is printed")
    new.add_argument("domain", metavar="DOMAIN", help="what comes after the @ of the brand's sender address")
    new.set_defaults(work=_new)
    commands.add_parser("list", help="all keys, with what has to stand in the DNS").set_defaults(work=_list)
    given = parser.parse_args(arguments)
    given.work(given)
    return 0


def _new(given: argparse.Namespace) -> None:
    from abusedesk.actuators import signature

    if not _DOMAIN.fullmatch(given.domain):
        raise Problem(f"{given.domain!r} is no domain such as example.net")
    _show(signature.make(given.domain, configuration.load().dkim, datetime.now(UTC)))
    print("\nPublish this record before mail goes out: from now on everything sent from the domain is signed.")


def _list(_: argparse.Namespace) -> None:
    from abusedesk.actuators import signature

    found = signature.keys(configuration.load().dkim)
    if not found:
        print("there is no key; make one with `abusedesk dkim new DOMAIN`")
    for one in found:
        _show(one)


def _show(key: "signature.Key") -> None:
    from abusedesk.actuators import signature

    print(f"{key.name}  TXT  {signature.record(key)}")
