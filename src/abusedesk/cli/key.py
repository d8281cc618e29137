"""`abusedesk key`: keys of the API made, listed and revoked."""

import argparse
import getpass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from abusedesk.cli.session import session
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.records.models import ApiKey, Brand


def run(arguments: list[str]) -> int:
    """Does what is asked of a key."""
    given = _parser().parse_args(arguments)
    with session():
        given.work(given)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk key",
        description="Keys of the API: under which reporters send reports, the provider's sensors what they see, and "
        "upstreams what they did. A key is shown once, when it is made.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="a new key; it is printed once")
    new.add_argument("label", metavar="NAME", help="whose it is; the name of a sensor or upstream")
    new.add_argument(
        "--scope",
        action="append",
        choices=("reports", "telemetry", "upstream"),
        help="what it may do (default: reports); telemetry and upstream want --brand",
    )
    new.add_argument("--reporter", default="", metavar="ADDRESS", help="who sends the reports: a mail address or name")
    new.add_argument("--brand", metavar="SLUG", help="whose everything is that comes under it")
    new.add_argument("--until", type=_day, metavar="DATE", help="valid to the end of that day, UTC")
    new.add_argument("--per-minute", type=int, default=600, metavar="N", help="reports a minute (default: 600)")
    new.set_defaults(work=_new)
    revoke = commands.add_parser("revoke", help="from now on it opens nothing")
    revoke.add_argument("label", metavar="NAME")
    revoke.set_defaults(work=_revoke)
    commands.add_parser("list", help="all keys").set_defaults(work=_list)
    return parser


def _day(text: str) -> datetime:
    try:
        return datetime.combine(datetime.fromisoformat(text).date(), time.max, UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2027-01-31") from None


def _new(given: argparse.Namespace) -> None:
    from abusedesk.records import keys

    wanted = keys.Wanted(
        given.label,
        given.scope or ["reports"],
        given.reporter,
        _brand(given.brand) if given.brand else None,
        given.until,
        given.per_minute,
    )
    _, secret = keys.make(wanted, getpass.getuser(), datetime.now(UTC))
    print(secret)


def _revoke(given: argparse.Namespace) -> None:
    from abusedesk.records import keys
    from abusedesk.records.models import ApiKey

    key = ApiKey.objects.filter(label=given.label, revoked_at=None).first()
    if key is None:
        raise Problem(f"no key {given.label!r} stands; `abusedesk key list` shows all")
    keys.revoke(key, getpass.getuser(), datetime.now(UTC))
    print(f"{key.label} opens nothing any more")


def _list(_: argparse.Namespace) -> None:
    from abusedesk.records.models import ApiKey

    found = list(ApiKey.objects.select_related("reporter").order_by("label", "pk"))
    if not found:
        print("there is no key yet: `abusedesk key new NAME --reporter ADDRESS` makes the first")
    for one in found:
        whose = f"{one.reporter.key}  " if one.reporter else ""
        print(f"{one.label:<24}{one.hint}…  {', '.join(one.scopes)}  {whose}{_state(one)}")


def _state(key: "ApiKey") -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    until = f", valid until {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
    return (f"last used {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used") + until


def _brand(slug: str) -> "Brand":
    from abusedesk.records.models import Brand

    found = Brand.objects.filter(slug=slug).first()
    if found is None:
        raise Problem(f"there is no brand {slug!r}; `abusedesk brand show` lists all")
    return found
