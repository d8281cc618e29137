"""What the measures act on: real programs and the test servers of the vendors' APIs, each with a journal of its own.

A journal has a line for each change that really came about outside; a call that found everything as ordered has none.
"""

import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract import openstack as clouds
from tests.contract.hypervisor import Hypervisor, started
from tests.contract.networks import Speaker, namespaces, speaking
from tests.contract.receiver import SECRET, receiving
from tests.inventories import proxmox as hypervisors
from tests.inventories import whmcs as billing

OWN = ["198.18.0.0/15"]
"""The range set aside for benchmarks (RFC 2544)."""

Change = tuple[str, str]
"""A service or an address, and `apply` or `lift`."""


@dataclass
class Outside:
    """A system outside: the brand's choice of actuators, whom it holds, and what was really changed in it.

    `kind` is the measure that it takes, on a service or on an address.
    """

    name: str
    kind: str
    actuators: dict[str, Any]
    changes: Callable[[], list[Change]]
    share: int
    add: Callable[[int], object] = lambda _: None


def ref(number: int) -> str:
    """What the provider calls a service."""
    return f"vps-{number}"


def _suspending(**options: Any) -> dict[str, Any]:
    return {"suspend": options, "shutdown": options}


@contextmanager
def webhook(_: Path) -> Iterator[Outside]:
    """The provider's own program, called by HTTP."""
    with receiving() as receiver:

        def changes() -> list[Change]:
            return [(place.partition("/")[0], action) for place, action in list(receiver.changes)]

        yield Outside(
            "webhook", "suspend", _suspending(actuator="webhook", url=receiver.url, secret=SECRET), changes, 8
        )


_PROGRAM = """#!/bin/sh
place={folder}/on/$1
case $2 in
apply) mkdir "$place" 2>/dev/null && echo "$1 apply" >>{folder}/journal;;
lift) rmdir "$place" 2>/dev/null && echo "$1 lift" >>{folder}/journal;;
esac
if test -d "$place"; then echo '{{"state": "in_force"}}'; else echo '{{"state": "not_in_force"}}'; fi
"""


@contextmanager
def command(folder: Path) -> Iterator[Outside]:
    """The provider's own program, started."""
    (folder / "on").mkdir(parents=True)
    program = _script(folder / "panel", _PROGRAM.format(folder=folder))
    words = [program, "{service}", "{action}"]
    chosen = _suspending(actuator="command", command=words)
    yield Outside("command", "suspend", chosen, lambda: _journal(folder / "journal"), 6)


