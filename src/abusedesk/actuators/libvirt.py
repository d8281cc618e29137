"""The libvirt actuator: domains powered off, or their network closed, on hypervisors that libvirt manages.

It speaks `virsh`, which reaches this machine and others alike (`qemu:///system`, `qemu+ssh://…`, `qemu+tls://…`).
What was found before the first measure is noted in the domain's own metadata, together with whose measures stand:
there it outlives a crash of the desk and a reboot of the host. Lifting the last measure brings exactly that back, and
takes the note away. Nothing is ever erased: a terminated domain is powered off until a person deletes it.
"""

import copy
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.fence import in_turn, target
from abusedesk.actuators.program import Said, Silent, known_only, run, seconds_of, words_of
from abusedesk.problem import Problem

OPTIONS = frozenset({"uri", "domain", "suspend", "filter", "virsh", "timeout"})
KINDS = ("suspend", "shutdown", "terminate")
"""The measures that it can take."""

SUSPENSIONS = ("off", "unplug", "filter")
NAMESPACE = "urn:abusedesk:measures"
AT_ONCE = 8
"""So many hosts are asked at the same time where a domain lies."""

_NO = re.compile(
    r"(?i)authentication (failed|unavailable|cancelled)|access denied|permission denied|host key verification"
)
"""What libvirt and ssh write where our own credentials are wrong; trying again does not change it."""

_POWER_OFF = "off"
_VALUES = {"link": "state", "filterref": "filter"}
"""The parts of an interface that close it, and the attribute of each that says how."""

_PAUSED = "3"


class Note(NamedTuple):
    """What the desk remembers in a domain: how each measure holds it, and what was found before.

    `stands` tells for whose measure it is off, or which part of its interfaces is set to what. `power` is what was
    found before it was powered off, `parts` what its interfaces had in that place.
    """

    stands: Mapping[str, str] = {}
    power: Mapping[str, Any] | None = None
    parts: Mapping[str, Mapping[str, str]] = {}


class Domain(NamedTuple):
    """A domain as it is: where, how it is powered, what it is on its next start and, while it is on, now."""

    uri: str
    uuid: str
    power: str
    autostart: bool
    config: Element
    live: Element | None
    note: Note


class Step(NamedTuple):
    """One word to virsh, and what it reads."""

    words: tuple[str, ...]
    given: bytes = b""


class Plan(NamedTuple):
    """The steps that bring something about, with what is to be remembered before and after them."""

    before: Note
    steps: list[Step]
    after: Note


