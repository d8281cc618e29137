"""The Proxmox VE actuator: a guest is switched off, or its network closed, and later put back as it was found.

Switched off means: off, not started with the node, and its links down, so that whoever starts it by hand starts it
without a network. Quarantine leaves it running: with its links down, or, where prefixes are allowed, behind rules of
the guest's own firewall that let nothing else through. Its console, which is the hypervisor's, works in each case.

What was found is kept where it is changed: one line of the guest's notes, written with the first change and taken out
with the last. So a crash, or a desk restored from yesterday's backup, knows what to put back.

API: `proxmoxer`, by a token; what takes time is a task, whose UPID is asked after. The API's description is at
pve.proxmox.com/pve-docs/api-viewer.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult

from abusedesk.actuators.actuator import Order, Outcome, State
from abusedesk.actuators.calls import address_of, library, must_have, secret_in
from abusedesk.actuators.fence import in_turn
from abusedesk.actuators.program import known_only, seconds_of
from abusedesk.problem import Problem

EXTRA = "proxmox"
OPTIONS = frozenset({"url", "token_id", "token_file", "ca_file", "service_by", "suspend", "allow", "grace", "timeout"})
KINDS = ("suspend", "shutdown", "terminate")
"""Nothing is ever erased: a terminated guest is switched off until a person deletes it."""

PORT = 8006
PAUSE_S = 0.2
"""Between two looks at a task."""

LINE = "abusedesk: "
"""How the line of the notes begins that is ours."""

_NET = re.compile(r"net\d+")
_TOKEN = re.compile(r"[^@!=\s]+@[^@!=\s]+![^@!=\s]+")

Means = Literal["power", "links", "firewall"]
Row = Mapping[str, Any]


class Mark(NamedTuple):
    """Our line in a guest's notes: whose it is, by which means each measure holds it, and what was found.

    `found` is `nets` (of each interface its `link_down` and `firewall`); while it is held off, `running` and `onboot`
    as they were; and, once the firewall was touched, `firewall`, whether it was on. None: the setting was not there.
    """

    brand: str
    service: str
    holds: Mapping[str, str]
    found: Mapping[str, Any]

    @property
    def line(self) -> str:
        """The line as it is written."""
        return LINE + json.dumps(self._asdict(), separators=(",", ":"), sort_keys=True)

    def uses(self, *means: Means) -> bool:
        """Whether a measure of it holds by one of these means."""
        return any(one in means for one in self.holds.values())


class Guest(NamedTuple):
    """A guest as the cluster tells it: where it is, and how."""

    api: Any
    node: str
    number: int
    kind: str
    config: Row
    running: bool
    paused: bool

    @property
    def mark(self) -> Mark | None:
        """Our line in its notes."""
        return read_mark(str(self.config.get("description") or ""))

    @property
    def at(self) -> Any:
        """Its own branch of the API."""
        return getattr(self.api.nodes(self.node), self.kind)(self.number)


class Proxmox:
    """Options: `url` of any node, `token_id` and `token_file`, `ca_file`; `service_by` (vmid, name, tag:BEGINNING).

    `suspend`: `power` or `quarantine`; `allow`: prefixes that a quarantined guest still reaches; `grace`: the seconds
    that a guest has to shut down by itself before it is switched off, 30; `timeout`: the seconds for one call.
    """

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "proxmox")
        must_have("proxmoxer", EXTRA)
        self._url = address_of(str(options.get("url", "")), "proxmox", "https://pve1.example.net:8006")
        self._user, self._token = _token(str(options.get("token_id", "")))
        self._secret = secret_in(str(options.get("token_file", "")), "proxmox", "token_file")
        self._ca_file = str(options.get("ca_file", ""))
        self._by = _by(options.get("service_by", "vmid"))
        self._allow = _allowed(options.get("allow", []))
        self._suspend = _suspend(options.get("suspend", "power"), self._allow)
        self._grace = _grace(options.get("grace", 30))
        self._timeout = seconds_of(options, "proxmox")

    def apply(self, order: Order) -> Outcome:
        """Switch the guest off or close its network."""
        if order.kind not in KINDS:
            return Outcome("refused", error=f"proxmox takes no measure {order.kind}; it takes {', '.join(KINDS)}")
        return in_turn("proxmox", order, lambda: self._answered(lambda api: self._hold(api, order)))

    def lift(self, order: Order) -> Outcome:
        """Take the measure's hold off, and put back what nothing else holds."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        return in_turn("proxmox", order, lambda: self._answered(lambda api: self._release(api, order)))

    def query(self, order: Order) -> Outcome:
        """Look at the guest."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        told = self._answered(lambda api: self._seen(api, order))
        # A refusal to tell says nothing about the measure.
        return Outcome("unreachable", told.receipt, told.error) if told.state == "refused" else told

    # --- what is changed --------------------------------------------------------------------------------------------

    def _hold(self, api: Any, order: Order) -> Outcome:
        guest = self._guest(api, order)
        if guest is None:
            return Outcome("refused", error=f"Proxmox has no guest {order.service}; nothing can be switched off")
        if guest.paused:
            return Outcome("refused", error=f"guest {guest.number} is paused, which could not be put back; resume it")
        _must_be_ours(guest, order)
        means: Means = self._suspend if order.kind == "suspend" else "power"
        if means == "firewall":
            _must_filter(api)
        mark = taken(guest, order, means, _firewall_of(guest) if means == "firewall" else None)
        _configure(guest, mark, [mark.line])
        self._filter(guest, mark)
        if mark.uses("power") and guest.running:
            self._switch_off(guest)
        return self._seen(api, order)

    def _release(self, api: Any, order: Order) -> Outcome:
        guest = self._guest(api, order)
        mark = guest.mark if guest else None
        if guest is None or mark is None or not _is_to_be_lifted(mark, order):
            return Outcome("not_in_force", {"guest": guest.number if guest else "gone"})
        mark = mark._replace(holds={kind: means for kind, means in mark.holds.items() if kind != order.kind})
        # The line goes last: until then whoever comes after a crash knows what is still to be put back.
        _configure(guest, mark, [mark.line])
        self._filter(guest, mark)
        if not mark.uses("power") and mark.found.get("running"):
            self._switch_on(guest)
        mark = settled(mark)
        _configure(self._again(api, order, guest), mark, [mark.line] if mark.holds else [])
        return self._seen(api, order)

    def _switch_off(self, guest: Guest) -> None:
        """Ends it, unless a task to that end runs already."""
        if self._is_stopping(guest):
            return
        if self._grace:
            self._run(guest, lambda: guest.at.status.shutdown.post(timeout=self._grace, forceStop=1))
        else:
            self._run(guest, guest.at.status.stop.post)

    def _switch_on(self, guest: Guest) -> None:
        if guest.running and self._is_stopping(guest):
            raise _Silent(f"guest {guest.number} is still shutting down; it is started afterwards")
        if not guest.running:
            self._run(guest, guest.at.status.start.post)

    def _run(self, guest: Guest, begin: Callable[[], object]) -> None:
        """Begins a task, and waits for it as long as one call may take. Raises _Silent where it ends in a failure."""
        task = guest.api.nodes(guest.node).tasks(str(begin()))
        until = time.monotonic() + self._timeout
        while time.monotonic() < until:
            state = _object(task.status.get())
            if state["status"] == "stopped":
                if not str(state.get("exitstatus", "")).startswith(("OK", "WARNINGS")):
                    raise _Silent(f"Proxmox's task on guest {guest.number} failed: {state.get('exitstatus')}")
                return
            time.sleep(PAUSE_S)

    def _filter(self, guest: Guest, mark: Mark) -> None:
        """Brings our rules into the guest's firewall, or takes them out, and switches it on or back."""
        if "firewall" not in mark.found:
            return
        wanted = rules(mark, self._allow) if mark.uses("firewall") else []
        present = _list(guest.at.firewall.rules.get())
        if _ours(present) != wanted or not _is_on_top(present, len(wanted)):
            for rule in sorted((one for one in present if _is_ours(one)), key=_position, reverse=True):
                guest.at.firewall.rules(rule["pos"]).delete()
            for rule in reversed(wanted):  # Each new rule goes on top; what closes is there before what opens.
                guest.at.firewall.rules.post(**rule)
        state = "1" if wanted else mark.found["firewall"]
        if _firewall_of(guest) != state:
            guest.at.firewall.options.put(**({"delete": "enable"} if state is None else {"enable": state}))

    # --- what is asked ----------------------------------------------------------------------------------------------

    def _seen(self, api: Any, order: Order) -> Outcome:
        guest = self._guest(api, order)
        if guest is None:
            # A person who deleted a terminated guest has finished what the measure began.
            state: State = "in_force" if order.kind == "terminate" else "not_in_force"
            return Outcome(state, {"guest": "gone"}, f"Proxmox has no guest {order.service}")
        mark = guest.mark
        receipt = {"guest": guest.number, "node": guest.node, "running": guest.running}
        if mark is None or (mark.brand, mark.service) != (order.brand, order.service):
            return Outcome("not_in_force", receipt)
        if not mark.holds:
            return Outcome("acknowledged", receipt, "not everything is put back yet")
        if order.kind not in mark.holds:
            return Outcome("not_in_force", receipt)
        wrong = self._wrong(guest, mark, mark.holds[order.kind])
        if not wrong:
            return Outcome("in_force", receipt | {"found": dict(mark.found)})
        stopping = guest.running and wrong == _RUNS and self._is_stopping(guest)
        return Outcome("acknowledged" if stopping else "not_in_force", receipt, wrong)

    def _is_stopping(self, guest: Guest) -> bool:
        tasks = _list(guest.api.nodes(guest.node).tasks.get(source="active", vmid=guest.number))
        going_on = (str(one.get("type", "")) for one in tasks if not one.get("endtime"))
        return any(one.endswith(("stop", "shutdown")) for one in going_on)

    def _wrong(self, guest: Guest, mark: Mark, means: str) -> str:
        """What of a hold is not so."""
        nets = nets_of(guest.config)
        if means == "firewall":
            return self._leaks(guest, mark, nets)
        up = [name for name, one in nets.items() if one.get("link_down") != "1"]
        if means == "power" and guest.running:
            return _RUNS
        return f"{', '.join(up)} is up again" if up else ""

    def _leaks(self, guest: Guest, mark: Mark, nets: Mapping[str, Mapping[str, str]]) -> str:
        present, wanted = _list(guest.at.firewall.rules.get()), rules(mark, self._allow)
        if _ours(present) != wanted or not _is_on_top(present, len(wanted)):
            return "our rules in the guest's firewall were changed"
        if _firewall_of(guest) != "1":
            return "the guest's firewall is off"
        past = [name for name, one in nets.items() if one.get("firewall") != "1"]
        return f"{', '.join(past)} does not pass the firewall" if past else ""

    def _guest(self, api: Any, order: Order) -> Guest | None:
        """The order's guest; None where it is gone for sure."""
        found = [
            one
            for one in _list(api.cluster.resources.get(type="vm"))
            if not one.get("template") and named(one, self._by) == order.service
        ]
        if len(found) > 1:
            raise _No(f"{len(found)} guests of Proxmox are called {order.service!r}; see service_by")
        if not found:
            _must_see(api, f"/vms/{order.service}" if self._by == "vmid" else "/vms")
            return None
        return _read(api, found[0])

    def _again(self, api: Any, order: Order, guest: Guest) -> Guest:
        """The guest as it is by now."""
        return self._guest(api, order) or guest

    def _answered(self, carry_out: Callable[[Any], Outcome]) -> Outcome:
        try:
            with _api(self._url, (self._user, self._token, self._secret), self._ca_file, self._timeout) as api:
                return carry_out(api)
        except _No as no:
            return Outcome("refused", error=str(no))
        except _Silent as silence:
            return Outcome("unreachable", error=str(silence))


