"""The OpenStack actuator: a server is switched off and locked, or its ports get a security group that closes them.

A server that is off is locked by an administrator, so that its owner cannot start it; the reason of the lock says whose
hold it is, for which measures, and what was found. A server in quarantine runs on, while each of its ports has the
quarantine's security group alone; tags of the port say which it had before. So each mark lies where the change is, is
written before it and taken out after it, and outlives a crash and a restored backup of ours.

API: Keystone v3, Nova 2.1 with microversion 2.73 or later (lock reasons), Neutron v2.0 (docs.openstack.org/api-ref).
They are spoken by `openstacksdk`, which takes some 40 MB and is loaded when the actuator first acts.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from abusedesk.actuators.actuator import Order, Outcome, State
from abusedesk.actuators.calls import address_of, library, must_have, secret_in
from abusedesk.actuators.fence import in_turn, target
from abusedesk.actuators.program import known_only, seconds_of
from abusedesk.problem import Problem

EXTRA = "openstack"
OPTIONS = frozenset(
    {"auth_url", "credential_id", "secret_file", "region", "ca_file", "service_by", "suspend", "group", "timeout"}
)
KINDS = ("suspend", "shutdown", "terminate")
"""Nothing is ever erased: a terminated server is off and locked until a person deletes it."""

LOCK_REASONS = "2.73"
LONGEST_REASON = 255
PAUSE_S = 0.2
"""Between two looks at a server that changes."""

BEGINNING = "abusedesk "
"""How the reason of a lock of ours begins."""

_OFF = frozenset({"SHUTOFF", "SUSPENDED", "PAUSED", "SHELVED", "SHELVED_OFFLOADED"})
_GONE = frozenset({"DELETED", "SOFT_DELETED"})
_PASSING = frozenset({"BUILD", "REBUILD", "REBOOT", "HARD_REBOOT", "PASSWORD", "MIGRATING", "RESIZE", "REVERT_RESIZE"})
_GOING_OFF = frozenset({"powering-off", "suspending"})
_OURS, _GROUP, _OPEN = "abusedesk-of:", "abusedesk-sg:", "abusedesk-open"

Means = Literal["stop", "suspend", "quarantine"]


class Hold(NamedTuple):
    """What the reason of our lock says: whose it is, for which measures, what the server was, and the lock it had."""

    brand: str
    service: str
    kinds: tuple[str, ...]
    was: str
    lock: str | None = None

    @property
    def reason(self) -> str:
        """The reason as it is written. Raises _No where a reason that was there before leaves no room."""
        told = {name: value for name, value in self._asdict().items() if value is not None}
        text = BEGINNING + json.dumps(told, separators=(",", ":"), ensure_ascii=False)
        if len(text) > LONGEST_REASON:
            raise _No("the server is locked for a reason so long that it could not be kept; unlock it first")
        return text


class Openstack:
    """Options: `auth_url`, `credential_id` and `secret_file` of an application credential, `region`, `ca_file`.

    `service_by`: `id` or `name`; `suspend`: `stop`, `suspend` (its memory is kept) or `quarantine`, for which `group`
    is the id of the security group; `timeout`: the seconds for one call, and that a change of state is waited for.
    """

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "openstack")
        must_have("openstack", EXTRA)
        self._url = address_of(str(options.get("auth_url", "")), "openstack", "https://keystone.example.net:5000/v3")
        self._credential = _required(options, "credential_id")
        self._secret = secret_in(str(options.get("secret_file", "")), "openstack", "secret_file")
        self._region = str(options.get("region", "")) or None
        self._ca_file = str(options.get("ca_file", ""))
        self._by = _one_of(options, "service_by", ("id", "name"))
        self._suspend = _one_of(options, "suspend", ("stop", "suspend", "quarantine"))
        self._group = _required(options, "group") if self._suspend == "quarantine" else str(options.get("group", ""))
        self._timeout = seconds_of(options, "openstack")

    def apply(self, order: Order) -> Outcome:
        """Switch the server off and lock it, or close its ports."""
        if order.kind not in KINDS:
            return Outcome("refused", error=f"openstack takes no measure {order.kind}; it takes {', '.join(KINDS)}")
        return in_turn("openstack", order, lambda: self._answered(lambda cloud: self._hold(cloud, order)))

    def lift(self, order: Order) -> Outcome:
        """Take the measure's hold off, and put back what nothing else holds."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        return in_turn("openstack", order, lambda: self._answered(lambda cloud: self._release(cloud, order)))

    def query(self, order: Order) -> Outcome:
        """Look at the server and its ports."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        told = self._answered(lambda cloud: self._seen(cloud, order))
        # A refusal to tell says nothing about the measure.
        return Outcome("unreachable", told.receipt, told.error) if told.state == "refused" else told

    # --- what is changed --------------------------------------------------------------------------------------------

    def _hold(self, cloud: Any, order: Order) -> Outcome:
        server = self._server(cloud, order)
        if server is None:
            return Outcome("refused", error=f"OpenStack has no server {order.service}; nothing can be held")
        if self._means(order) == "quarantine":
            self._close(cloud, order, server)
        else:
            self._switch_off(cloud, order, server)
        return self._seen(cloud, order)

    def _means(self, order: Order) -> str:
        return self._suspend if order.kind == "suspend" else "stop"

    def _switch_off(self, cloud: Any, order: Order, server: Any) -> None:
        if not _knows_reasons(cloud):
            raise _No(f"this Nova is older than microversion {LOCK_REASONS}, and locks without a reason")
        if server.project_id == cloud.session.get_project_id():
            raise _No(f"server {server.id} is in the credential's own project, where a lock binds no owner")
        hold = taken(order, server)
        if not server.is_locked or server.locked_reason != hold.reason:
            cloud.compute.lock_server(server.id, locked_reason=hold.reason)
        if server.status not in _OFF and server.task_state not in _GOING_OFF:
            end = cloud.compute.suspend_server if self._means(order) == "suspend" else cloud.compute.stop_server
            end(server.id)
        self._wait(cloud, server, _OFF)

    def _close(self, cloud: Any, order: Order, server: Any) -> None:
        ports = _ports(cloud, server)
        if not ports:
            raise _No(f"server {server.id} has no port that could be closed")
        for port in ports:
            _must_be_ours(order, port)
        for port in ports:
            if not _owner_of(port):
                _tag(cloud, port, [*port.tags, *found_tags(order, port)])
            if not is_closed(port, self._group):
                cloud.network.update_port(port.id, is_port_security_enabled=True, security_group_ids=[self._group])

    def _release(self, cloud: Any, order: Order) -> Outcome:
        server = self._server(cloud, order)
        if server is None:
            return Outcome("not_in_force", {"server": "gone"})
        hold = read_hold(server)
        if hold is not None and _is_for(hold, order):
            self._give_back(cloud, server, hold._replace(kinds=tuple(one for one in hold.kinds if one != order.kind)))
        if order.kind == "suspend":
            self._open(cloud, order, server)
        return self._seen(cloud, order)

    def _give_back(self, cloud: Any, server: Any, hold: Hold) -> None:
        """Locks it for what is left; or starts it if it ran, and only then takes our lock away."""
        if hold.kinds:
            cloud.compute.lock_server(server.id, locked_reason=hold.reason)
            return
        if hold.was == "ACTIVE":
            self._switch_on(cloud, server)
        if hold.lock is None:
            cloud.compute.unlock_server(server.id)
        else:
            cloud.compute.lock_server(server.id, locked_reason=hold.lock or None)

    def _switch_on(self, cloud: Any, server: Any) -> None:
        if server.task_state in _GOING_OFF:
            self._wait(cloud, server, _OFF)
            server = cloud.compute.get_server(server.id)
        starts = {
            "SHUTOFF": cloud.compute.start_server,
            "SUSPENDED": cloud.compute.resume_server,
            "PAUSED": cloud.compute.unpause_server,
        }
        if server.status in starts and not server.task_state:
            starts[server.status](server.id)
        if not self._wait(cloud, server, frozenset({"ACTIVE"})):
            raise _Silent(f"server {server.id} does not run yet")

    def _open(self, cloud: Any, order: Order, server: Any) -> None:
        """Gives the ports back the groups that their tags name, and takes the tags out after that."""
        for port in _ports(cloud, server):
            if _owner_of(port) == _owner(order):
                cloud.network.update_port(port.id, **found_on(port))
                _tag(cloud, port, [one for one in port.tags if not _is_our_tag(one)])

    def _wait(self, cloud: Any, server: Any, states: frozenset[str]) -> bool:
        """Whether the server came to one of these states as long as one call may take."""
        until = time.monotonic() + self._timeout
        while time.monotonic() < until:
            now = cloud.compute.get_server(server.id)
            if now.status in states and not now.task_state:
                return True
            if now.status == "ERROR":
                raise _Silent(f"server {server.id} came into the state ERROR")
            time.sleep(PAUSE_S)
        return False

    # --- what is asked ----------------------------------------------------------------------------------------------

    def _seen(self, cloud: Any, order: Order) -> Outcome:
        server = self._server(cloud, order)
        if server is None:
            # A person who deleted a terminated server has finished what the measure began.
            state: State = "in_force" if order.kind == "terminate" else "not_in_force"
            return Outcome(state, {"server": "gone"}, f"OpenStack has no server {order.service}")
        hold = read_hold(server)
        receipt = {"server": server.id, "status": server.status}
        if hold is not None and _is_for(hold, order):
            return _seen_off(server, receipt | {"was": hold.was})
        if order.kind == "suspend":
            return self._seen_closed(cloud, order, server, receipt)
        return Outcome("not_in_force", receipt)

    def _seen_closed(self, cloud: Any, order: Order, server: Any, receipt: dict[str, Any]) -> Outcome:
        ports = _ports(cloud, server)
        if not any(_owner_of(one) == _owner(order) for one in ports):
            return Outcome("not_in_force", receipt)
        gaps = [one.id for one in ports if _owner_of(one) != _owner(order) or not is_closed(one, self._group)]
        error = f"open again: port {', '.join(gaps)}" if gaps else ""
        return Outcome("not_in_force" if gaps else "in_force", receipt | {"ports": len(ports)}, error)

    def _server(self, cloud: Any, order: Order) -> Any | None:
        """The order's server; None where there is none."""
        found = _of_id(cloud, order.service) if self._by == "id" else _named(cloud, order.service)
        return None if found is None or found.status in _GONE else found

    def _answered(self, carry_out: Callable[[Any], Outcome]) -> Outcome:
        try:
            with self._cloud() as cloud:
                return carry_out(cloud)
        except _No as no:
            return Outcome("refused", error=str(no))
        except _Silent as silence:
            return Outcome("unreachable", error=str(silence))

    @contextmanager
    def _cloud(self) -> Iterator[Any]:
        """A connection to the cloud. Raises _No or _Silent for whatever the libraries raise."""
        openstack, keystone = library("openstack", EXTRA), library("keystoneauth1.exceptions", EXTRA)
        try:
            with openstack.connection.Connection(session=self._session(), region_name=self._region) as cloud:
                yield cloud
        except (keystone.Unauthorized, openstack.exceptions.ForbiddenException, keystone.Forbidden) as error:
            raise _No(f"OpenStack does not let us: {_words(error)}") from None
        except openstack.exceptions.BadRequestException as error:
            raise _No(f"OpenStack refuses: {_words(error)}") from None
        except (openstack.exceptions.SDKException, keystone.ClientException) as error:
            raise _refusal(error) from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _Silent(f"OpenStack answered something else than its API does ({error!r})") from None

    def _session(self) -> Any:
        """A session that knows no proxies and no clouds of the environment."""
        requests = library("requests", EXTRA).Session()
        requests.trust_env = False
        access = library("keystoneauth1.identity.v3", EXTRA).ApplicationCredential(
            auth_url=self._url.geturl(),
            application_credential_id=self._credential,
            application_credential_secret=self._secret,
        )
        made = library("keystoneauth1.session", EXTRA).Session
        return made(
            auth=access, session=requests, verify=self._ca_file or True, timeout=self._timeout, app_name="abusedesk"
        )


