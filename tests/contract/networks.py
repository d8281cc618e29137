"""A router in a network namespace, customers on its one side and the world on the other; and gobgpd on loopback."""

import os
import socket
import stat
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import needs

CUSTOMER, NEIGHBOUR, WORLD = "192.0.2.10", "192.0.2.11", "203.0.113.80"


def must_be_root() -> None:
    """Only root makes network namespaces. In CI that is a failure, elsewhere the test is skipped."""
    if os.geteuid() == 0:
        return
    reason = "only root can make a network namespace"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must run every test", pytrace=False)
    pytest.skip(reason)


def sh(*words: str, check: bool = True) -> str:
    return subprocess.run(words, check=check, capture_output=True, text=True, timeout=30).stdout


class Counted(NamedTuple):
    """A program that is started through a script which notes each call that changes something."""

    program: str
    log: Path

    def changes(self) -> int:
        return len(self.log.read_text().splitlines())


def counted(folder: Path, name: str, words: str, changing: str) -> Counted:
    """`words` start the program; a call whose arguments contain one of `changing` (patterns of sh) is a change."""
    script, log = folder / name, folder / f"{name}.log"
    log.touch()
    script.write_text(f'#!/bin/sh\ncase "$*" in {changing}) echo "$*" >>{log};; esac\nexec {words} "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return Counted(str(script), log)


@contextmanager
def namespaces(*names: str) -> Iterator[list[str]]:
    """Network namespaces, made under names that nobody else has."""
    must_be_root()
    needs("ip")
    needs("nft")
    made = [f"desk-{name}-{uuid.uuid4().hex[:6]}" for name in names]
    try:
        for one in made:
            sh("ip", "netns", "add", one)
        yield made
    finally:
        for one in made:
            sh("ip", "netns", "del", one, check=False)


class Hosts(NamedTuple):
    """The namespaces of a router, of the customers behind it, and of the world before it."""

    router: str
    customers: str
    world: str


@contextmanager
def routed() -> Iterator[Hosts]:
    """Two customers' addresses on one side of a router, the world's on the other."""
    with namespaces("router", "customers", "world") as (router, customers, world):
        for namespace, inside, outside, addresses in (
            (customers, "c0", "r0", (CUSTOMER, NEIGHBOUR)),
            (world, "w0", "r1", (WORLD,)),
        ):
            gateway = f"{addresses[0].rpartition('.')[0]}.1"
            sh("ip", "link", "add", inside, "netns", namespace, "type", "veth", "peer", outside, "netns", router)
            sh("ip", "-n", router, "addr", "add", f"{gateway}/24", "dev", outside)
            sh("ip", "-n", router, "link", "set", outside, "up")
            for address in addresses:
                sh("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", inside)
            sh("ip", "-n", namespace, "link", "set", inside, "up")
            sh("ip", "-n", namespace, "link", "set", "lo", "up")
            sh("ip", "-n", namespace, "route", "add", "default", "via", gateway)
        sh("ip", "netns", "exec", router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        yield Hosts(router, customers, world)


# --- GoBGP ----------------------------------------------------------------------------------------------------------


class Speaker:
    """A gobgpd on loopback that can be stopped and started."""

    def __init__(self, folder: Path, number: int, neighbours: str = "") -> None:
        self.api, self.bgp = free_port(), free_port()
        self._folder, self._number, self._neighbours = folder, number, neighbours
        self._process: subprocess.Popen[bytes] | None = None

    def listens_to(self, neighbours: str) -> None:
        """Gives it neighbours before it is started."""
        self._neighbours = neighbours

    @property
    def words(self) -> list[str]:
        return [needs("gobgp"), "-u", "127.0.0.1", "-p", str(self.api)]

    def start(self) -> None:
        configuration = self._folder / f"{self._number}.toml"
        configuration.write_text(
            f'[global.config]\nas = {self._number}\nrouter-id = "10.0.0.{self._number % 250}"\nport = {self.bgp}\n'
            f'local-address-list = ["127.0.0.1"]\n{self._neighbours}'
        )
        with (self._folder / f"{self._number}.log").open("wb") as log:
            self._process = subprocess.Popen(
                [needs("gobgpd"), "-f", str(configuration), "--api-hosts", f"127.0.0.1:{self.api}"],
                stdout=log,
                stderr=log,
            )
        eventually(lambda: subprocess.run([*self.words, "global"], check=False, capture_output=True).returncode == 0)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def rib(self, family: str = "ipv4") -> str:
        return sh(*self.words, "global", "rib", "-a", family)


def neighbour(number: int, port: int, *, passive: bool) -> str:
    """The configuration of a neighbour on loopback that hears unicast routes and FlowSpec."""
    families = "".join(
        f'[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "{one}"\n'
        for one in ("ipv4-unicast", "ipv4-flowspec")
    )
    return (
        f'[[neighbors]]\n[neighbors.config]\nneighbor-address = "127.0.0.1"\npeer-as = {number}\n'
        f"[neighbors.transport.config]\nremote-port = {port}\npassive-mode = {str(passive).lower()}\n"
        f"[neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 5\n"
        f"[neighbors.timers.config]\nconnect-retry = 1\nidle-hold-time-after-reset = 1\n{families}"
    )


@contextmanager
def speaking(*speakers: Speaker) -> Iterator[None]:
    """Speakers for the length of a block."""
    try:
        for one in speakers:
            one.start()
        yield
    finally:
        for one in speakers:
            one.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