_RUNS = "the guest runs"


class _No(Exception):  # noqa: N818 - the outside's no
    """Proxmox refuses, and will again."""


class _Silent(Exception):  # noqa: N818 - the outside gave no answer, or could not do it now
    """Proxmox did not answer, or could not do it now."""


# --- the guest's settings, pure --------------------------------------------------------------------------------------


def read_mark(notes: str) -> Mark | None:
    """Our line in a guest's notes; None where there is none. Raises _No for one that somebody broke."""
    line = next((one for one in notes.splitlines() if one.startswith(LINE)), None)
    if line is None:
        return None
    try:
        told = json.loads(line.removeprefix(LINE))
        mark = Mark(str(told["brand"]), str(told["service"]), dict(told["holds"]), dict(told["found"]))
        dict(mark.found["nets"])
    except (ValueError, KeyError, TypeError):
        raise _No(f"the line of abusedesk in the guest's notes was changed by hand: {line[:200]}") from None
    return mark


def taken(guest: Guest, order: Order, means: Means, firewall: str | None) -> Mark:
    """The mark as it is to be with the order's measure among it. What was found stays what it was at the first."""
    mark = guest.mark or Mark(order.brand, order.service, {}, {"nets": {}})
    nets = {name: _flags(one) for name, one in nets_of(guest.config).items()} | mark.found["nets"]
    found = {**(_power_of(guest) if means == "power" else {}), **mark.found, "nets": nets}
    if means == "firewall":
        found.setdefault("firewall", firewall)
    return mark._replace(holds={**mark.holds, order.kind: means}, found=found)


