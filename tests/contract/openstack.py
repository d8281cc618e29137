"""An OpenStack of the tests: Keystone, Nova and Neutron by their published API reference, as far as they are asked.

It keeps microversions, the states in which Nova takes an action, administrators' locks, and Neutron's refusals.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.inventories.serving import Answer, Asked, Door, listening

CREDENTIAL, SECRET = "4f7b3c1d0a9e4c6f8a2d5e6b7c8d9e0f", "an-application-credentials-secret"
GROUP = "0c7a3f0e-0000-4000-8000-00000000000f"
WEB = "0c7a3f0e-0000-4000-8000-000000000001"
DEFAULT = "0c7a3f0e-0000-4000-8000-000000000002"
OLD = "2.60"
"""A microversion of Queens, before locks had reasons."""

_FROM = {"os-stop": "ACTIVE", "suspend": "ACTIVE", "os-start": "SHUTOFF", "resume": "SUSPENDED", "unpause": "PAUSED"}
_TO = {"os-stop": "SHUTOFF", "suspend": "SUSPENDED"}
_TASK = {"os-stop": "powering-off", "suspend": "suspending", "os-start": "powering-on", "resume": "resuming"}

Object = dict[str, Any]


@dataclass
class Cloud:
    """Its servers and ports. `changes` are the servers whose state was really changed."""

    servers: dict[str, Object] = field(default_factory=dict)
    ports: dict[str, Object] = field(default_factory=dict)
    groups: set[str] = field(default_factory=lambda: {GROUP, WEB, DEFAULT})
    microversion: str = "2.96"
    admin: bool = True
    busy: bool = False
    """Whether what was begun stays at work until `finish` is called."""
    changes: list[tuple[str, str]] = field(default_factory=list)
    door: Door | None = None

    @property
    def url(self) -> str:
        assert self.door is not None
        return self.door.url

    def server(self, number: int, status: str = "ACTIVE", **more: Any) -> str:
        one = f"5d1e0a00-0000-4000-8000-{number:012d}"
        common = {"id": one, "name": f"vps-{number}", "status": status, "OS-EXT-STS:task_state": None}
        self.servers[one] = {**common, "tenant_id": "customer", "locked": False, "locked_reason": None, **more}
        return one

    def port(self, number: int, server: str, *groups: str, **more: Any) -> str:
        one = f"9a000000-0000-4000-8000-{number:012d}"
        common = {"id": one, "device_id": server, "device_owner": "compute:nova", "security_groups": list(groups)}
        self.ports[one] = {**common, "port_security_enabled": True, "tags": [], **more}
        return one

    def finish(self) -> None:
        """Lets what was begun come to its end."""
        for server in self.servers.values():
            if server["OS-EXT-STS:task_state"]:
                server |= {"status": server.pop("to"), "OS-EXT-STS:task_state": None}

    def serve(self, asked: Asked) -> Answer:
        if asked.path == "/v3/auth/tokens":
            return self._token(asked)
        path = asked.path.strip("/")
        if path in {"compute/v2.1", "network", "network/v2.0"}:
            return Answer(200, self._versions(path))
        if asked.headers.get("x-auth-token") != "a-token":
            return Answer(
                401, {"error": {"code": 401, "message": "The request you have made requires authentication."}}
            )
        if path.startswith("compute/v2.1/"):
            return self._nova(asked, path.removeprefix("compute/v2.1/").split("/"))
        return self._neutron(asked, path.removeprefix("network/v2.0/").split("/"))

    # --- Keystone -----------------------------------------------------------------------------------------------------

    def _token(self, asked: Asked) -> Answer:
        given = json.loads(asked.body)["auth"]["identity"]["application_credential"]
        if (given["id"], given["secret"]) != (CREDENTIAL, SECRET):
            return Answer(
                401, {"error": {"code": 401, "message": "The request you have made requires authentication."}}
            )
        catalog = [
            {"type": kind, "name": name, "id": kind, "endpoints": [self._endpoint(path)]}
            for kind, name, path in (("compute", "nova", "/compute/v2.1"), ("network", "neutron", "/network"))
        ]
        token = {
            "methods": ["application_credential"],
            "expires_at": "2999-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "project": {"id": "admin", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "user": {"id": "u1", "name": "abusedesk", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "admin" if self.admin else "member"}],
            "catalog": catalog,
        }
        return Answer(201, {"token": token}, {"X-Subject-Token": "a-token"})

    def _endpoint(self, path: str) -> Object:
        return {"interface": "public", "region": "r1", "region_id": "r1", "url": self.url + path, "id": path}

    def _versions(self, path: str) -> Object:
        if path == "compute/v2.1":
            links = [{"rel": "self", "href": f"{self.url}/compute/v2.1/"}]
            numbers = {"version": self.microversion, "min_version": "2.1"}
            return {"version": {"id": "v2.1", "status": "CURRENT", "links": links, **numbers}}
        links = [{"rel": "self", "href": f"{self.url}/network/v2.0/"}]
        return {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}

    # --- Nova ---------------------------------------------------------------------------------------------------------

    def _nova(self, asked: Asked, parts: list[str]) -> Answer:
        asked_for = asked.headers.get("openstack-api-version", "compute 2.1").split()[-1]
        if _number(asked_for) > _number(self.microversion):
            return _failed(406, "computeFault", f"Version {asked_for} is not supported by the API.")
        if parts in (["servers", "detail"], ["servers"]):
            return self._list(asked)
        server = self.servers.get(parts[1])
        if server is None or not self.admin:
            return _failed(404, "itemNotFound", f"Instance {parts[1]} could not be found.")
        if asked.method == "GET":
            return Answer(200, {"server": self._shown(server, asked_for)})
        (action, given), *_ = json.loads(asked.body).items()
        return self._act(server, action, given, asked_for)

    def _list(self, asked: Asked) -> Answer:
        if "all_tenants" in asked.query and not self.admin:
            return _failed(403, "forbidden", "Policy doesn't allow os_compute_api:servers:index:get_all_tenants")
        wanted = asked.query.get("name", "")
        rows = [one for one in self.servers.values() if re.search(wanted, one["name"])]
        return Answer(200, {"servers": [self._shown(one, "2.96") for one in rows]})

    def _shown(self, server: Object, microversion: str) -> Object:
        hidden = {"to"} if _number(microversion) >= (2, 73) else {"to", "locked_reason"}
        shown = {name: value for name, value in server.items() if name not in hidden}
        if server["OS-EXT-STS:task_state"] and not self.busy:
            # It is at work for one look.
            server |= {"status": server.pop("to"), "OS-EXT-STS:task_state": None}
        return shown

    def _act(self, server: Object, action: str, given: Any, microversion: str) -> Answer:
        if action == "lock":
            reason = (given or {}).get("locked_reason")
            if reason is not None and (_number(microversion) < (2, 73) or not 0 < len(reason) <= 255):
                return _failed(400, "badRequest", "Invalid input for field/attribute locked_reason.")
            server |= {"locked": True, "locked_reason": reason}
            return Answer(202, b"")
        if action == "unlock":
            server |= {"locked": False, "locked_reason": None}
            return Answer(202, b"")
        if server["status"] != _FROM[action] or server["OS-EXT-STS:task_state"]:
            state = server["OS-EXT-STS:task_state"] or server["status"].lower()
            return _failed(409, "conflictingRequest", f"Cannot '{action}' instance {server['id']} while it is {state}")
        server |= {"OS-EXT-STS:task_state": _TASK.get(action, "working"), "to": _TO.get(action, "ACTIVE")}
        self.changes.append((action, server["id"]))
        return Answer(202, b"")

    # --- Neutron ------------------------------------------------------------------------------------------------------

    def _neutron(self, asked: Asked, parts: list[str]) -> Answer:
        if asked.method == "GET":
            rows = [one for one in self.ports.values() if one["device_id"] == asked.query["device_id"]]
            return Answer(200, {"ports": [dict(one) for one in rows]})
        port = self.ports.get(parts[1])
        if port is None:
            return _refused(404, "PortNotFound", f"Port {parts[1]} could not be found.")
        given = json.loads(asked.body)
        if parts[2:] == ["tags"]:
            port["tags"] = given["tags"]
            return Answer(200, {"tags": port["tags"]})
        return self._change(port, given["port"])

    def _change(self, port: Object, given: Object) -> Answer:
        after = {**port, **given}
        unknown = sorted(set(after["security_groups"]) - self.groups)
        if unknown:
            return _refused(404, "SecurityGroupNotFound", f"Security group {unknown[0]} does not exist")
        if after["security_groups"] and not after["port_security_enabled"]:
            words = "Port has security group associated. Cannot disable port security until it is removed."
            return _refused(409, "PortSecurityPortHasSecurityGroup", words)
        port |= given
        self.changes.append(("port", port["id"]))
        return Answer(200, {"port": port})


def _number(microversion: str) -> tuple[int, ...]:
    return tuple(map(int, microversion.split(".")))


def _failed(status: int, fault: str, words: str) -> Answer:
    return Answer(status, {fault: {"code": status, "message": words}})


def _refused(status: int, kind: str, words: str) -> Answer:
    return Answer(status, {"NeutronError": {"type": kind, "message": words, "detail": ""}})


@contextmanager
def cloud() -> Iterator[Cloud]:
    """A cloud that answers for as long as the block."""
    made = Cloud()
    with listening(made.serve) as door:
        made.door = door
        yield made