class _No(Exception):  # noqa: N818 - the outside's no
    """OpenStack refuses, and will again."""


class _Silent(Exception):  # noqa: N818 - the outside gave no answer, or could not do it now
    """OpenStack did not answer, or could not do it now."""


# --- what is written in locks and tags, pure -------------------------------------------------------------------------


def read_hold(server: Any) -> Hold | None:
    """Our hold in the reason of a server's lock; None for no lock, or another's. Raises _No for one that is broken."""
    reason = str(server.locked_reason or "") if server.is_locked else ""
    if not reason.startswith(BEGINNING):
        return None
    try:
        told = json.loads(reason.removeprefix(BEGINNING))
        return Hold(str(told["brand"]), str(told["service"]), tuple(told["kinds"]), str(told["was"]), told.get("lock"))
    except (ValueError, KeyError, TypeError):
        raise _No(f"the reason of the lock of server {server.id} was changed by hand: {reason}") from None


def taken(order: Order, server: Any) -> Hold:
    """The hold as it is to be with the order's measure among it. Raises _No or _Silent where it cannot be held."""
    hold = read_hold(server)
    if hold is not None:
        if (hold.brand, hold.service) != (order.brand, order.service):
            raise _No(f"server {server.id} is held already for the service {hold.service} of the brand {hold.brand}")
        return hold._replace(kinds=tuple(sorted({*hold.kinds, order.kind})))
    if server.status in _PASSING or server.task_state:
        raise _Silent(f"server {server.id} is busy ({server.task_state or server.status})")
    if server.status != "ACTIVE" and server.status not in _OFF:
        raise _No(f"server {server.id} is in the state {server.status}, which could not be put back; end that first")
    lock = (server.locked_reason or "") if server.is_locked else None
    return Hold(order.brand, order.service, (order.kind,), server.status, lock)


