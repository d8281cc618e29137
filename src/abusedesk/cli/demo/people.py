"""Who is who in the demo: two brands, their reporters, customers and services, and which address was whose when."""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import NamedTuple

from abusedesk.cli.demo.mail import Keys
from abusedesk.records.models import (
    Assignment,
    Brand,
    BrandAddress,
    Channel,
    Contact,
    Customer,
    DeclaredName,
    Reporter,
    Service,
)

CHANNEL = "demo"
"""The demo's way in. It is always current: everything that will ever come by it has come."""

_KINDS = ("suspend", "shutdown", "terminate", "block_port", "rate_limit", "null_route")


class Source(NamedTuple):
    """A reporter of the demo: the address it writes from, its name, and whose voice it is."""

    address: str
    name: str
    organisation: str
    known: bool = True

    @property
    def domain(self) -> str:
        """The domain that signs."""
        return self.address.rpartition("@")[2]

    @property
    def sender(self) -> str:
        """The address with the name."""
        return f"{self.name} <{self.address}>"


REPORTERS = {
    one.domain.partition(".")[0]: one
    for one in (
        Source("fbl@loop.example", "Example Mail Feedback Loop", "Example Mail"),
        Source("reports@cert.example", "CERT Example", "CERT Example"),
        Source("autoreport@feeds.example", "Open Feeds Foundation", "Open Feeds Foundation"),
        Source("sensor@honeyfield.example", "Honeyfield sensors", "Honeyfield"),
        Source("noc@backbone.example", "Backbone Example NOC", "Backbone Example"),
        Source("brand@harbourbank.example", "Harbour Bank brand protection", "Harbour Bank"),
        Source("listings@listwatch.example", "Listwatch", "Listwatch"),
        Source("notices@rightsdesk.example", "Rightsdesk", "Rightsdesk", known=False),
        Source("abuse@postwerk.example", "Postwerk abuse team", "Postwerk"),
    )
}

# name, language, kind: r a reseller, p protected, t on trial, and through whom it rents.
_JIMCLOUD: tuple[tuple[str, str, str, str], ...] = (
    ("Nordlicht Hosting GmbH", "de", "r", ""),
    ("Bluewater Analytics", "en", "", ""),
    ("河马网络科技", "zh-Hans", "", ""),
    ("Atelier Roussel", "fr", "", ""),
    ("Kestrel Games Ltd", "en", "", ""),
    ("Panadería Luz", "es", "", ""),
    ("Sakura Shop", "ja", "", ""),
    ("Greenfield Clinics", "en", "p", ""),
    ("Marlow & Finch Mailings", "en", "", ""),
    ("Orbit VPN", "en", "", ""),
    ("Tomasz Wilk", "en", "", ""),
    ("云帆数据", "zh-Hans", "", ""),
    ("Pixelhof", "de", "", "Nordlicht Hosting GmbH"),
    ("Dorfladen Online", "de", "", "Nordlicht Hosting GmbH"),
    ("Sturmhaube Media", "de", "", "Nordlicht Hosting GmbH"),
    ("Ines Cardoso", "en", "", ""),
    ("Fernweh Reisen", "de", "", ""),
    ("Old Mill Records", "en", "", ""),
    ("Lumen Streaming", "en", "", ""),
    ("Quiet Harbour Hotel", "en", "", ""),
    ("Dmitri Volkov", "ru", "", ""),
    ("Bright Bay Crypto", "en", "", ""),
)
_SCALIBIT: tuple[tuple[str, str, str, str], ...] = (
    ("Tensor Foundry", "en", "", ""),
    ("Northwind Weather Models", "en", "p", ""),
    ("Copperline Telecom", "en", "", ""),
    ("Maison Delcourt", "fr", "", ""),
    ("Radish Robotics", "en", "", ""),
    ("Silverpine University", "en", "p", ""),
    ("Juniper Mail Services", "en", "", ""),
    ("Ribera Digital", "es", "", ""),
    ("Hanami Studio", "ja", "", ""),
    ("Cobalt Exchange", "en", "", ""),
    ("Peregrine Proxies", "en", "", ""),
    ("Vera Lindqvist", "en", "t", ""),
    ("Oakhurst Library", "en", "", ""),
    ("Zephyr Renders", "en", "t", ""),
    ("Ironbridge Backup", "en", "", ""),
    ("Fable & Sons Publishing", "en", "", ""),
    ("Saltmarsh Research", "en", "", ""),
    ("Delta Nine Trading", "en", "", ""),
)
_TYPES = {
    "jimcloud": ("vps", "vps", "cloud_server", "bare_metal", "vds"),
    "scalibit": (
        "gpu_cloud",
        "bare_metal",
        "cloud_server",
        "compute_high_frequency",
        "gpu_dedicated",
        "vps",
        "hpc_node",
    ),
}


