"""A hypervisor: libvirtd with real QEMU guests, run by this test for itself, without root and without KVM."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tests.conftest import needs
from tests.contract.networks import eventually, must_be_root

Kind = TypeVar("Kind", bound="Hypervisor")
NOBODY = pwd.getpwnam("nobody")

GUEST = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>{interfaces}</devices>
</domain>
"""
OPEN = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><rom enabled='no'/></interface>"
CLOSED = (
    "<interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/><link state='down'/></interface>"
)


# Whoever is the first process here may be slow to notice that a guest ended, and libvirt waits for that. And what a
# test started ends with it, even when it is killed.
_KEEPER = """
import ctypes, os, signal, subprocess, sys, time

def end(*_):
    while children := open(f"/proc/self/task/{os.getpid()}/children").read().split():
        for child in children:
            os.kill(int(child), signal.SIGKILL)
            os.waitpid(int(child), 0)
    os._exit(0)

prctl = ctypes.CDLL(None).prctl
prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
signal.signal(signal.SIGTERM, end)
prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
who = dict(user=int(sys.argv[1]), group=int(sys.argv[2]), extra_groups=[]) if os.geteuid() == 0 else {}
print(subprocess.Popen(sys.argv[3:], umask=0o077, **who).pid, flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


class Hypervisor:
    """A libvirtd in a folder of its own, which can be stopped, frozen and started again while its guests run on."""

    user = NOBODY

    def __init__(self) -> None:
        for tool in ("libvirtd", "virsh", "qemu-system-x86_64"):
            needs(tool)
        self.folder = Path(tempfile.mkdtemp(prefix="desk-virt-"))
        self.process = 0
        self._keepers: list[subprocess.Popen[bytes]] = []
        settings = self.folder / "config/libvirt/qemu.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text('stdio_handler = "file"\n')  # Otherwise a daemon for logs stays for two minutes.
        if os.geteuid() == 0:
            for one in (self.folder, *self.folder.rglob("*")):
                os.chown(one, self.user.pw_uid, self.user.pw_gid)

    @property
    def uri(self) -> str:
        return f"qemu+unix:///session?socket={self.folder}/run/libvirt/libvirt-sock"

    @property
    def words(self) -> list[str]:
        """What starts libvirtd."""
        return [needs("libvirtd")]

    @property
    def environment(self) -> dict[str, str]:
        """The places that a libvirtd without root has for itself."""
        places = {f"XDG_{one.upper()}_HOME": str(self.folder / one) for one in ("config", "cache", "data")}
        return places | {"XDG_RUNTIME_DIR": str(self.folder / "run"), "HOME": str(self.folder)}

    def start(self) -> None:
        keeper = [sys.executable, "-c", _KEEPER, str(self.user.pw_uid), str(self.user.pw_gid)]
        environment = {**os.environ, **self.environment}
        with (self.folder / "log").open("ab") as log:
            begun = subprocess.Popen([*keeper, *self.words], env=environment, stdout=subprocess.PIPE, stderr=log)
        assert begun.stdout is not None
        with begun.stdout as told:
            self.process = int(told.readline())
        self._keepers.append(begun)
        eventually(self.answers, 60)

    def answers(self) -> bool:
        words = ["virsh", "-q", "-c", self.uri, "capabilities"]
        return subprocess.run(words, check=False, capture_output=True, timeout=60).returncode == 0

    def stop(self) -> None:
        """Ends libvirtd; its guests run on."""
        os.kill(self.process, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{self.process}").exists())

    def end(self) -> None:
        """Ends libvirtd and every guest, and leaves nothing behind."""
        for keeper in self._keepers:
            keeper.terminate()
            keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Libvirtd takes no word for the length of a block, and refuses none."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)

    def virsh(self, *words: str, given: str = "") -> str:
        whole = ["virsh", "-q", "-c", self.uri, *words]
        said = subprocess.run(whole, check=False, input=given, capture_output=True, text=True, timeout=60)
        assert said.returncode == 0, said.stderr
        return said.stdout.strip()

    def guest(self, *interfaces: str, on: bool = True, name: str = "") -> "Guest":
        """A new domain with these interfaces, one that is open where none is given."""
        one = Guest(self, name or f"vps-{uuid.uuid4().hex[:8]}")
        given = GUEST.format(name=one.name, interfaces="".join(interfaces or [OPEN]))
        self.virsh("define", "/dev/stdin", given=given)
        if on:
            self.virsh("start", one.name)
        return one


_BRIDGED = """
set -e
cd "$0"
for place in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run/libvirt; do
  mkdir -p $place
  mount -t tmpfs tmpfs $place
