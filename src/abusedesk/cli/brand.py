"""`abusedesk brand`: a provider's face made and changed: its policy, addresses, safeguards and actuators."""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abusedesk.cli.session import session
from abusedesk.policy.author.lint import lint
from abusedesk.policy.pack import PACKS, find_pack
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.records.models import Brand

KINDS = ("abuse", "legal", "dsa", "authority", "copyright", "dmca")
"""What an address of a brand is for."""

_SAFEGUARDS = (
    "irreversible",
    "blast_radius",
    "mass_expiry",
    "long_outage",
    "remind_before",
    "drift",
    "carrying",
    "ticket_serves",
    "html_notices",
    "verify_page",
    "digest_from",
    "digest_within",
    "digest_wait",
    "show_identities",
    "acknowledge",
    "receipts_an_hour",
    "tell_outcome",
    "break_glass",
    "office_hours",
    "campaign_reporters",
    "campaign_hours",
    "appeal_pauses",
    "appeal_hours",
    "telephone_hours",
    "telephone_times",
)
_TRUTHS = ("ticket_serves", "html_notices", "show_identities", "tell_outcome", "break_glass", "appeal_pauses")
_WHOLE = (
    "digest_from",
    "blast_radius",
    "mass_expiry",
    "receipts_an_hour",
    "campaign_reporters",
    "campaign_hours",
    "appeal_hours",
    "telephone_hours",
    "telephone_times",
)
_CHOICES = {
    "irreversible": ("approve", "automatic"),
    "acknowledge": ("off", "known", "everybody"),
    "drift": ("again", "ask"),
    "carrying": ("propose", "narrow", "whole"),
}
_YES_NO = {"yes": True, "no": False}


def run(arguments: list[str]) -> int:
    """Does what is asked of a brand."""
    given = _parser().parse_args(arguments)
    with session():
        given.work(given)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk brand",
        description="Make and change brands. A brand is a provider's face: its policy, its addresses, its safeguards, "
        "and what carries its measures out. Everything holds from the next decision on; nothing has to be restarted.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="a new brand")
    add.add_argument("slug", metavar="SLUG", help="its name in addresses and commands, such as example-host")
    add.set_defaults(work=_add)
    change = commands.add_parser("set", help="change a brand")
    change.add_argument("slug", metavar="SLUG")
    change.set_defaults(work=_set)
    for one, must in ((add, True), (change, False)):
        one.add_argument("--name", required=must, help="as customers know it")
        one.add_argument("--pack", required=must, help="its policy: jimcloud, scalibit, or a pack's folder")
        one.add_argument("--sender", required=must, metavar="ADDRESS", help="what its notices come from")
        one.add_argument(
            "--in-force-from",
            metavar="DATE",
            type=_date,
            help="since when the policy is in force, where it does not say",
        )
        one.add_argument(
            "--language", action="append", metavar="CODE", help="en, zh-Hans …; the first where a customer has none"
        )
        one.add_argument(
            "--setting",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"a safeguard ({', '.join(_SAFEGUARDS)}) or a parameter of the pack, such as "
            "reply_period=PT8H or limitation.attack=P180D, or when a measure ends by itself, such as "
            "expires.null_route=PT24H; NAME= takes it away",
        )
        one.add_argument("--actuators", metavar="FILE.json", type=Path, help="what carries each kind of measure out")
    address = commands.add_parser("address", help="an address of a brand, to which mail for it comes")
    address.add_argument("slug", metavar="SLUG")
    address.add_argument("address", metavar="ADDRESS")
    address.add_argument("--kind", choices=KINDS, default="abuse", help="what comes there (default: abuse reports)")
    address.add_argument("--remove", action="store_true", help="it is the brand's no more")
    address.set_defaults(work=_address)
    show = commands.add_parser("show", help="all brands, or one in full")
    show.add_argument("slug", metavar="SLUG", nargs="?", default="")
    show.set_defaults(work=_show)
    return parser


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write 2026-01-31") from None


def _add(given: argparse.Namespace) -> None:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_slug

    from abusedesk.records.models import Brand, BrandAddress

    try:
        validate_slug(given.slug)
    except ValidationError:
        raise Problem(
            f"{given.slug!r} cannot be a brand's slug; letters, digits and hyphens, such as example-host"
        ) from None
    if Brand.objects.filter(slug=given.slug).exists():
        raise Problem(f"there is a brand {given.slug!r} already; `abusedesk brand set {given.slug}` changes it")
    brand = Brand(slug=given.slug, languages=["en"])
    _take_over(brand, given)
    brand.save()
    made, is_new = BrandAddress.objects.get_or_create(address=brand.sender, defaults={"brand": brand})
    print(f"{brand.name} decides by {brand.pack}{_since(brand)}")
    print(
        f"mail to {made.address} is its own"
        if is_new
        else f"{made.address} is another brand's: add an address of its own"
    )