def found_tags(order: Order, port: Any) -> list[str]:
    """The tags that say whose a port's quarantine is, and which groups it had."""
    groups = [f"{_GROUP}{one}" for one in port.security_group_ids or ()]
    return [_OURS + _owner(order), *groups, *([] if port.is_port_security_enabled else [_OPEN])]


def found_on(port: Any) -> dict[str, Any]:
    """What a port had before, as its tags say."""
    groups = [one.removeprefix(_GROUP) for one in port.tags if one.startswith(_GROUP)]
    return {"security_group_ids": groups, "is_port_security_enabled": _OPEN not in port.tags}


def is_closed(port: Any, group: str) -> bool:
    """Whether a port lets through only what the quarantine's group does."""
    return bool(port.is_port_security_enabled) and list(port.security_group_ids or ()) == [group]


def _seen_off(server: Any, receipt: dict[str, Any]) -> Outcome:
    if server.status in _OFF and not server.task_state:
        return Outcome("in_force", receipt)
    if server.task_state in _GOING_OFF:
        return Outcome("acknowledged", receipt, "it is being switched off")
    return Outcome("not_in_force", receipt, f"the server is {server.status}")


def _is_for(hold: Hold, order: Order) -> bool:
    return (hold.brand, hold.service) == (order.brand, order.service) and order.kind in hold.kinds


