"""`abusedesk alerts`: what is wrong, who is on call, a word that one has it, and a test of a way."""

import argparse
import getpass
from typing import TYPE_CHECKING, Any

from abusedesk.cli.session import session
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from abusedesk.records.models import Alert

NOT_ALL_WELL = 1


def run(arguments: list[str]) -> int:
    """Does what is asked; exit code 1 where a test did not get through."""
    given = _parser().parse_args(arguments)
    with session():
        code: int = given.work(given)
        return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk alerts",
        description="What is wrong and has to reach a person. Rota and ways are set up in the console under Alerts.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shown = commands.add_parser("list", help="what is wrong now, and who is on call")
    shown.add_argument("--past", action="store_true", help="the last hundred, those that are over as well")
    shown.set_defaults(work=_list)
    ack = commands.add_parser("ack", help="say that somebody has it, so that nobody else is woken")
    ack.add_argument("alert", metavar="NUMBER", type=int)
    ack.add_argument("--by", metavar="NAME", default="", help="who has it (default: who you are here)")
    ack.set_defaults(work=_ack)
    test = commands.add_parser("test", help="send a test by one way, and say what came back")
    test.add_argument("way", metavar="WAY", help="its name, as `alerts list` and the console show it")
    test.set_defaults(work=_test)
    return parser


def _list(given: argparse.Namespace) -> int:
    from django.utils import timezone

    from abusedesk.desk.oncall.kinds import TEST
    from abusedesk.records.models import Alert

    found = Alert.objects.exclude(kind=TEST).order_by("-opened_at").select_related("brand")
    rows = list(found[:100] if given.past else found.filter(over_at=None))
    for one in rows:
        brand = one.brand.slug if one.brand else "-"
        print(f"{one.pk:>6}  {one.severity:<5} {brand:<16} {one.opened_at:%Y-%m-%d %H:%M}  {one.summary}{_state(one)}")
    if not rows:
        print("nothing is wrong that anybody has to be told of")
    _print_on_call(timezone.now())
    return 0


def _state(alert: "Alert") -> str:
    if alert.over_at is not None:
        return f" (over {alert.over_at:%H:%M})"
    return f" ({alert.acknowledged_by} has it)" if alert.acknowledged_at else ""


def _print_on_call(now: "datetime") -> None:
    from abusedesk.desk.oncall.book import turns_of
    from abusedesk.desk.oncall.rota import on_call
    from abusedesk.records.models import Rota, Way

    for rota in Rota.objects.select_related("brand").order_by("brand", "level"):
        whose = rota.brand.slug if rota.brand else "every brand"
        print(f"on call for {whose}, level {rota.level}: {on_call(turns_of(rota), now)}")
    for way in Way.objects.order_by("person", "position"):
        state = (
            f"failed: {way.error}" if way.error else f"worked {way.worked_at:%Y-%m-%d}" if way.worked_at else "untried"
        )
        print(f"way {way.name} ({way.kind}) to {way.person or 'the team'}: {state if way.enabled else 'switched off'}")


def _ack(given: argparse.Namespace) -> int:
    from django.utils import timezone

    from abusedesk.desk.oncall.book import acknowledge

    alert = _found(given.alert)
    by = given.by or getpass.getuser()
    if acknowledge(alert, by, timezone.now()):
        print(f"{by} has it: {alert.summary}")
    else:
        alert.refresh_from_db()
        print(f"nothing changed: it is over{_state(alert)}" if alert.over_at else f"nothing changed{_state(alert)}")
    return 0


def _found(number: int) -> Any:
    from abusedesk.records.models import Alert

    alert = Alert.objects.filter(pk=number).first()
    if alert is None:
        raise Problem(f"there is no alert {number}; `abusedesk alerts list` shows them")
    return alert


def _test(given: argparse.Namespace) -> int:
    from django.utils import timezone

    from abusedesk.actuators.alarm import Unsent
    from abusedesk.desk.oncall.book import send_test
    from abusedesk.desk.oncall.telling import try_way
    from abusedesk.records.models import Way

    way = Way.objects.filter(name=given.way).first()
    if way is None:
        known = ", ".join(Way.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise Problem(f"there is no way {given.way!r}; there are: {known}")
    now = timezone.now()
    try:
        said = try_way(way, send_test(way, getpass.getuser(), now), now)
    except Unsent as error:
        print(f"{way.name} did not take it: {error}")
        return NOT_ALL_WELL
    print(f"{way.name} took it: {said}")
    return 0