def _set(given: argparse.Namespace) -> None:
    brand = _brand(given.slug)
    if given.pack is not None and brand.published_id is not None:
        raise Problem(f"{brand.name} goes by a published policy; publish another (`abusedesk policy publish`)")
    _take_over(brand, given)
    brand.save()
    _print(brand)


def _take_over(brand: "Brand", given: argparse.Namespace) -> None:
    """What was given, checked as a whole before anything is saved."""
    for name in ("name", "sender", "in_force_from"):
        if getattr(given, name) is not None:
            setattr(brand, name, getattr(given, name))
    if given.pack is not None:
        brand.pack = _policy(given.pack)
    if given.language:
        brand.languages = given.language
    if given.actuators is not None:
        brand.actuators = _actuators(given.actuators)
    for one in given.setting:
        brand.settings = _changed(brand.settings, one)
    _check(brand)


def _policy(given: str) -> str:
    """The name of a pack of the product, or the whole path of a folder, from wherever the parts are started.

    Raises Problem for a pack with faults: what could not be published is no policy to begin with either.
    """
    folder = find_pack(given)
    faults = [one for one in lint(given) if one.level == "error"]
    if faults:
        raise Problem(f"{faults[0]} ({len(faults)} in all: abusedesk policy lint {given})")
    return given if folder.parent == PACKS else str(folder.resolve())


def _check(brand: "Brand") -> None:
    from django.core.exceptions import ValidationError

    from abusedesk.desk.decide import settings_of
    from abusedesk.records.packs import pack_of

    try:
        brand.clean_fields(exclude={one.name for one in brand._meta.fields} - {"name", "sender"})
    except ValidationError as error:
        name, words = next(iter(error.message_dict.items()))
        raise Problem(f"--{name.replace('_', '-')}: {words[0]}") from None
    pack = pack_of(brand)
    for version in pack.versions:
        pack.terms(version, settings_of(brand))
    unknown = [one for one in brand.languages if one not in pack.content.languages]
    if unknown:
        raise Problem(
            f"--language: the pack has no notices in {unknown[0]!r}; it has {', '.join(pack.content.languages)}"
        )


def _changed(settings: dict[str, Any], given: str) -> dict[str, Any]:
    """The settings with one more, or one less."""
    name, mark, value = given.partition("=")
    if not mark:
        raise Problem(f"--setting: {given!r} has no `=`; write NAME=VALUE")
    if name in _SAFEGUARDS:
        kept = _without(settings, name)
        return {**kept, name: _safeguard(name, value)} if value else kept
    if name.partition(".")[0] == "expires":
        expires = _with(dict(settings.get("expires", {})), _kind(name.partition(".")[2]), _length(name, value))
        return {**_without(settings, "expires"), **({"expires": expires} if expires else {})}
    parameters = _with(dict(settings.get("parameters", {})), name, value)
    return {**_without(settings, "parameters"), "parameters": parameters}


