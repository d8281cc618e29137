"""`abusedesk hold`: the stop button by command, for when the console is not up yet, as after a restore."""

import argparse
from typing import TYPE_CHECKING

from abusedesk.cli.session import session
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from abusedesk.records.models import Brand


def run(arguments: list[str]) -> int:
    """Holds brands, or releases them."""
    given = _parser().parse_args(arguments)
    if bool(given.slug) == given.all:
        raise Problem("name the brands, or give --all")
    if not given.release and not given.reason:
        raise Problem("--reason: say why, for everybody who looks at it later")
    with session():
        _work(given)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk hold",
        description="Stop brands: nothing acts against their customers until somebody releases them. Lifts go out.",
    )
    parser.add_argument("slug", metavar="SLUG", nargs="*", help="the brands; or --all")
    parser.add_argument("--all", action="store_true", help="every brand")
    parser.add_argument("--reason", default="", help="why, for everybody who looks at it later")
    parser.add_argument("--by", default="command line", metavar="NAME", help="who says so (default: command line)")
    parser.add_argument("--release", action="store_true", help="let them go on; deadlines move by the pause")
    return parser


def _work(given: argparse.Namespace) -> None:
    from django.utils import timezone

    now = timezone.now()
    for brand in _brands(given):
        print(_release(brand, given, now) if given.release else _press(brand, given, now))


def _brands(given: argparse.Namespace) -> "list[Brand]":
    from abusedesk.records.models import Brand

    if given.all:
        return list(Brand.objects.order_by("slug"))
    found = {one.slug: one for one in Brand.objects.filter(slug__in=given.slug)}
    missing = next((slug for slug in given.slug if slug not in found), None)
    if missing is not None:
        known = ", ".join(Brand.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise Problem(f"there is no brand {missing!r}; there are: {known}")
    return [found[slug] for slug in given.slug]


def _press(brand: "Brand", given: argparse.Namespace, now: "datetime") -> str:
    from abusedesk.desk import hold

    if brand.held_since is not None:
        return f"{brand.slug} is held already: {brand.held_reason}"
    hold.press(brand, given.by, given.reason, now)
    return f"{brand.slug} is held"


def _release(brand: "Brand", given: argparse.Namespace, now: "datetime") -> str:
    from abusedesk.desk import hold

    if brand.held_since is None:
        return f"{brand.slug} is not held"
    seen = hold.preview(brand, now)
    hold.release(brand, given.by, now)
    numbers = f"{len(seen.overdue)} deadlines fire, {len(seen.measures)} measures and {seen.notices} notices go out"
    return f"{brand.slug} goes on: {numbers}"
