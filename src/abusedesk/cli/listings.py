"""`abusedesk listings`: what the blocklists that are set up say of an address, asked now."""

import argparse
from ipaddress import ip_address
from typing import Any

from abusedesk.cli.session import session
from abusedesk.problem import Problem

NOT_ALL_WELL = 1


def run(arguments: list[str]) -> int:
    """Does what is asked; exit code 1 where the address is listed or a list does not answer properly."""
    given = _parser().parse_args(arguments)
    with session():
        return _check(given.address)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk listings",
        description="Blocklists are asked by `serve` and `fetch`, as set up in the console. This asks them by hand.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="what every list that is set up says of an address; nothing is recorded",
        description="Asks every list that is set up, its test entries first, about one address. Nothing is recorded. "
        "Exit code 0 where no list names it, 1 where one does or one does not answer properly.",
    )
    check.add_argument("address", type=_address, metavar="ADDRESS")
    return parser


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no address; write one such as 192.0.2.7") from None


def _check(address: str) -> int:
    from abusedesk.desk.listings.places import KIND
    from abusedesk.records.models import Channel

    channels = Channel.objects.filter(kind=KIND, enabled=True).order_by("name")
    if not channels:
        raise Problem("no blocklist is set up; add one in the console under Channels")
    said = [_said(one, address) for one in channels]
    width = max(len(title) for title, _, _ in said)
    for title, words, _ in said:
        print(f"{title:<{width}}  {words}")
    return 0 if all(clean for _, _, clean in said) else NOT_ALL_WELL


def _said(channel: Any, address: str) -> tuple[str, str, bool]:
    """A list's title, what it says in words, and whether that is nothing."""
    from abusedesk.desk.listings.asking import look
    from abusedesk.desk.listings.book import words_of
    from abusedesk.desk.listings.places import place_of
    from abusedesk.parsing.blocklists import Reading

    try:
        place = place_of(channel)
    except (Problem, OSError) as problem:
        return channel.name, str(problem), False
    looked = look(place, [address])
    if looked.wrong:
        return place.blocklist.title, looked.wrong, False
    reading = looked.readings.get(address, Reading("none", why=looked.without_ipv6))
    said = words_of(place.blocklist, reading, looked.texts.get(address, ""))
    return place.blocklist.title, said, reading.state == "clean"