done
cp /etc/passwd /etc/group .
echo "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin" >>passwd
printf 'libvirt-qemu:x:64055:\\nkvm:x:64056:\\n' >>group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mount -t sysfs sysfs /sys
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
printf 'security_driver = "none"\\nuser = "root"\\ngroup = "root"\\nnamespaces = []\\n' >/etc/libvirt/qemu.conf
printf 'cgroup_controllers = []\\nstdio_handler = "file"\\n' >>/etc/libvirt/qemu.conf
printf 'auth_unix_rw = "none"\\nunix_sock_dir = "%s"\\n' "$0" >/etc/libvirt/libvirtd.conf
exec libvirtd --config /etc/libvirt/libvirtd.conf --pid-file "$0/pid"
"""
_LISTEN = """
import socket, sys, time
one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
one.bind(("br0", 0))
one.settimeout(0.2)
print("ready", flush=True)
end, seen = time.monotonic() + float(sys.argv[1]), set()
while time.monotonic() < end and len(seen) < 2:
    try:
        packet = one.recv(2000)
    except TimeoutError:
        continue
    if packet[6:12] == bytes.fromhex("525400000003"):
        seen.add({b"\\x08\\x00": "IPv4", b"\\x86\\xdd": "IPv6"}.get(packet[12:14], packet[12:14].hex()))
print(*sorted(seen))
"""
BRIDGED = """
<interface type='bridge'>
  <mac address='52:54:00:00:00:03'/><source bridge='br0'/><model type='virtio'/><filterref filter='provider'/>
  <boot order='1'/>
</interface>
"""


class Bridged(Hypervisor):
    """A libvirtd as root with a bridge and network filters, in namespaces of its own: nothing outside is touched.

    A guest with the interface BRIDGED asks for an address, by IPv4 and IPv6, each time it is reset.
    """

    user = pwd.getpwuid(0)

    def __init__(self) -> None:
        must_be_root()
        for tool in ("ebtables", "iptables", "unshare", "nsenter", "ip"):
            needs(tool)
        super().__init__()

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self.folder}/libvirt-sock"

    @property
    def words(self) -> list[str]:
        return ["unshare", "--mount", "--net", "sh", "-c", _BRIDGED, str(self.folder)]

    @property
    def environment(self) -> dict[str, str]:
        return {}

    def packets(self, guest: "Guest", seconds: float = 8) -> str:
        """What kinds of packets a guest gets onto the bridge after it was reset."""
        words = ["nsenter", "-t", str(self.process), "-n", "python3", "-c", _LISTEN, str(seconds)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as listener:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "ready\n"
            guest.do("reset")
            return listener.communicate()[0].strip()


class Guest:
    """A domain as its provider sees it."""

    def __init__(self, on: Hypervisor, name: str) -> None:
        self.hypervisor, self.name = on, name

    @property
    def power(self) -> str:
        return self.hypervisor.virsh("domstate", self.name)

    def do(self, *words: str) -> None:
        """One of virsh's words about it."""
        self.hypervisor.virsh(words[0], self.name, *words[1:])

    def xml(self, *flags: str) -> str:
        """What it is now, or with `--inactive` on its next start."""
        return self.hypervisor.virsh("dumpxml", self.name, *flags)

    def cables(self, *flags: str) -> list[str]:
        """Whether the cable of each interface is in."""
        links = [one.find("link") for one in self._interfaces(*flags)]
        return ["up" if one is None else one.get("state", "") for one in links]

    def _interfaces(self, *flags: str) -> list[Element]:
        return ElementTree.fromstring(self.xml(*flags)).findall("devices/interface")

    def set_cable(self, state: str, *flags: str) -> None:
        """Somebody puts its first interface's cable in or takes it out."""
        mac = self._interfaces()[0].find("mac")
        assert mac is not None
        self.do("domif-setlink", mac.get("address", ""), state, *flags)

    def everything(self) -> tuple[str, str, bool, str]:
        """All that could be left behind: on its next start, now, whether it starts with its host, and its power."""
        starts = self.name in self.hypervisor.virsh("list", "--all", "--name", "--autostart").split()
        return _compared(self.xml("--inactive")), _compared(self.xml()), starts, self.power

    def delete(self) -> None:
        if self.power != "shut off":
            self.do("destroy")
        self.do("undefine")


def _compared(xml: str) -> str:
    """A domain without the number of its run, and without the empty place that libvirt keeps of metadata."""
    tree = ElementTree.fromstring(xml)
    tree.attrib.pop("id", None)
    metadata = tree.find("metadata")
    if metadata is not None and not len(metadata):
        tree.remove(metadata)
    return ElementTree.canonicalize(ElementTree.tostring(tree, encoding="unicode"), strip_text=True)


@contextmanager
def started(one: Kind) -> Iterator[Kind]:
    """A hypervisor for the length of a block."""
    try:
        one.start()
        yield one
    finally:
        one.end()


@cache
def hypervisor() -> Hypervisor:
    """The one of this run of the tests: it takes seconds to start, and a domain of its own for each test is enough."""
    one = Hypervisor()
    atexit.register(one.end)
    one.start()
    return one