def settled(mark: Mark) -> Mark:
    """The mark once what it does not hold off any more was put back: what the customer does from now on is theirs."""
    done = frozenset() if mark.uses("power") else frozenset({"running", "onboot"})
    return mark._replace(found={name: value for name, value in mark.found.items() if name not in done})


def settings(config: Row, mark: Mark, lines: Iterable[str]) -> dict[str, str | None]:
    """The guest's settings as a mark wants them; None for what is not to be there. `lines` are ours in its notes."""
    wanted: dict[str, str | None] = {"description": notes(str(config.get("description") or ""), lines) or None}
    if "onboot" in mark.found:
        wanted["onboot"] = "0" if mark.uses("power") else mark.found["onboot"]
    for name, flags in nets_of(config).items():
        found = mark.found["nets"].get(name)
        if found is not None:
            down = {"link_down": "1" if mark.uses("power", "links") else found["link_down"]}
            filtered = {"firewall": "1" if mark.uses("firewall") else found["firewall"]}
            wanted[name] = _written({**flags, **down, **filtered})
    return wanted


def changes(config: Row, wanted: Mapping[str, str | None]) -> dict[str, str]:
    """What of the settings must be said to Proxmox: new values, and under `delete` what is to go."""
    said = {name: value for name, value in wanted.items() if value is not None and _differs(name, config, value)}
    gone = [name for name, value in wanted.items() if value is None and config.get(name) is not None]
    return said | ({"delete": ",".join(gone)} if gone else {})


