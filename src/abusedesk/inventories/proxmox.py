"""Proxmox VE: guests are services, and the addresses that the hypervisor gives or allows them are what they hold.

Read through the cluster's API with `proxmoxer`, by a token that may only audit. An address counts where the provider
set it: in cloud-init (`ipconfigN`), in a container's network (`netN`), or in the firewall's set `ipfilter-netN` that
holds the guest to it. What a guest says of itself through its agent is never asked: a customer could claim anything.

Proxmox knows no customers: a pool or a tag may name one, and else another inventory does.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from abusedesk.actuators.calls import library
from abusedesk.actuators.proxmox import named
from abusedesk.desk.channel import Option
from abusedesk.desk.inventory.driver import (
    TIMEOUT_S,
    YES_OR_NO,
    Driver,
    Options,
    secret_of,
    wrong_with_bundle,
    wrong_with_file,
    wrong_with_url,
)
from abusedesk.inventories.calls import bearer, in_words, refused, signed, verified
from abusedesk.vocabulary.claims import Fact, HoldingClaim, ServiceClaim, UnreadClaim, network_of, prefix_of

EXTRA = "proxmox"
PORT = 8006
_CREATED = re.compile(r"(?:^|,)ctime=(\d+)")
_IPCONFIG = re.compile(r"ipconfig\d+")
_NET = re.compile(r"net\d+")
_FILTER = re.compile(r"ipfilter-net\d+")
_TOKEN = re.compile(r"[^@!=\s]+@[^@!=\s]+![^@!=\s]+")

Row = Mapping[str, Any]


def read(options: Options) -> Iterator[Fact]:
    """Every guest of the cluster with its addresses. One whose node is away is told as unread."""
    with _api(options) as api:
        for guest in _guests(api):
            yield from _guest(api, guest, options)


def probe(options: Options) -> str:
    """Asks for the guests and for the configuration of one, which needs what a reading needs."""
    with _api(options) as api:
        version = api.version.get()["version"]
        guests = _guests(api)
        nodes = {one["node"] for one in guests}
        if guests:
            _object(_endpoint(api, guests[0]).config.get())
    if not guests:
        return f"Proxmox VE {version}: no guest is to be seen; the token may lack VM.Audit on /vms"
    return f"Proxmox VE {version}: {len(guests):,} guests on {len(nodes):,} nodes"


def vouches(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """The secret as a bearer token: what Proxmox's notification targets can send (RFC 6750 section 2.1)."""
    return bearer(headers, secret) or signed("sha256", body, secret, headers.get("x-abusedesk-signature", ""))


@contextmanager
def _api(options: Options) -> Iterator[Any]:
    """The API of one cluster; what goes wrong inside is said in a line."""
    proxmoxer = library("proxmoxer", EXTRA)
    user, _, name = options["token_id"].partition("!")
    place = urlsplit(options["url"])
    with in_words(
        "Proxmox",
        (proxmoxer.ResourceException, _refusal),
        (proxmoxer.AuthenticationError, lambda _: "it does not know the token"),
        (ValueError, lambda error: f"it says something that cannot be read: {error}"),
        (TypeError, lambda _: "it answered something else than its API does, such as an error page"),
        (KeyError, lambda error: f"an object of it has no {error}"),
        extra=EXTRA,
    ):
        yield proxmoxer.ProxmoxAPI(
            place.hostname or "",
            port=place.port or PORT,
            user=user,
            token_name=name,
            token_value=secret_of(options, "token_file"),
            verify_ssl=verified(options),
            timeout=TIMEOUT_S,
        )


def _refusal(error: Any) -> str:
    return refused(error.status_code, "the role PVEAuditor on / (VM.Audit and Sys.Audit)")


def _guests(api: Any) -> list[Row]:
    return [one for one in _list(api.cluster.resources.get(type="vm")) if not one.get("template")]


def _list(answer: object) -> list[Row]:
    """A list as answered. `proxmoxer` gives `errors` for what is no JSON; taken for a list it would be an empty one."""
    if not isinstance(answer, list):
        raise TypeError
    return answer


def _object(answer: object) -> Row:
    """An object as answered, as above."""
    if not isinstance(answer, dict) or isinstance(answer.get("errors"), bytes):
        raise TypeError
    return answer