def _owner(order: Order) -> str:
    """Whose measure it is, short enough for a tag (Neutron allowed 60 characters for long)."""
    return sha256(target(order).encode()).hexdigest()[:16]


def _owner_of(port: Any) -> str:
    return next((one.removeprefix(_OURS) for one in port.tags if one.startswith(_OURS)), "")


def _is_our_tag(tag: str) -> bool:
    return tag == _OPEN or tag.startswith((_OURS, _GROUP))


def _must_be_ours(order: Order, port: Any) -> None:
    if _owner_of(port) not in {"", _owner(order)}:
        raise _No(f"port {port.id} is in quarantine already for another service")


# --- the API ---------------------------------------------------------------------------------------------------------


def _refusal(error: Any) -> Exception:
    """409 is a server in another state, or busy; what is not HTTP at all is no answer."""
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    if status is not None and 400 <= status < 500 and status not in {408, 409, 413, 425, 429}:
        return _No(f"OpenStack refuses: {_words(error)}")
    return _Silent(f"OpenStack: {_words(error)}")


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _knows_reasons(cloud: Any) -> bool:
    return bool(library("openstack.utils", EXTRA).supports_microversion(cloud.compute, LOCK_REASONS))


def _of_id(cloud: Any, number: str) -> Any | None:
    missing = library("openstack.exceptions", EXTRA).NotFoundException
    try:
        return cloud.compute.get_server(number)
    except missing:
        # To who is no administrator every other project's server is missing; the question for all of them is refused.
        next(iter(cloud.compute.servers(details=False, all_projects=True, limit=1)), None)
        return None


def _named(cloud: Any, name: str) -> Any | None:
    rows = cloud.compute.servers(all_projects=True, name=f"^{re.escape(name)}$")
    found = [one for one in rows if one.name == name and one.status not in _GONE]
    if len(found) > 1:
        raise _No(f"{len(found)} servers of OpenStack are called {name!r}; see service_by")
    return found[0] if found else None


def _ports(cloud: Any, server: Any) -> list[Any]:
    return sorted(cloud.network.ports(device_id=server.id), key=lambda one: str(one.id))


def _tag(cloud: Any, port: Any, tags: Iterable[str]) -> None:
    port.set_tags(cloud.network, sorted(set(tags)))


# --- options ---------------------------------------------------------------------------------------------------------


def _required(options: Mapping[str, Any], name: str) -> str:
    value = str(options.get(name) or "")
    if not value:
        raise Problem(f"openstack: {name} is missing")
    return value


def _one_of(options: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = options.get(name, choices[0])
    if value not in choices:
        raise Problem(f"openstack: {name} {value!r} is none of {', '.join(choices)}")
    return str(value)