class World:
    """The demo's rows, and short names for those that the day's story speaks of."""

    def __init__(self, began: datetime, keys: Keys) -> None:
        self.began, self.keys = began, keys
        self.brands = {slug: _brand(slug, began) for slug in ("jimcloud", "scalibit")}
        self.customers: dict[str, Customer] = {}
        self.services: list[Service] = []
        self.address: dict[str, str] = {}

    def mailbox(self, brand: str) -> str:
        """Where complaints about a brand go."""
        return str(self.brands[brand].sender)

    def people(self) -> None:
        """Reporters and channels."""
        Channel.objects.get_or_create(
            name=CHANNEL, defaults={"kind": "demo", "always_current": True, "last_message_at": self.began}
        )
        for one in REPORTERS.values():
            known = {"domains": [one.domain], "keys": self.keys.record(one.domain), "known": one.known}
            Reporter.objects.update_or_create(
                key=one.address,
                defaults={
                    "name": one.name,
                    "organisation": one.organisation,
                    "first_seen": self.began - timedelta(days=500),
                    **known,
                },
            )

    def tenants(self) -> None:
        """Customers, services and who held what when."""
        for slug, rows in (("jimcloud", _JIMCLOUD), ("scalibit", _SCALIBIT)):
            for number, row in enumerate(rows):
                self._customer(slug, number, row)
        self._histories()

    def _customer(self, slug: str, number: int, row: tuple[str, str, str, str]) -> None:
        name, language, kind, through = row
        brand = self.brands[slug]
        since = self.began - timedelta(days=900 - 37 * number % 820 if kind != "t" else 9)
        customer, _ = Customer.objects.get_or_create(
            brand=brand,
            ref=f"{'JC' if slug == 'jimcloud' else 'SB'}-{10041 + 17 * number}",
            defaults={
                "name": name,
                "email": f"ops@customer{number + 1}.{slug}.example.com",
                "language": language,
                "reseller": self.customers.get(through),
                "protected": kind == "p",
                "since": since,
            },
        )
        self.customers[name] = customer
        if number % 4 == 0:
            owner = f"owner@customer{number + 1}.{slug}.example.com"
            Contact.objects.get_or_create(customer=customer, email=owner, defaults={"role": "administrative"})
        for turn in range(2):
            self._service(customer, slug, number * 2 + turn, since, trial=kind == "t")

    def _service(self, customer: Customer, slug: str, number: int, since: datetime, *, trial: bool) -> None:
        types = _TYPES[slug]
        service, _ = Service.objects.get_or_create(
            brand=self.brands[slug],
            ref=f"{'jc' if slug == 'jimcloud' else 'sb'}-{2001 + number}",
            defaults={
                "customer": customer,
                "type": types[number % len(types)],
                "label": _host(customer.name, number),
                "since": since + timedelta(days=number % 5),
                "trial": trial,
                "mail_port": customer.name == "Marlow & Finch Mailings",
            },
        )
        self.services.append(service)
        first = 10 + number
        v4 = f"192.0.2.{first}" if slug == "jimcloud" else f"198.51.100.{first}"
        self.address[f"{customer.name}/{number % 2}"] = v4
        _hold(service, f"{v4}/32", service.since, None)
        if number % 3 == 0:
            net = f"2001:db8:{'1' if slug == 'jimcloud' else '2'}:{first:x}::/64"
            _hold(service, net, service.since, None)
        if number % 5 == 0:
            DeclaredName.objects.get_or_create(
                service=service,
                name=f"www.customer{number // 2 + 1}.{slug}.example.org",
                defaults={"period": (service.since, None)},
            )

    def _histories(self) -> None:
        """Addresses that changed hands, and a reseller's prefix with its end customers' inside."""
        began = self.began
        old, new = self._of("Tomasz Wilk"), self._of("Bluewater Analytics")
        _hold(old, "192.0.2.200/32", began - timedelta(days=300), began - timedelta(days=9))
        _hold(new, "192.0.2.200/32", began - timedelta(days=8), None)
        third = self._of("Ines Cardoso")
        _hold(third, "203.0.113.40/32", began - timedelta(days=700), began - timedelta(days=410))
        _hold(self._of("Old Mill Records"), "203.0.113.40/32", began - timedelta(days=400), began - timedelta(days=65))
        _hold(self._of("Kestrel Games Ltd"), "203.0.113.40/32", began - timedelta(days=64), None)
        wholesale = self._of("Nordlicht Hosting GmbH")
        _hold(wholesale, "203.0.113.64/27", began - timedelta(days=600), None)
        _hold(self._of("Pixelhof"), "203.0.113.68/30", began - timedelta(days=200), None)
        _hold(self._of("Dorfladen Online"), "203.0.113.72/32", began - timedelta(days=150), None)
        _hold(self._of("Sturmhaube Media"), "203.0.113.73/32", began - timedelta(days=90), None)
        _hold(self._of("Peregrine Proxies"), "198.51.100.192/28", began - timedelta(days=120), None)
        _hold(self._of("Cobalt Exchange"), "198.51.100.240/32", began - timedelta(days=350), began - timedelta(days=2))
        _hold(self._of("Delta Nine Trading"), "198.51.100.240/32", began - timedelta(days=1, hours=20), None)

    def tenant(self, name: str) -> Service:
        """A customer's first or second service, as in `Orbit VPN/0`."""
        customer, _, turn = name.partition("/")
        return [service for service in self.services if service.customer == self.customers[customer]][int(turn)]

    def _of(self, name: str) -> Service:
        return next(service for service in self.services if service.customer == self.customers[name])