def notes(text: str, lines: Iterable[str]) -> str:
    """A guest's notes with these lines as ours at their end."""
    kept = [one for one in text.rstrip("\n").split("\n") if not one.startswith(LINE)]
    while kept and not kept[-1].strip():
        kept.pop()
    ours = list(lines)
    # A blank line between makes a paragraph of it: the notes are Markdown.
    return "\n".join([*kept, *([""] if kept and ours else []), *ours])


def nets_of(config: Row) -> dict[str, dict[str, str]]:
    """A guest's interfaces with their settings, in the order in which they are written."""
    found = {name: str(value) for name, value in config.items() if _NET.fullmatch(name)}
    return {name: dict(part.partition("=")[::2] for part in value.split(",")) for name, value in sorted(found.items())}


def rules(mark: Mark, allow: Iterable[str]) -> list[dict[str, str]]:
    """Our rules from the top: what is allowed, and then nothing in and nothing out."""
    common = {"enable": "1", "comment": f"abusedesk {mark.brand} {mark.service}"}
    opened = [
        {"type": way, "action": "ACCEPT", end: one, **common}
        for one in allow
        for way, end in (("in", "source"), ("out", "dest"))
    ]
    return [*opened, *({"type": way, "action": "DROP", **common} for way in ("in", "out"))]


