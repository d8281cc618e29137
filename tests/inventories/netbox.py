"""A NetBox of the tests: the shapes, paging and refusals of its REST API, as its documentation gives them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.inventories.serving import Answer, Asked, Door, listening

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PAGE = 3
"""Small pages, so that there are several."""

Object = dict[str, Any]


@dataclass
class NetBox:
    """What stands in it; every list may be changed while it is served."""

    tenants: list[Object] = field(default_factory=list)
    machines: list[Object] = field(default_factory=list)
    devices: list[Object] = field(default_factory=list)
    addresses: list[Object] = field(default_factory=list)
    prefixes: list[Object] = field(default_factory=list)
    aggregates: list[Object] = field(default_factory=list)
    door: Door | None = None
    _next: int = 1

    @property
    def url(self) -> str:
        assert self.door is not None
        return self.door.url

    def _number(self) -> int:
        self._next += 1
        return self._next

    def tenant(self, slug: str, name: str = "", **custom: Any) -> Object:
        made = self._object("tenancy/tenants", name=name or slug.title(), slug=slug, custom_fields=custom)
        self.tenants.append(made)
        return made

    def machine(self, name: str, tenant: Object | None = None, status: str = "active", **custom: Any) -> Object:
        made = self._object(
            "virtualization/virtual-machines",
            name=name,
            status={"value": status, "label": status.title()},
            tenant=_brief(tenant),
            custom_fields=custom,
        )
        self.machines.append(made)
        return made

    def device(self, name: str, tenant: Object | None = None) -> Object:
        made = self._object("dcim/devices", name=name, status=_active(), tenant=_brief(tenant), custom_fields={})
        self.devices.append(made)
        return made

    def address(
        self, address: str, machine: Object | None = None, kind: str = "virtual_machine", **more: Any
    ) -> Object:
        assigned = machine and {"id": self._number(), "display": "eth0", kind: _brief(machine), "name": "eth0"}
        of = "virtualization.vminterface" if kind == "virtual_machine" else "dcim.interface"
        made = self._object(
            "ipam/ip-addresses",
            family={"value": 4, "label": "IPv4"},
            address=address,
            vrf=None,
            status=_active(),
            assigned_object_type=of if machine else None,
            assigned_object_id=assigned and assigned["id"],
            assigned_object=assigned,
            nat_inside=None,
            nat_outside=[],
            dns_name="",
            custom_fields={},
        )
        self.addresses.append(made | more)
        return self.addresses[-1]

    def prefix(self, prefix: str, **custom: Any) -> Object:
        made = self._object("ipam/prefixes", prefix=prefix, vrf=None, status=_active(), custom_fields=custom)
        self.prefixes.append(made)
        return made

    def aggregate(self, prefix: str) -> Object:
        made = self._object("ipam/aggregates", prefix=prefix, rir={"id": 1, "name": "RIR", "slug": "rir"})
        self.aggregates.append(made)
        return made

    def _object(self, path: str, **more: Any) -> Object:
        number = self._number()
        common = {"created": "2025-04-01T10:00:00.000000Z", "last_updated": "2026-01-05T10:00:00.123456Z"}
        return {"id": number, "url": f"/api/{path}/{number}/", "display": "", "tags": [], **common, **more}

    def serve(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Token {TOKEN}":
            return Answer(403, {"detail": "Invalid token"})
        lists = {
            "/api/": None,
            "/api/tenancy/tenants/": self.tenants,
            "/api/virtualization/virtual-machines/": self.machines,
            "/api/dcim/devices/": self.devices,
            "/api/ipam/ip-addresses/": self.addresses,
            "/api/ipam/prefixes/": self.prefixes,
            "/api/ipam/aggregates/": self.aggregates,
        }
        if asked.path not in lists:
            return Answer(404, {"detail": "Not found."})
        rows = lists[asked.path]
        return Answer(200, {}, {"API-Version": "4.3"}) if rows is None else self._page(asked, rows)

    def _page(self, asked: Asked, rows: list[Object]) -> Answer:
        if asked.query.get("vrf_id") == "null":
            rows = [one for one in rows if one["vrf"] is None]
        offset, limit = int(asked.query.get("offset", 0)), int(asked.query.get("limit", 0))
        size = min(limit or PAGE, PAGE)
        more = offset + size < len(rows)
        kept = "&vrf_id=null" if "vrf_id" in asked.query else ""
        return Answer(
            200,
            {
                "count": len(rows),
                "next": f"{self.url}{asked.path}?limit={size}&offset={offset + size}{kept}" if more else None,
                "previous": None,
                "results": rows[offset : offset + size],
            },
        )


def _active() -> Object:
    return {"value": "active", "label": "Active"}


def _brief(of: Object | None) -> Object | None:
    return of and {name: of[name] for name in ("id", "url", "display", "name", "slug") if name in of}


@contextmanager
def netbox() -> Iterator[NetBox]:
    """A NetBox that answers for as long as the block."""
    made = NetBox()
    with listening(made.serve) as door:
        made.door = door
        yield made
