"""A Proxmox VE cluster of the tests, over TLS: the shapes and refusals of its API, as its API viewer gives them."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.inventories.serving import Answer, Asked, Door, listening

TOKEN_ID = "abusedesk@pve!read"
SECRET = "11111111-2222-3333-4444-555555555555"

Object = dict[str, Any]


@dataclass
class Proxmox:
    """What runs in it."""

    guests: list[Object] = field(default_factory=list)
    configs: dict[int, Object] = field(default_factory=dict)
    ipsets: dict[int, dict[str, list[Object]]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    """Nodes that do not answer."""
    door: Door | None = None

    @property
    def url(self) -> str:
        assert self.door is not None
        return self.door.url

    def guest(self, vmid: int, config: Object, kind: str = "qemu", node: str = "pve1", **more: Any) -> None:
        common = {"id": f"{kind}/{vmid}", "type": kind, "vmid": vmid, "node": node, "status": "running", "template": 0}
        self.guests.append({**common, "name": f"guest{vmid}", **more})
        self.configs[vmid] = {"digest": "00", **config}

    def serve(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"PVEAPIToken={TOKEN_ID}={SECRET}":
            return Answer(401, {"data": None})
        parts = asked.path.removeprefix("/api2/json/").split("/")
        if parts == ["version"]:
            return Answer(200, {"data": {"version": "8.3.0", "release": "8.3", "repoid": "c1689ccb"}})
        if parts == ["cluster", "resources"] and asked.query == {"type": "vm"}:
            return Answer(200, {"data": self.guests})
        if len(parts) >= 5 and parts[0] == "nodes":
            return self._of_guest(parts[1], int(parts[3]), parts[4:])
        return Answer(501, {"data": None, "message": f"Method 'GET {asked.path}' not implemented"})

    def _of_guest(self, node: str, vmid: int, rest: list[str]) -> Answer:
        if node in self.away:
            return Answer(595, {"data": None})
        if rest == ["config"]:
            return Answer(200, {"data": self.configs[vmid]})
        sets = self.ipsets.get(vmid, {})
        if rest == ["firewall", "ipset"]:
            return Answer(200, {"data": [{"name": name, "digest": "00"} for name in sets]})
        return Answer(200, {"data": sets[rest[2]]})


def certificate(folder: Path) -> tuple[Path, Path]:
    """The files of a certificate for 127.0.0.1, its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pve1.example.net")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "pve-root-ca.pem", folder / "pve.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return files


@contextmanager
def proxmox(folder: Path) -> Iterator[Proxmox]:
    """A cluster that answers for as long as the block; its authority's file lies in the folder."""
    made = Proxmox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder))
    with listening(made.serve, lambda one: context.wrap_socket(one, server_side=True)) as door:
        made.door = door
        yield made