def named(guest: Row, by: str) -> str:
    """What names a guest's service or customer: its number, name or pool, or what follows a tag's beginning."""
    if by.startswith("tag:"):
        beginning = by.removeprefix("tag:")
        tags = re.split(r"[;, ]+", str(guest.get("tags") or ""))
        return next((one.removeprefix(beginning) for one in tags if one.startswith(beginning) and one != beginning), "")
    return str(guest.get(by) or "")


def _power_of(guest: Guest) -> dict[str, Any]:
    onboot = guest.config.get("onboot")
    return {"running": guest.running, "onboot": None if onboot is None else str(onboot)}


def _flags(net: Mapping[str, str]) -> dict[str, str | None]:
    return {"link_down": net.get("link_down"), "firewall": net.get("firewall")}


def _written(net: Mapping[str, str | None]) -> str:
    return ",".join(f"{key}={value}" for key, value in net.items() if value is not None)


def _differs(name: str, config: Row, value: str) -> bool:
    present = str(config.get(name) if config.get(name) is not None else "")
    if _NET.fullmatch(name):
        return set(present.split(",")) != set(value.split(","))
    return present.rstrip("\n") != value


def _is_to_be_lifted(mark: Mark, order: Order) -> bool:
    """Whether a measure of ours is on it, or the last lifting of one did not come to its end."""
    ours = (mark.brand, mark.service) == (order.brand, order.service)
    return ours and (order.kind in mark.holds or not mark.holds)


def _is_ours(rule: Row) -> bool:
    return str(rule.get("comment", "")).startswith("abusedesk ")


def _ours(present: Iterable[Row]) -> list[dict[str, str]]:
    """Our rules among those present, with what we say of a rule."""
    kept = ("type", "action", "source", "dest", "enable", "comment")
    found = sorted((one for one in present if _is_ours(one)), key=_position)
    return [{key: str(one[key]) for key in kept if one.get(key) is not None} for one in found]


def _is_on_top(present: Iterable[Row], number: int) -> bool:
    """Whether our rules are the first: one before them could let through what they are to stop."""
    return sorted(_position(one) for one in present if _is_ours(one)) == list(range(number))


def _position(rule: Row) -> int:
    return int(rule["pos"])


# --- the API ---------------------------------------------------------------------------------------------------------