class Libvirt:
    """Options: `uri`, one or a list, required; `domain`, `suspend`, `filter`, `virsh`, `timeout`.

    `domain` is the domain's name with `{service}` and `{brand}` filled in. `suspend` is `off`, `unplug` (the cables of
    all interfaces are out) or `filter` (they pass through the network filter that is called `filter`).
    """

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "libvirt")
        self._uris = _uris(options.get("uri"))
        self._domain = _template(options.get("domain", "{service}"))
        self._suspension = _suspension(options)
        self._filter = str(options.get("filter", ""))
        self._virsh = words_of(options, "virsh", ("virsh",), "libvirt")
        self._timeout = seconds_of(options, "libvirt")

    def apply(self, order: Order) -> Outcome:
        """Power the domain off, or close its network."""
        if order.kind not in KINDS:
            return Outcome("refused", error=f"libvirt takes no measure {order.kind}; it takes {', '.join(KINDS)}")
        hold = self._suspension if order.kind == "suspend" else _POWER_OFF
        return in_turn("libvirt", order, lambda: self._answer(order, lambda: self._bring(order, hold)))

    def lift(self, order: Order) -> Outcome:
        """Bring back what was found, unless another measure still holds it."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        return in_turn("libvirt", order, lambda: self._answer(order, lambda: self._bring(order, None)))

    def query(self, order: Order) -> Outcome:
        """Look at the domain."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        return self._answer(order, lambda: _seen(self._find(order), order), looking=True)

    def _answer(self, order: Order, ask: Callable[[], Outcome], *, looking: bool = False) -> Outcome:
        try:
            return ask()
        except Silent as error:
            return Outcome("unreachable", error=str(error))
        except _Gone as gone:
            # A person who deleted a terminated domain has finished what the measure began.
            state = "in_force" if order.kind == "terminate" else "not_in_force"
            return Outcome(state if looking else "refused", {"gone": True}, str(gone))  # type: ignore[arg-type]
        except _Refused as error:
            return Outcome("refused", error=str(error))

    def _bring(self, order: Order, hold: str | None) -> Outcome:
        domain = self._find(order)
        _must_hold(domain, hold)
        self._must_have_filter(domain, hold)
        try:
            self._carry_out(domain, plan(domain, _whose(order), hold))
        except _Refused:
            # Something changed meanwhile, as a domain that stopped by itself; a second no is one.
            domain = self._read(domain.uri, domain.uuid)
            self._carry_out(domain, plan(domain, _whose(order), hold))
        receipt = {"host": domain.uri, "domain": domain.uuid, "found": domain.power}
        return Outcome("in_force" if hold else "not_in_force", receipt)

    def _must_have_filter(self, domain: Domain, hold: str | None) -> None:
        if hold and hold.startswith("filterref "):
            said = self._call(domain.uri, ("nwfilter-dumpxml", self._filter))
            if said.code != 0:
                raise _Refused(f"{domain.uri} has no network filter {self._filter!r}; define it there first")

    # --- what libvirt is told ---------------------------------------------------------------------------------------

    def _carry_out(self, domain: Domain, planned: Plan) -> None:
        """Remembers first what was found, and forgets it last: whoever comes after a crash finds it."""
        if planned.before != domain.note:
            self._remember(domain, planned.before)
        for step in planned.steps:
            self._say(domain.uri, step)
        if planned.after != planned.before:
            # Starting or stopping a domain changes where its metadata lies.
            self._remember(self._read(domain.uri, domain.uuid), planned.after)

    def _remember(self, domain: Domain, note: Note) -> None:
        where = ("--config", "--live") if domain.live is not None else ("--config",)
        about = ("metadata", domain.uuid, "--uri", NAMESPACE)
        if note.stands:
            self._say(domain.uri, Step((*about, "--key", "abusedesk", "--set", _written(note), *where)))
            return
        # What counts is what stands in the configuration, so that goes last.
        for one, tree in (("--live", domain.live), ("--config", domain.config)):
            if tree is not None and _noted(tree) is not None:
                self._say(domain.uri, Step((*about, "--remove", one)))

    def _say(self, uri: str, step: Step) -> None:
        said = self._call(uri, step.words, step.given)
        if said.code != 0:
            raise _Refused(f"{uri}: {_complaint(said)}")

    def _call(self, uri: str, words: Iterable[str], given: bytes = b"") -> Said:
        # What virsh writes is read here, so it must not be in the language of this machine.
        return run([*self._virsh, "-q", "-c", uri, *words], given, self._timeout, {"LC_ALL": "C"})

    # --- what it says -----------------------------------------------------------------------------------------------

    def _find(self, order: Order) -> Domain:
        """The order's domain. Raises _Gone where no host has it, Silent where one that may have it does not answer."""
        name = self._domain.format(service=order.service, brand=order.brand)
        with ThreadPoolExecutor(AT_ONCE) as asked:
            answers = list(asked.map(lambda uri: self._named(uri, name), self._uris))
        found = [one for one in answers if isinstance(one, tuple)]
        if len(found) > 1:
            hosts = ", ".join(uri for uri, _ in found)
            raise _Refused(f"more than one domain is called {name!r} ({hosts}); which is meant cannot be told")
        if found:
            return self._read(*found[0])
        for wrong in (one for one in answers if isinstance(one, Exception)):
            raise wrong
        raise _Gone(f"no domain is called {name!r} on {', '.join(self._uris)}")

    def _named(self, uri: str, name: str) -> tuple[str, str] | Exception | None:
        """Host and UUID of the domain of that name. By its name virsh might take it for a running domain's number."""
        try:
            said = self._asked(uri, ("list", "--all", "--uuid", "--name"))
        except (Silent, _Refused) as error:
            return error
        rows = [line.split(maxsplit=1) for line in said.splitlines() if line.strip()]
        return next(((uri, row[0]) for row in rows if len(row) == 2 and row[1].strip() == name), None)

    def _read(self, uri: str, uuid: str) -> Domain:
        """All that is to be known of a domain, in one call."""
        between = secrets.token_hex(16)
        asks = (
            f"domstats --raw --state {uuid}",
            "list --all --uuid --autostart",
            "list --all --uuid --transient",
            f"dumpxml {uuid} --inactive",
            f"dumpxml {uuid}",
        )
        answer = self._asked(uri, (f"; echo {between}; ".join(asks),))
        try:
            power, starting, passing, config, live = answer.split(between)
            if uuid in passing:
                raise _Refused(f"the domain {uuid} is transient: once powered off it could not be started again")
            state = dict(line.strip().split("=", 1) for line in power.splitlines() if "=" in line)["state.state"]
            return _domain(uri, (config, live), is_paused=state == _PAUSED, autostart=uuid in starting)
        except (ValueError, KeyError, ElementTree.ParseError) as error:
            raise Silent(f"{uri}: the answer about {uuid} cannot be read ({error!r})") from None

    def _asked(self, uri: str, words: Iterable[str]) -> str:
        said = self._call(uri, words)
        if said.code == 0:
            return said.output.decode(errors="replace")
        if _NO.search(said.error):
            raise _Refused(f"{uri} does not let us in: {_complaint(said)}")
        raise Silent(f"{uri}: {_complaint(said)}")


