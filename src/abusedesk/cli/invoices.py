"""`abusedesk invoices`: a brand's charges as invoices of its billing system, and what was paid of them booked here."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abusedesk.cli.session import session
from abusedesk.problem import Problem
from abusedesk.vocabulary.money import format_amount

if TYPE_CHECKING:
    from abusedesk.desk.invoices import Entry

NOT_ALL_WELL = 1


def run(arguments: list[str]) -> int:
    """Settles one brand's charges; exit code 1 where one could not be settled."""
    given = _parser().parse_args(arguments)
    options = _options(given.whmcs)
    with session():
        return _settle(given.slug, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk invoices",
        description="Writes what customers owe as invoices of WHMCS, cancels what they owe no more, and books what was "
        "paid. Run it from time to time, every ten minutes perhaps; repeating it does no harm.",
    )
    parser.add_argument("slug", metavar="SLUG", help="the brand")
    parser.add_argument(
        "--whmcs", metavar="FILE.json", type=Path, required=True, help="url, identifier and secret_file of WHMCS"
    )
    return parser


def _options(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{file} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise Problem(f"{file} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Problem(f'{file} must be an object, as in {{"url": "https://billing.example.net", …}}')
    return found


def _settle(slug: str, options: dict[str, Any]) -> int:
    from abusedesk.actuators.whmcs_invoices import Invoices
    from abusedesk.desk.invoices import settle
    from abusedesk.records.models import Brand

    brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        raise Problem(
            f"there is no brand {slug!r}; there are {', '.join(Brand.objects.values_list('slug', flat=True))}"
        )
    left = 0
    for entry in settle(brand, Invoices(slug, options), datetime.now(UTC)):
        print(_line(entry))
        left += entry.did == "left"
    return NOT_ALL_WELL if left else 0


def _line(entry: "Entry") -> str:
    about = f"{entry.charge.name.replace('_', ' ')} of {entry.charge.service.ref}"
    amount = f"{format_amount(entry.amount)} {entry.charge.currency}"
    number = f", invoice {entry.invoice}" if entry.invoice is not None else ""
    return f"{entry.did}: {about}, {amount}{number}{f': {entry.why}' if entry.why else ''}"