@contextmanager
def _api(url: SplitResult, access: tuple[str, str, str], ca_file: str, timeout: float) -> Iterator[Any]:
    """The API of a cluster. Raises _No or _Silent for whatever the libraries raise."""
    proxmoxer, requests = library("proxmoxer", EXTRA), library("requests", EXTRA)
    user, token, secret = access
    api = proxmoxer.ProxmoxAPI(
        url.hostname,
        port=url.port or PORT,
        user=user,
        token_name=token,
        token_value=secret,
        verify_ssl=ca_file or True,
        timeout=timeout,
    )
    api._store["session"].trust_env = False  # There is no other way to keep the environment's proxies out.
    try:
        yield api
    except proxmoxer.ResourceException as error:
        raise _refusal(error.status_code, str(error.content), error.errors) from None
    except requests.exceptions.RequestException as error:
        raise _Silent(f"Proxmox does not answer: {str(error)[:300]}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _Silent(f"Proxmox answered something else than its API does ({error!r})") from None


def _refusal(status: int, words: str, errors: object) -> Exception:
    """What an HTTP status means. Proxmox says 500 of whatever it cannot do now, and 595 and more of a node away."""
    said = " ".join(f"{words.strip()} {errors or ''}".split())[:300]
    if status == 401:
        return _No(f"Proxmox does not know the token ({said})")
    if status == 403:
        return _No(f"the token may not do that: {said}")
    if status >= 500 and status != 501:
        return _Silent(f"Proxmox answered {status}: {said}")
    return _No(f"Proxmox refuses with {status}: {said}")


def _read(api: Any, row: Row) -> Guest:
    node, kind, number = str(row["node"]), str(row["type"]), int(row["vmid"])
    at = getattr(api.nodes(node), kind)(number)
    # `current`: what is so by now, without what waits for a restart.
    config, state = _object(at.config.get(current=1)), _object(at.status.current.get())
    paused = state.get("qmpstatus") in {"paused", "suspended"}
    return Guest(api, node, number, kind, config, state["status"] == "running", paused)


def _configure(guest: Guest, mark: Mark, lines: Iterable[str]) -> None:
    """Says what is to be changed in one call, which Proxmox refuses where somebody changed the guest meanwhile."""
    said = changes(guest.config, settings(guest.config, mark, lines))
    if said:
        guest.at.config.put(**said, digest=guest.config.get("digest"))


def _firewall_of(guest: Guest) -> str | None:
    """Whether the guest's firewall is on, as it is written; None where it is not."""
    enabled = _object(guest.at.firewall.options.get()).get("enable")
    return None if enabled is None else str(enabled)


def _must_be_ours(guest: Guest, order: Order) -> None:
    mark = guest.mark
    if mark is not None and (mark.brand, mark.service) != (order.brand, order.service):
        raise _No(f"guest {guest.number} is held already for the service {mark.service} of the brand {mark.brand}")


def _must_filter(api: Any) -> None:
    """The cluster's firewall must be on, or a guest's does nothing."""
    if str(_object(api.cluster.firewall.options.get()).get("enable") or "0") == "0":
        raise _No("the firewall of the datacenter is off, and so a guest's would stop nothing; switch it on first")


def _must_see(api: Any, path: str) -> None:
    """What the token may not see looks like what is gone."""
    held = _object(api.access.permissions.get(path=path)).get(path) or {}
    if "VM.Audit" not in held:
        raise _No(f"the token lacks VM.Audit on {path}, so that nothing can be said of the guest")


def _list(answer: object) -> list[Row]:
    """A list as answered. `proxmoxer` gives `errors` for what is no JSON; taken for a list it would be an empty one."""
    if not isinstance(answer, list):
        raise TypeError("no list")
    return answer


def _object(answer: object) -> dict[str, Any]:
    """An object as answered, as above."""
    if not isinstance(answer, dict) or isinstance(answer.get("errors"), bytes):
        raise TypeError("no object")
    return answer


# --- options ---------------------------------------------------------------------------------------------------------


def _token(value: str) -> tuple[str, str]:
    if not _TOKEN.fullmatch(value):
        raise Problem(f"proxmox: token_id {value!r} is no whole id of a token, such as abusedesk@pve!act")
    user, _, name = value.partition("!")
    return user, name


def _by(value: Any) -> str:
    if value in {"vmid", "name"} or (isinstance(value, str) and value.startswith("tag:") and len(value) > 4):
        return str(value)
    raise Problem(f"proxmox: service_by {value!r} is neither vmid, name, nor tag: with the beginning of a tag")


def _allowed(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Problem('proxmox: allow must be a list of prefixes, as in ["198.51.100.0/28"]')
    try:
        return tuple(str(ip_network(str(one))) for one in value)
    except ValueError as error:
        raise Problem(f"proxmox: allow: {error}") from None


def _suspend(value: Any, allow: tuple[str, ...]) -> Means:
    if value not in {"power", "quarantine"}:
        raise Problem(f"proxmox: suspend {value!r} is neither power nor quarantine")
    if value == "power" and allow:
        raise Problem("proxmox: allow is for quarantine; what is switched off reaches nobody")
    return "power" if value == "power" else "firewall" if allow else "links"


def _grace(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 600:
        raise Problem(f"proxmox: grace {value!r} is no number of seconds from 0 to 600")
    return value