def _with(parameters: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    """The parameters with one more, or one less; `limitation.attack` is one entry of a map."""
    whole, _, part = name.partition(".")
    if part:
        inner = _with(dict(parameters.get(whole, {})), part, value)
        return {**parameters, whole: inner} if inner else _without(parameters, whole)
    if value.startswith("-"):
        raise Problem(f"--setting: {name} cannot be {value!r}: no parameter is less than zero")
    given = int(value) if value.isascii() and value.isdigit() else value
    return {**parameters, name: given} if value else _without(parameters, name)


def _kind(name: str) -> str:
    """The measure in `expires.null_route`."""
    from abusedesk.vocabulary.measure import MEASURES

    known = [one for one in MEASURES if one != "terminate"]
    if name not in known:
        raise Problem(f"--setting: expires.{name} is nothing known; after the dot stands one of {', '.join(known)}")
    return name


def _length(name: str, value: str) -> str:
    """A duration, or nothing where it is taken away."""
    from abusedesk.vocabulary.duration import parse_duration

    try:
        if value:
            parse_duration(value)
    except ValueError as error:
        raise Problem(f"--setting: {name} cannot be {value!r}: {error}") from None
    return value


def _without(settings: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: one for key, one in settings.items() if key != name}


def _readers() -> dict[str, Callable[[str], object]]:
    """What reads the settings that have a form of their own."""
    from abusedesk.desk.oncall.kinds import read_hours
    from abusedesk.vocabulary.duration import parse_duration

    lengths = ("long_outage", "remind_before", "digest_within", "digest_wait")
    return {**dict.fromkeys(lengths, parse_duration), "office_hours": read_hours}


def _safeguard(name: str, value: str) -> Any:
    readers = _readers()
    if name in _WHOLE and value.isascii() and value.isdigit() and len(value) < 5:
        return int(value)
    if name in _TRUTHS and value in _YES_NO:
        return _YES_NO[value]
    if value in _CHOICES.get(name, ()):
        return value
    if name == "verify_page":
        return _page(value)
    if name in readers:
        try:
            readers[name](value)
        except ValueError as error:
            raise Problem(f"--setting: {name} cannot be {value!r}: {error}") from None
        return value
    *first, last = _CHOICES.get(name, ("yes", "no") if name in _TRUTHS else ("a whole number below 10000",))
    may_be = f"{', '.join(first)} or {last}" if first else last
    raise Problem(f"--setting: {name} cannot be {value!r}; it is {may_be}")


def _page(value: str) -> str:
    """The address of a page, or nothing where it is taken away."""
    if value and not value.startswith(("https://", "http://")):
        raise Problem(f"--setting: verify_page cannot be {value!r}; write the page's address, https://…")
    return value


def _actuators(file: Path) -> dict[str, Any]:
    """The actuators of a file, fallbacks too, each made once to see that its options can be used."""
    from abusedesk.actuators.chain import chain_of
    from abusedesk.actuators.registry import actuator
    from abusedesk.vocabulary.measure import MEASURES

    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{file} cannot be read: {error}") from None
    except ValueError as error:
        raise Problem(f"{file} is no JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(one, dict | list) for one in found.values()):
        raise Problem(f'{file} must map kinds of measures to actuators, as in {{"default": {{"actuator": "console"}}}}')
    for kind in found:
        if kind not in {*MEASURES, "default"}:
            raise Problem(f"{file}: there is no measure {kind!r}; there are {', '.join(MEASURES)}, and default")
        try:
            for link in chain_of(found, kind):
                actuator(link.actuator, link.options)
        except Problem as problem:
            raise Problem(f"{file}: {kind}: {problem}") from None
    return found


def _address(given: argparse.Namespace) -> None:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    from abusedesk.records.models import BrandAddress

    brand = _brand(given.slug)
    present = BrandAddress.objects.filter(address__iexact=given.address).first()
    if present is not None and present.brand_id != brand.pk:
        raise Problem(f"{given.address} is an address of {present.brand.slug!r}; remove it there first")
    if given.remove:
        if present is None:
            raise Problem(f"{given.address} is no address of {brand.slug!r}")
        present.delete()
        print(f"{given.address} is {brand.name}'s no more")
        return
    try:
        validate_email(given.address)
    except ValidationError:
        raise Problem(f"{given.address!r} is no mail address") from None
    BrandAddress.objects.update_or_create(address=given.address.lower(), defaults={"brand": brand, "kind": given.kind})
    print(f"mail to {given.address.lower()} is {brand.name}'s ({given.kind})")


def _show(given: argparse.Namespace) -> None:
    from abusedesk.records.models import Brand

    if given.slug:
        _print(_brand(given.slug))
        return
    brands = list(Brand.objects.order_by("slug"))
    if not brands:
        print("there is no brand yet: `abusedesk brand add SLUG --name NAME --pack PACK --sender ADDRESS` makes one")
    for one in brands:
        print(f"{one.slug:<24}{one.name:<28}{one.pack}{_since(one)}")


def _print(brand: "Brand") -> None:
    lines = [
        ("name", brand.name),
        ("policy", f"{'published over ' if brand.published_id else ''}{brand.pack}{_since(brand)}"),
        ("sender", brand.sender),
        (
            "addresses",
            ", ".join(f"{one.address} ({one.kind})" for one in brand.addresses.order_by("address")) or "none",
        ),
        ("languages", ", ".join(brand.languages)),
        ("settings", json.dumps(brand.settings, ensure_ascii=False) if brand.settings else "as the pack says"),
        ("actuators", json.dumps(brand.actuators, ensure_ascii=False) if brand.actuators else "console"),
    ]
    for label, value in lines:
        print(f"{label:<12}{value}")


def _since(brand: "Brand") -> str:
    return f", in force from {brand.in_force_from:%Y-%m-%d}" if brand.in_force_from else ""


def _brand(slug: str) -> "Brand":
    from abusedesk.records.models import Brand

    found = Brand.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Brand.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise Problem(f"there is no brand {slug!r}; there are: {known}")
    return found