class _Refused(Exception):  # noqa: N818 - the outside's no
    """Libvirt said no, or would do what nobody wants."""


class _Gone(Exception):  # noqa: N818 - the outside's no
    """There is no such domain on any host."""


# --- what is to be done: pure ---------------------------------------------------------------------------------------


def plan(domain: Domain, whose: str, hold: str | None) -> Plan:
    """What makes a domain be held so for somebody, or with None no longer held for him."""
    stands = {one: how for one, how in domain.note.stands.items() if one != whose}
    if hold is not None:
        stands[whose] = hold
    off = _POWER_OFF in stands.values()
    power = domain.note.power or ({"power": domain.power, "autostart": domain.autostart} if off else None)
    parts = {tag: _found(domain, tag, stands) for tag in _VALUES}
    steps = [
        *(_power_off(domain) if off else ()),
        *(step for tag in _VALUES for step in _set_parts(domain, tag, stands, parts[tag], live=not off)),
        *(() if off or power is None else _power_on(domain, power)),
    ]
    kept = {tag: places for tag, places in parts.items() if _setting(stands, tag) is not None and places}
    during = {tag: places for tag, places in parts.items() if places}
    before = Note(stands if hold is not None else domain.note.stands, power, during)
    return Plan(before, steps, Note(stands, power if off else None, kept))


def _power_off(domain: Domain) -> Iterator[Step]:
    if domain.power != "off":
        yield Step(("destroy", domain.uuid))
    if domain.autostart:
        yield Step(("autostart", domain.uuid, "--disable"))


def _power_on(domain: Domain, found: Mapping[str, Any]) -> Iterator[Step]:
    if found["autostart"] and not domain.autostart:
        yield Step(("autostart", domain.uuid))
    if found["power"] != "off" and domain.power == "off":
        yield Step(("start", domain.uuid, *(("--paused",) if found["power"] == "paused" else ())))


def _found(domain: Domain, tag: str, stands: Mapping[str, str]) -> dict[str, str]:
    """What each interface had in that part before it was first closed."""
    found = dict(domain.note.parts.get(tag, {}))
    setting, first = _setting(stands, tag), _setting(domain.note.stands, tag) is None
    if setting is None:
        return found
    for where, interface in _interfaces(domain):
        # One that is closed already when the measure stands, as after a restart, has nothing of its own to keep.
        if first or _value(interface, tag) != setting:
            found.setdefault(_place(where, interface), _text(interface.find(tag)))
    return found


def _set_parts(
    domain: Domain, tag: str, stands: Mapping[str, str], found: Mapping[str, str], *, live: bool
) -> Iterator[Step]:
    setting, earlier = _setting(stands, tag), _setting(domain.note.stands, tag)
    for where, interface in _interfaces(domain):
        value = _value(interface, tag)
        if where == "live" and not live:
            continue
        if setting is not None and value != setting:
            yield _update(domain, where, interface, tag, _text(Element(tag, {_VALUES[tag]: setting})))
        before = found.get(_place(where, interface), found.get(_place("config", interface)))
        # What somebody else changed meanwhile is his.
        ours = setting is None and earlier is not None and value == earlier
        if ours and before not in {None, _text(interface.find(tag))}:
            yield _update(domain, where, interface, tag, before or "")


def _update(domain: Domain, where: str, interface: Element, tag: str, part: str) -> Step:
    changed = copy.deepcopy(interface)
    for old in changed.findall(tag):
        changed.remove(old)
    if part:
        changed.append(ElementTree.fromstring(part))  # noqa: S314 - we wrote it
    return Step(("update-device", domain.uuid, "/dev/stdin", f"--{where}"), ElementTree.tostring(changed))


def _setting(stands: Mapping[str, str], tag: str) -> str | None:
    """What the standing measures set this part of every interface to; None where they leave it."""
    return next((how.partition(" ")[2] for how in stands.values() if how.startswith(f"{tag} ")), None)


# --- what is seen: pure ---------------------------------------------------------------------------------------------