def _host(name: str, number: int) -> str:
    letters = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower()).split()
    return f"{letters[0] if letters else 'host'}-{('web', 'mail', 'db', 'app', 'edge')[number % 5]}{number % 3 + 1}"


def _hold(service: Service, prefix: str, since: datetime, until: datetime | None) -> None:
    Assignment.objects.get_or_create(service=service, prefix=ip_network(prefix), defaults={"period": (since, until)})


def _brand(slug: str, began: datetime) -> Brand:
    name = {"jimcloud": "JimCloud", "scalibit": "SCALIBIT"}[slug]
    sender = f"abuse@{slug}.example.net"
    brand, _ = Brand.objects.get_or_create(
        slug=slug,
        defaults={
            "name": name,
            "pack": slug,
            "languages": ["en", "zh-Hans"],
            "sender": sender,
            "in_force_from": began - timedelta(days=400) if slug == "scalibit" else None,
            # A demo is switched off overnight: that is no outage after which a person must look first.
            "settings": {
                "long_outage": "P30D",
                "upstream_address": "abuse-desk@backbone.example",
                "staff_address": f"staff@{slug}.example.net",
            },
            "actuators": {kind: {"actuator": "console"} for kind in _KINDS},
        },
    )
    kinds = {one: f"{one}@{slug}.example.net" for one in ("copyright", "dmca", "legal", "dsa", "authority")}
    for kind, address in {"abuse": sender, **kinds}.items():
        BrandAddress.objects.get_or_create(brand=brand, address=address, defaults={"kind": kind})
    return brand
