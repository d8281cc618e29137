"""A Proxmox VE cluster of the tests, over TLS: the shapes and refusals of its API, as its API viewer gives them."""

import hashlib
import ipaddress
import json
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

PRIVILEGES = ("VM.Audit", "Sys.Audit", "VM.PowerMgmt", "VM.Config.Options", "VM.Config.Network")

Object = dict[str, Any]


@dataclass
class Proxmox:
    """What runs in it. `changes` are the guests that were really switched on or off."""

    guests: list[Object] = field(default_factory=list)
    configs: dict[int, Object] = field(default_factory=dict)
    ipsets: dict[int, dict[str, list[Object]]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    """Nodes that do not answer."""
    privileges: set[str] = field(default_factory=lambda: set(PRIVILEGES))
    changes: list[tuple[str, int]] = field(default_factory=list)
    rules: dict[int, list[Object]] = field(default_factory=dict)
    firewalls: dict[int, Object] = field(default_factory=dict)
    datacenter_firewall: int = 1
    tasks: dict[str, Object] = field(default_factory=dict)
    busy: bool = False
    """Whether tasks stay at work until `finish` is called."""
    failing: str = ""
    """How tasks end that fail."""
    door: Door | None = None

    @property
    def url(self) -> str:
        assert self.door is not None
        return self.door.url

    def guest(self, vmid: int, config: Object, kind: str = "qemu", node: str = "pve1", **more: Any) -> None:
        common = {"id": f"{kind}/{vmid}", "type": kind, "vmid": vmid, "node": node, "status": "running", "template": 0}
        self.guests.append({**common, "name": f"guest{vmid}", **more})
        self.configs[vmid] = {"digest": "00", **config}

    def of(self, vmid: int) -> Object:
        return next(one for one in self.guests if one["vmid"] == vmid)

    def finish(self) -> None:
        """Lets the tasks that are at work come to their end."""
        for task in self.tasks.values():
            if task["status"] == "running":
                self._end(task)

    def serve(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"PVEAPIToken={TOKEN_ID}={SECRET}":
            return Answer(401, {"data": None}, reason="no such token 'x' for user 'abusedesk@pve'")
        parts = asked.path.removeprefix("/api2/json/").split("/")
        try:
            return self._answer(asked, parts)
        except _Refusal as refusal:
            return Answer(refusal.status, {"data": None}, reason=refusal.words)

    def _answer(self, asked: Asked, parts: list[str]) -> Answer:
        if parts[0] == "nodes" and len(parts) >= 4:
            tasks = parts[2] == "tasks"
            return self._tasks(asked, parts[3:]) if tasks else self._of_guest(asked, parts[1], int(parts[3]), parts[4:])
        if parts[:1] + parts[2:] == ["nodes", "tasks"]:
            return self._tasks(asked, [])
        tellers = {
            "version": self._version,
            "cluster/resources": self._resources,
            "cluster/firewall/options": self._cluster,
        }
        tell = {**tellers, "access/permissions": self._permissions}.get("/".join(parts))
        if tell is None:
            return Answer(501, {"data": None, "message": f"Method 'GET {asked.path}' not implemented"})
        return Answer(200, {"data": tell(asked)})

    def _version(self, _: Asked) -> object:
        return {"version": "8.3.0", "release": "8.3", "repoid": "c1689ccb"}

    def _resources(self, asked: Asked) -> object:
        assert asked.query == {"type": "vm"}
        return self.guests if "VM.Audit" in self.privileges else []

    def _cluster(self, _: Asked) -> object:
        self._need("/", "Sys.Audit")
        return {"enable": self.datacenter_firewall, "digest": "00"}

    def _permissions(self, asked: Asked) -> object:
        held = dict.fromkeys(sorted(self.privileges), 1)
        return {asked.query["path"]: held} if held else {}

    def _need(self, path: str, privilege: str) -> None:
        if privilege not in self.privileges:
            raise _Refusal(403, f"Permission check failed ({path}, {privilege})")

    def _of_guest(self, asked: Asked, node: str, vmid: int, rest: list[str]) -> Answer:
        if node in self.away:
            return Answer(595, {"data": None}, reason="No route to host")
        if vmid not in self.configs:
            raise _Refusal(500, f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist")
        self._need(f"/vms/{vmid}", "VM.Audit")
        if rest == ["config"]:
            return self._config(asked, vmid)
        if rest[0] == "status":
            return self._status(asked, vmid, rest[1])
        if rest[1] != "ipset":
            return self._firewall(asked, vmid) if rest[1] == "options" else self._rules(asked, vmid, rest[2:])
        return self._ipset(vmid, rest)

    def _ipset(self, vmid: int, rest: list[str]) -> Answer:
        sets = self.ipsets.get(vmid, {})
        if rest == ["firewall", "ipset"]:
            return Answer(200, {"data": [{"name": name, "digest": "00"} for name in sets]})
        return Answer(200, {"data": sets[rest[2]]})

    def _config(self, asked: Asked, vmid: int) -> Answer:
        config = self.configs[vmid]
        if asked.method == "GET":
            return Answer(200, {"data": config})
        if "lock" in config:
            raise _Refusal(500, f"VM is locked ({config['lock']})")
        form = dict(asked.form)
        if form.pop("digest", config["digest"]) != config["digest"]:
            raise _Refusal(500, "detected modified configuration - file changed by other user? Try again.")
        gone = [one for one in form.pop("delete", "").split(",") if one]
        for name in (*form, *gone):
            self._need(f"/vms/{vmid}", "VM.Config.Network" if name.startswith("net") else "VM.Config.Options")
        for name in gone:
            config.pop(name, None)
        config.update({name: f"{value}\n" if name == "description" else value for name, value in form.items()})
        config["digest"] = hashlib.sha1(json.dumps(config, sort_keys=True).encode()).hexdigest()
        return Answer(200, {"data": None})

    def _status(self, asked: Asked, vmid: int, what: str) -> Answer:
        guest = self.of(vmid)
        if what == "current":
            return Answer(200, {"data": {"vmid": vmid, "qmpstatus": guest["status"], **guest}})
        self._need(f"/vms/{vmid}", "VM.PowerMgmt")
        if what == "shutdown" and guest["status"] != "running":
            raise _Refusal(500, f"VM {vmid} not running")
        upid = f"UPID:{guest['node']}:0000{len(self.tasks):04X}:00000001:65000000:qm{what}:{vmid}:{TOKEN_ID}:"
        task = {"upid": upid, "type": f"qm{what}", "id": str(vmid), "node": guest["node"], "status": "running"}
        self.tasks[upid] = task
        if not self.busy:
            self._end(task)
        return Answer(200, {"data": upid})

    def _end(self, task: Object) -> None:
        guest, after = self.of(int(task["id"])), "running" if task["type"] == "qmstart" else "stopped"
        running = task["type"] == "qmstart" and guest["status"] == "running"
        error = self.failing or (f"VM {task['id']} already running" if running else "")
        task |= {"status": "stopped", "exitstatus": error or "OK", "endtime": 1700000000}
        if not error and guest["status"] != after:
            guest["status"] = after
            self.changes.append((task["type"], guest["vmid"]))

    def _tasks(self, asked: Asked, rest: list[str]) -> Answer:
        if rest:
            return Answer(200, {"data": self.tasks[rest[0]]})
        vmid = asked.query["vmid"]
        going_on = [one for one in self.tasks.values() if one["id"] == vmid and "endtime" not in one]
        return Answer(200, {"data": [{**one, "status": "RUNNING"} for one in going_on]})

    def _rules(self, asked: Asked, vmid: int, rest: list[str]) -> Answer:
        present = self.rules.setdefault(vmid, [])
        if asked.method == "GET":
            return Answer(200, {"data": [{**one, "pos": at, "digest": "00"} for at, one in enumerate(present)]})
        self._need(f"/vms/{vmid}", "VM.Config.Network")
        if asked.method == "DELETE":
            del present[int(rest[0])]
        else:
            present.insert(0, {**asked.form, "enable": int(asked.form.get("enable", 0))})
        return Answer(200, {"data": None})

    def _firewall(self, asked: Asked, vmid: int) -> Answer:
        options = self.firewalls.setdefault(vmid, {})
        if asked.method == "GET":
            return Answer(200, {"data": {"digest": "00", **options}})
        self._need(f"/vms/{vmid}", "VM.Config.Network")
        if asked.form.get("delete") == "enable":
            options.pop("enable", None)
        else:
            options["enable"] = int(asked.form["enable"])
        return Answer(200, {"data": None})


class _Refusal(Exception):  # noqa: N818 - the API's no
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


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
