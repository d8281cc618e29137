"""Two systems of the demo's provider that say who holds what, and a day of theirs.

Both are exports that the desk reads from files in the data folder, on and on; change a file to see what follows.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from abusedesk.cli.demo.people import World
from abusedesk.desk.inventory.compare import read, settle
from abusedesk.records.models import Assignment, Brand, Customer, Inventory, Service

_OWN = ["192.0.2.0/24", "203.0.113.0/25"]
_DISPUTED = "Dorfladen Online"
"""The billing system has not heard that this one's address is not Sturmhaube Media's."""

_LOST = "Kestrel Games Ltd"
"""The export that broke off: the customers from here on are missing from it."""


def take_stock(world: World, folder: Path) -> None:
    """Reads both, as they were in the morning and as they are now."""
    brand = world.brands["jimcloud"]
    if Inventory.objects.filter(brand=brand).exists():
        return
    addresses = _inventory(brand, "ipam", folder, customers=None, services=None, assignments=1)
    billing = _inventory(brand, "billing", folder, customers=1, services=1, assignments=2)
    morning, now = world.began - timedelta(hours=5), world.began
    held = _holdings(brand)
    _read(addresses, {"holdings": held, "own": _OWN}, world, morning - world.began)
    whole = {"customers": _customers(brand), "services": _services(brand)}
    _read(billing, {**whole, "holdings": [_disputed(world, held)]}, world, morning - world.began)
    moved = {"prefix": "203.0.113.74/32", "service": world.tenant("Pixelhof/1").ref}
    _read(addresses, {"holdings": [*held, moved], "own": _OWN}, world, now - world.began)
    _read(billing, _broken_off(whole), world, now - world.began)


def _inventory(brand: Brand, name: str, folder: Path, **ranks: int | None) -> Inventory:
    file = folder / f"{name}.json"
    return Inventory.objects.create(
        brand=brand,
        kind="export",
        name=name,
        hook_secret=secrets.token_urlsafe(32),
        options={"file": str(file), "hours": str(24 * 366)},
        **{f"rank_{about}": rank for about, rank in ranks.items()},
    )


def _read(inventory: Inventory, said: Mapping[str, Any], world: World, later: timedelta) -> None:
    file = Path(inventory.options["file"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said, indent=1, ensure_ascii=False))
    settle(inventory, read(inventory), world.began + later)


def _customers(brand: Brand) -> list[dict[str, str]]:
    rows = Customer.objects.filter(brand=brand).select_related("reseller").order_by("pk")
    return [
        {"ref": one.ref, "name": one.name, "email": one.email, "language": one.language, "reseller": _ref(one.reseller)}
        for one in rows
    ]


def _ref(customer: Customer | None) -> str:
    return customer.ref if customer is not None else ""


def _services(brand: Brand) -> list[dict[str, str]]:
    rows = Service.objects.filter(brand=brand, until=None).select_related("customer").order_by("pk")
    return [{"ref": one.ref, "customer": one.customer.ref, "label": one.label, "type": one.type} for one in rows]


def _holdings(brand: Brand) -> list[dict[str, str]]:
    rows = Assignment.objects.filter(service__brand=brand, period__upper_inf=True).select_related("service")
    return [{"prefix": str(one.prefix), "service": one.service.ref} for one in rows.order_by("pk")]


def _disputed(world: World, held: list[dict[str, str]]) -> dict[str, str]:
    whose = world.tenant(f"{_DISPUTED}/0").ref
    prefix = next(one["prefix"] for one in held if one["service"] == whose and "203.0.113." in one["prefix"])
    return {"prefix": prefix, "service": world.tenant("Sturmhaube Media/0").ref}


def _broken_off(whole: Mapping[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    names = [one["name"] for one in whole["customers"]]
    customers = whole["customers"][: names.index(_LOST)]
    left = {one["ref"] for one in customers}
    return {"customers": customers, "services": [one for one in whole["services"] if one["customer"] in left]}