def _guest(api: Any, guest: Row, options: Options) -> Iterator[Fact]:
    proxmoxer = library("proxmoxer", EXTRA)
    ref = _ref(guest, options)
    if not ref:
        return
    try:
        config = _object(_endpoint(api, guest).config.get())
        allowed = _allowed(api, guest) if options.get("ipfilter") != "no" else []
    except proxmoxer.ResourceException as error:
        # 595 to 599: the node did not answer the one that was asked; 500: its configuration cannot be read now.
        if error.status_code < 500:
            raise
        config, allowed = None, []
    since = _created(config) if config else None
    yield ServiceClaim(ref, _customer(guest, options), label=str(guest.get("name") or ""), since=since)
    if config is None:
        yield UnreadClaim(ref)
        return
    held_since = since if options.get("since_created") == "yes" else None
    for prefix in dict.fromkeys([*_configured(config), *allowed]):
        yield HoldingClaim(prefix, ref, held_since)


def _endpoint(api: Any, guest: Row) -> Any:
    node = api.nodes(guest["node"])
    return getattr(node, str(guest["type"]))(guest["vmid"])


def _configured(config: Row) -> Iterator[str]:
    """The addresses of cloud-init's `ipconfigN` and of a container's `netN`."""
    for key, value in config.items():
        if _IPCONFIG.fullmatch(key) or _NET.fullmatch(key):
            yield from _addresses(str(value))


def _addresses(setting: str) -> Iterator[str]:
    """The addresses of one `key=value,…` setting; `dhcp`, `auto` and `manual` are none."""
    for part in setting.split(","):
        key, _, value = part.partition("=")
        if key in {"ip", "ip6"} and value not in {"dhcp", "auto", "manual", ""}:
            yield prefix_of(value)


def _allowed(api: Any, guest: Row) -> list[str]:
    """The addresses that the firewall allows the guest as its own; an entry `nomatch` takes some away again."""
    sets = _endpoint(api, guest).firewall.ipset
    named = [str(one["name"]) for one in _list(sets.get()) if _FILTER.fullmatch(str(one["name"]))]
    entries = [entry for name in named for entry in _list(sets(name).get())]
    return [network_of(str(one["cidr"])) for one in entries if not one.get("nomatch") and _is_address(one)]


def _is_address(entry: Row) -> bool:
    """Not an alias by name, nor the link-local range that every guest is allowed."""
    text = str(entry["cidr"])
    return text[:1].isdigit() or (":" in text and not text.lower().startswith("fe80"))


def _ref(guest: Row, options: Options) -> str:
    by = options.get("service_by") or "vmid"
    return named(guest, by)


def _customer(guest: Row, options: Options) -> str:
    by = options.get("customer_by", "")
    return named(guest, by) if by else ""


def _created(config: Row) -> datetime | None:
    found = _CREATED.search(str(config.get("meta") or ""))
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _wrong_name(value: str) -> str:
    fine = value in {"vmid", "name", "pool"} or (value.startswith("tag:") and len(value) > 4)
    return "" if fine else "Write vmid, name, pool, or tag: with the beginning of a tag, such as tag:customer-."


def _wrong_token(value: str) -> str:
    return "" if _TOKEN.fullmatch(value) else "Write the whole token id, such as abusedesk@pve!read."


DRIVER = Driver(
    "proxmox",
    "Proxmox VE",
    (
        Option("url", "Address", "Of any node, such as https://pve1.example.net:8006.", check=wrong_with_url),
        Option("token_id", "Id of the API token", "Such as abusedesk@pve!read.", check=_wrong_token),
        Option(
            "token_file", "File of the token's secret", "The whole path; readable by the desk's user alone.",
            check=wrong_with_file,
        ),
        Option(
            "ca_file", "File of its certificate authority",
            "A cluster's own is /etc/pve/pve-root-ca.pem there. Empty: the system's.", required=False,
            check=wrong_with_bundle,
        ),
        Option(
            "service_by", "Your own id of a service", "vmid, name, or tag: with the beginning of a tag.",
            default="vmid", check=_wrong_name,
        ),
        Option(
            "customer_by", "Your own id of its customer",
            "pool, or tag: with the beginning of a tag; empty: another inventory says so.", required=False,
            check=_wrong_name,
        ),
        Option(
            "ipfilter", "Read what the firewall allows", "The sets ipfilter-netN of each guest.",
            default="yes", choices=YES_OR_NO,
        ),
        Option(
            "since_created", "Held since the guest was made",
            "Whether addresses are given with the guest and never changed.", default="no",
            choices=YES_OR_NO,
        ),
    ),
    read,
    probe,
    vouches,
    (None, 3, 2),
    "Virtual machines and containers, with the addresses that cloud-init, the container or the firewall gives them.",
)  # fmt: skip