@contextmanager
def proxmox(folder: Path) -> Iterator[Outside]:
    """Proxmox VE's test server."""
    folder.mkdir()
    (folder / "token").write_text(hypervisors.SECRET)
    with hypervisors.proxmox(folder) as cluster:

        def add(number: int) -> None:
            cluster.guest(number, {"onboot": 1, "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}, name=ref(number))

        def changes() -> list[Change]:
            return [(ref(number), "lift" if task == "qmstart" else "apply") for task, number in list(cluster.changes)]

        place = {"url": cluster.url, "ca_file": str(folder / "pve-root-ca.pem"), "service_by": "name"}
        access = {"token_id": hypervisors.TOKEN_ID, "token_file": str(folder / "token")}
        yield Outside("proxmox", "suspend", _suspending(actuator="proxmox", **place, **access), changes, 2, add)


@contextmanager
def openstack(folder: Path) -> Iterator[Outside]:
    """OpenStack's test server."""
    folder.mkdir()
    (folder / "secret").write_text(clouds.SECRET)
    with clouds.cloud() as cloud:

        def changes() -> list[Change]:
            names = {key: str(one["name"]) for key, one in list(cloud.servers.items())}
            power = [(names[server], action) for action, server in list(cloud.changes) if action in _POWER]
            return [(name, _POWER[action]) for name, action in power]

        access = {"credential_id": clouds.CREDENTIAL, "secret_file": str(folder / "secret"), "service_by": "name"}
        chosen = _suspending(actuator="openstack", auth_url=f"{cloud.url}/v3", **access)
        yield Outside("openstack", "suspend", chosen, changes, 2, cloud.server)


_POWER = {"os-stop": "apply", "suspend": "apply", "os-start": "lift", "resume": "lift"}


@contextmanager
def whmcs(folder: Path) -> Iterator[Outside]:
    """WHMCS's test server."""
    folder.mkdir()
    (folder / "secret").write_text(billing.SECRET)
    words = {"ModuleSuspend": "apply", "ModuleUnsuspend": "lift"}
    with billing.whmcs() as panel:

        def changes() -> list[Change]:
            return [(ref(number), words[action]) for action, number in list(panel.changes) if action in words]

        access = {"identifier": billing.IDENTIFIER, "secret_file": str(folder / "secret")}
        chosen = _suspending(actuator="whmcs", url=panel.url, service_by="domain", **access)
        yield Outside(
            "whmcs", "suspend", chosen, changes, 2, lambda number: panel.product(number, number, domain=ref(number))
        )


@contextmanager
def libvirt(folder: Path) -> Iterator[Outside]:
    """A libvirtd of our own with guests that run."""
    folder.mkdir()
    with started(Hypervisor()) as one:
        virsh = _noting(folder, "virsh", "virsh", {'*" destroy "*': "apply", '*" start "*': "lift"})

        names: dict[str, str] = {}

        def add(number: int) -> None:
            names[one.virsh("domuuid", one.guest(name=ref(number)).name)] = ref(number)

        def changes() -> list[Change]:
            told = [(words.split()[-1], action) for words, action in _lines(folder / "journal")]
            return [(names.get(domain, domain), action) for domain, action in told]

        chosen = _suspending(actuator="libvirt", uri=one.uri, virsh=[virsh], timeout=30)
        yield Outside("libvirt", "suspend", chosen, changes, 1, add)


@contextmanager
def gobgp(folder: Path) -> Iterator[Outside]:
    """A gobgpd on loopback."""
    folder.mkdir()
    speaker = Speaker(folder, 65001)
    with speaking(speaker):
        words = {'*"rib add"*': "apply", '*"rib del"*': "lift"}
        program = _noting(folder, "gobgp", " ".join(speaker.words), words)
        route = {"actuator": "gobgp", "prefixes": OWN, "gobgp": [program], "next_hop": "192.0.2.1"}

        def changes() -> list[Change]:
            return [(_address_in(words), action) for words, action in _lines(folder / "journal")]

        yield Outside("gobgp", "null_route", {"null_route": route}, changes, 2)


@contextmanager
def nftables(folder: Path) -> Iterator[Outside]:
    """A router in a network namespace of its own."""
    folder.mkdir()
    with namespaces("chaos") as (router,):
        program = _script(
            folder / "nft", _NFT.format(nft=f"ip netns exec {router} nft", journal=folder / "journal", folder=folder)
        )
        route = {"actuator": "nftables", "prefixes": OWN, "nft": [program]}

        def changes() -> list[Change]:
            lines = (folder / "journal").read_text().splitlines() if (folder / "journal").exists() else []
            return [(_address_in(one), "lift" if "delete element" in one else "apply") for one in lines]

        yield Outside("nftables", "null_route", {"null_route": route}, changes, 2)


# What nft took is one line of the journal: the rules that it was given. Whoever was killed before it gave any asked for
# nothing, and nft does nothing.
_NFT = """#!/bin/sh
case "$*" in
*"-f -"*) given=$(cat) && test -n "$given" || exit 1; printf '%s' "$given" | {nft} "$@" || exit $?
  printf '%s\\n' "$(printf '%s' "$given" | tr '\\n' ' ')" >>{journal};;
*) exec {nft} "$@";;
esac
"""

ALL = (webhook, command, proxmox, openstack, whmcs, gobgp, nftables, libvirt)
_TOOLS = {"gobgp": ("gobgp", "gobgpd"), "nftables": ("nft", "ip"), "libvirt": ("libvirtd", "qemu-system-x86_64")}


def missing(name: str) -> list[str]:
    """The programs that an outside needs and this machine lacks."""
    return [one for one in _TOOLS.get(name, ()) if shutil.which(one) is None]


# --- journals -------------------------------------------------------------------------------------------------------


def _script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return str(path)


def _noting(folder: Path, name: str, words: str, changing: dict[str, str]) -> str:
    """A script that starts a program and notes what came about: its arguments, behind the word for the change."""
    cases = "".join(f"{pattern}) word={word};; " for pattern, word in changing.items())
    journal = folder / "journal"
    return _script(
        folder / name,
        f'#!/bin/sh\nword=\ncase "$*" in {cases}esac\ntest -n "$word" || exec {words} "$@"\n'
        f'{words} "$@" || exit $?\necho "$word $*" >>{journal}\n',
    )


def _lines(path: Path) -> Sequence[tuple[str, str]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(rest, word) for word, _, rest in (line.partition(" ") for line in lines)]


def _journal(path: Path) -> list[Change]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(service, action) for service, _, action in (line.partition(" ") for line in lines)]


def _address_in(text: str) -> str:
    """The address of ours that a line names."""
    found = next((word for word in text.replace('"', " ").replace("/", " ").split() if word.startswith("198.18.")), "")
    return found.rstrip(",}]")