def _seen(domain: Domain, order: Order) -> Outcome:
    hold = domain.note.stands.get(_whose(order))
    receipt = {"host": domain.uri, "domain": domain.uuid, "power": domain.power, "hold": hold}
    if hold is None:
        return Outcome("not_in_force", receipt)
    if hold == _POWER_OFF:
        return _seen_off(domain, receipt)
    tag, _, setting = hold.partition(" ")
    still = [_place(where, one) for where, one in _interfaces(domain) if _value(one, tag) != setting]
    if not still:
        return Outcome("in_force", receipt)
    state = "acknowledged" if len(still) < len(list(_interfaces(domain))) else "not_in_force"
    return Outcome(state, receipt, f"open are the interfaces {', '.join(still)}")  # type: ignore[arg-type]


def _seen_off(domain: Domain, receipt: dict[str, Any]) -> Outcome:
    if domain.power != "off":
        return Outcome("not_in_force", receipt, "the domain was started although it is to stay off")
    if domain.autostart:
        return Outcome("acknowledged", receipt, "the domain is off, and would start with its host")
    return Outcome("in_force", receipt)


def _must_hold(domain: Domain, hold: str | None) -> None:
    if hold not in {None, _POWER_OFF} and not list(_interfaces(domain)):
        raise _Refused(f"the domain {domain.uuid} has no interface that could be closed; power it off instead")


def _domain(uri: str, written: tuple[str, str], *, is_paused: bool, autostart: bool) -> Domain:
    # It is our own hypervisor that wrote this.
    config, live = (ElementTree.fromstring(one.strip()) for one in written)  # noqa: S314
    is_on = live.get("id") is not None
    power = ("paused" if is_paused else "running") if is_on else "off"
    uuid = config.findtext("uuid", "")
    return Domain(uri, uuid, power, autostart, config, live if is_on else None, _note(config))


def _note(config: Element) -> Note:
    written = _noted(config)
    if written is None:
        return Note()
    kept = json.loads(written.text or "{}")
    return Note(kept["stands"], kept["power"], kept["parts"])


def _noted(tree: Element) -> Element | None:
    return tree.find(f"metadata/{{{NAMESPACE}}}note")


def _written(note: Note) -> str:
    element = Element("note")
    element.text = json.dumps(note._asdict(), separators=(",", ":"), sort_keys=True)
    return _text(element)


def _interfaces(domain: Domain) -> Iterator[tuple[str, Element]]:
    for where, tree in (("config", domain.config), ("live", domain.live)):
        for interface in tree.findall("devices/interface") if tree is not None else ():
            yield where, interface


def _place(where: str, interface: Element) -> str:
    mac = interface.find("mac")
    return f"{where} {mac.get('address') if mac is not None else ''}"


def _value(interface: Element, tag: str) -> str | None:
    part = interface.find(tag)
    return part.get(_VALUES[tag]) if part is not None else None


def _text(element: Element | None) -> str:
    """An element as it is written, without the white space that follows it."""
    if element is None:
        return ""
    return ElementTree.tostring(element, encoding="unicode").strip()


def _whose(order: Order) -> str:
    return f"{order.kind} {target(order)}"


def _complaint(said: Said) -> str:
    words = " ".join(said.error.split()).removeprefix("error: ")
    return words or f"virsh ended with code {said.code}"


# --- options --------------------------------------------------------------------------------------------------------


def _uris(given: Any) -> tuple[str, ...]:
    uris = [given] if isinstance(given, str) else given
    if not isinstance(uris, list) or not uris or not all(isinstance(one, str) and "://" in one for one in uris):
        raise Problem('libvirt: uri must name your hypervisors, as in "qemu+ssh://desk@node1.example.net/system"')
    return tuple(uris)


def _template(given: Any) -> str:
    try:
        one, other = (str(given).format(service=place, brand="") for place in "ab")
    except (KeyError, IndexError, ValueError, AttributeError):
        raise Problem(
            f"libvirt: domain {given!r} has a place that there is not; there are {{service}}, {{brand}}"
        ) from None
    if one == other:
        raise Problem(f"libvirt: domain {given!r} would be the same for every service; it needs {{service}}")
    return str(given)


def _suspension(options: Mapping[str, Any]) -> str:
    """How a suspended domain is held."""
    way, name = options.get("suspend", "off"), options.get("filter", "")
    if way not in SUSPENSIONS:
        raise Problem(f"libvirt: suspend {way!r} is none of {', '.join(SUSPENSIONS)}")
    if (way == "filter") != bool(name):
        raise Problem('libvirt: suspend "filter" and the name of the network filter, in filter, go together')
    return {"off": _POWER_OFF, "unplug": "link down", "filter": f"filterref {name}"}[way]
