"""Proxmox VE: a guest is held by what its measures say, and put back as it was found."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.proxmox import LINE, Mark, Proxmox, notes, read_mark
from abusedesk.problem import Problem
from tests.inventories.proxmox import PRIVILEGES, SECRET, TOKEN_ID, proxmox
from tests.inventories.proxmox import Proxmox as Cluster
from tests.inventories.serving import Answer, Asked

pytestmark = pytest.mark.django_db
PAGES = Path(__file__).parents[2] / "docs" / "how-to"

SUSPENSION = Order(brand="acme", service="100", kind="suspend", key="1:m1:apply", fence=1, standing=("suspend",))
SHUTDOWN = replace(SUSPENSION, kind="shutdown", key="1:m2:apply")
NET = "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1"
ALLOW = ["198.51.100.0/28", "2001:db8:1::/64"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with proxmox(tmp_path) as one:
        one.guest(100, {"onboot": 1, "net0": NET, "net1": f"{NET},link_down=1", "description": "Web shop\n"})
        one.guest(101, {"net0": NET})
        yield one


@pytest.fixture
def ours(cluster: Cluster, tmp_path: Path) -> Proxmox:
    return actuator(cluster, tmp_path)


def actuator(cluster: Cluster, folder: Path, **options: Any) -> Proxmox:
    (folder / "token").write_text(SECRET)
    common = {"url": cluster.url, "token_id": TOKEN_ID, "token_file": str(folder / "token")}
    return Proxmox({**common, "ca_file": str(folder / "pve-root-ca.pem"), "timeout": 2, **options})


def config(cluster: Cluster, vmid: int = 100) -> dict[str, str]:
    """A guest's settings, but for their digest and the order within an interface's."""
    return {name: _sorted(str(value)) for name, value in cluster.configs[vmid].items() if name != "digest"}


def _sorted(value: str) -> str:
    return ",".join(sorted(value.split(","))) if "bridge=" in value else value


def test_the_guest_is_off_stays_off_and_has_no_network_if_somebody_starts_it(cluster: Cluster, ours: Proxmox) -> None:
    assert ours.apply(SUSPENSION).state == "in_force"
    held = config(cluster)
    assert (cluster.of(100)["status"], held["onboot"]) == ("stopped", "0")
    assert "link_down=1" in held["net0"]
    assert cluster.of(101)["status"] == "running"


def test_lifting_puts_everything_back_as_it_was_found(cluster: Cluster, ours: Proxmox) -> None:
    before = config(cluster)
    ours.apply(SUSPENSION)
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert config(cluster) == before
    assert cluster.of(100)["status"] == "running"


@pytest.mark.parametrize("options", [{}, {"suspend": "quarantine"}, {"suspend": "quarantine", "allow": ALLOW}])
def test_a_guest_that_was_off_without_notes_or_autostart_is_so_again(
    cluster: Cluster, tmp_path: Path, options: dict[str, Any]
) -> None:
    cluster.of(101)["status"] = "stopped"
    before = config(cluster, 101)
    ours, order = actuator(cluster, tmp_path, **options), replace(SUSPENSION, service="101")
    assert ours.apply(order).state == "in_force"
    ours.lift(order)
    assert (config(cluster, 101), cluster.of(101)["status"]) == (before, "stopped")
    assert (cluster.rules.get(101, []), cluster.firewalls.get(101, {}), cluster.changes) == ([], {}, [])


def test_quarantine_takes_the_links_down_and_leaves_the_guest_running(cluster: Cluster, tmp_path: Path) -> None:
    before = config(cluster)
    ours = actuator(cluster, tmp_path, suspend="quarantine")
    assert ours.apply(SUSPENSION).state == "in_force"
    assert "link_down=1" in config(cluster)["net0"]
    assert (cluster.of(100)["status"], config(cluster)["onboot"]) == ("running", "1")
    ours.lift(SUSPENSION)
    assert config(cluster) == before


def test_quarantine_with_an_allow_list_is_a_firewall_that_lets_nothing_else_through(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.configs[100]["net1"] = "virtio=BC:24:11:00:00:02,bridge=vmbr1"
    theirs = {"type": "in", "action": "ACCEPT", "enable": 1}
    cluster.rules[100], cluster.firewalls[100], before = [theirs], {"enable": 0, "policy_in": "DROP"}, config(cluster)
    ours = actuator(cluster, tmp_path, suspend="quarantine", allow=ALLOW)
    assert ours.apply(SUSPENSION).state == "in_force"
    said = [(one["type"], one["action"], one.get("source") or one.get("dest")) for one in cluster.rules[100]]
    assert said == [
        ("in", "ACCEPT", "198.51.100.0/28"),
        ("out", "ACCEPT", "198.51.100.0/28"),
        ("in", "ACCEPT", "2001:db8:1::/64"),
        ("out", "ACCEPT", "2001:db8:1::/64"),
        ("in", "DROP", None),
        ("out", "DROP", None),
        ("in", "ACCEPT", None),
    ]
    assert cluster.firewalls[100]["enable"] == 1
    assert "firewall=1" in config(cluster)["net1"]
    ours.lift(SUSPENSION)
    assert (cluster.rules[100], cluster.firewalls[100]) == ([theirs], {"enable": 0, "policy_in": "DROP"})
    assert config(cluster) == before


def test_a_rule_put_before_ours_is_a_leak_and_ours_go_on_top_again(cluster: Cluster, tmp_path: Path) -> None:
    ours = actuator(cluster, tmp_path, suspend="quarantine", allow=ALLOW)
    ours.apply(SUSPENSION)
    cluster.rules[100].insert(0, {"type": "out", "action": "ACCEPT", "enable": 1})
    asked = ours.query(SUSPENSION)
    assert (asked.state, asked.error) == ("not_in_force", "our rules in the guest's firewall were changed")
    assert ours.apply(SUSPENSION).state == "in_force"


def test_a_firewall_that_the_datacenter_switched_off_is_no_quarantine(cluster: Cluster, tmp_path: Path) -> None:
    cluster.datacenter_firewall, before = 0, config(cluster)
    told = actuator(cluster, tmp_path, suspend="quarantine", allow=ALLOW).apply(SUSPENSION)
    assert told.state == "refused"
    assert "the firewall of the datacenter is off" in told.error
    assert config(cluster) == before


def test_the_notes_carry_what_was_found_and_what_stood_there_stays(cluster: Cluster, ours: Proxmox) -> None:
    ours.apply(SUSPENSION)
    written = cluster.configs[100]["description"]
    assert written.startswith(f"Web shop\n\n{LINE}")
    mark = read_mark(written)
    assert mark is not None
    assert mark.found == {
        "running": True,
        "onboot": "1",
        "nets": {
            "net0": {"link_down": None, "firewall": "1"},
            "net1": {"link_down": "1", "firewall": "1"},
        },
    }


def test_a_suspension_and_a_shutdown_are_one_hold_until_the_last_is_lifted(cluster: Cluster, tmp_path: Path) -> None:
    before, ours = config(cluster), actuator(cluster, tmp_path, suspend="quarantine")
    for one in (SUSPENSION, SHUTDOWN):
        assert ours.apply(one).state == "in_force"
    ours.lift(SHUTDOWN)
    assert [ours.query(one).state for one in (SUSPENSION, SHUTDOWN)] == ["in_force", "not_in_force"]
    assert (cluster.of(100)["status"], config(cluster)["onboot"]) == ("running", "1")
    assert "link_down=1" in config(cluster)["net0"]
    ours.lift(SUSPENSION)
    assert config(cluster) == before


@pytest.mark.parametrize("kinds", [("suspend",), ("suspend", "shutdown")])
def test_what_the_customer_switches_off_in_quarantine_stays_off(
    cluster: Cluster, tmp_path: Path, kinds: tuple[Any, ...]
) -> None:
    ours = actuator(cluster, tmp_path, suspend="quarantine")
    for kind in kinds:
        ours.apply(replace(SUSPENSION, kind=kind))
    for kind in reversed(kinds[1:]):
        ours.lift(replace(SUSPENSION, kind=kind))
    cluster.of(100)["status"], cluster.configs[100]["onboot"] = "stopped", 0
    ours.lift(SUSPENSION)
    assert (cluster.of(100)["status"], config(cluster)["onboot"]) == ("stopped", "0")
    assert "link_down" not in config(cluster)["net0"]
    assert config(cluster)["description"] == "Web shop\n"


def test_a_guest_started_by_hand_is_drift_and_switched_off_again(cluster: Cluster, ours: Proxmox) -> None:
    before = config(cluster)
    ours.apply(SUSPENSION)
    cluster.of(100)["status"] = "running"
    asked = ours.query(SUSPENSION)
    assert (asked.state, asked.error) == ("not_in_force", "the guest runs")
    assert ours.apply(SUSPENSION).state == "in_force"
    ours.lift(SUSPENSION)
    assert (config(cluster), cluster.of(100)["status"]) == (before, "running")


def test_an_interface_added_meanwhile_is_drift_and_held_too(cluster: Cluster, ours: Proxmox) -> None:
    ours.apply(SUSPENSION)
    cluster.configs[100]["net2"] = "virtio=BC:24:11:00:00:03,bridge=vmbr0"
    assert ours.query(SUSPENSION).error == "net2 is up again"
    assert ours.apply(SUSPENSION).state == "in_force"
    ours.lift(SUSPENSION)
    assert "link_down" not in cluster.configs[100]["net2"]


def test_a_guest_that_takes_its_time_is_acknowledged_and_told_once(cluster: Cluster, tmp_path: Path) -> None:
    cluster.busy, ours = True, actuator(cluster, tmp_path, timeout=1)
    assert [ours.apply(SUSPENSION).state, ours.apply(SUSPENSION).state] == ["acknowledged"] * 2
    assert len(cluster.tasks) == 1
    cluster.finish()
    assert ours.query(SUSPENSION).state == "in_force"


def test_what_is_lifted_while_it_still_shuts_down_is_started_afterwards(cluster: Cluster, tmp_path: Path) -> None:
    before = config(cluster)
    cluster.busy, ours = True, actuator(cluster, tmp_path, timeout=1)
    ours.apply(SUSPENSION)
    told = ours.lift(SUSPENSION)
    assert (told.state, told.error) == (
        "unreachable",
        "guest 100 is still shutting down; it is started afterwards",
    )
    cluster.finish()
    cluster.busy = False
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert (config(cluster), cluster.of(100)["status"]) == (before, "running")


@pytest.mark.parametrize("after", range(1, 26))
def test_a_crash_at_any_call_loses_nothing(cluster: Cluster, tmp_path: Path, after: int) -> None:
    before, ours = config(cluster), actuator(cluster, tmp_path, suspend="quarantine", allow=ALLOW)
    for act in (ours.apply, ours.lift):
        _deaf_after(cluster, after)
        for order in (SUSPENSION, SHUTDOWN):
            act(order)
        _deaf_after(cluster, 10_000)
        for order in (SUSPENSION, SHUTDOWN):
            act(order)
    assert (config(cluster), cluster.of(100)["status"]) == (before, "running")
    assert (cluster.rules[100], cluster.firewalls[100]) == ([], {})


def _deaf_after(cluster: Cluster, number: int) -> None:
    """The cluster carries out so many calls more; the answer to the last of them is lost already."""
    assert cluster.door is not None
    left = iter(range(number - 1, -1, -1))

    def serve(asked: Asked) -> Answer:
        after = next(left, None)
        answer = Answer(596, {"data": None}) if after is None else cluster.serve(asked)
        return answer if after else Answer(596, {"data": None})

    cluster.door._serve = serve


def test_a_task_that_fails_is_tried_again(cluster: Cluster, ours: Proxmox) -> None:
    cluster.failing = "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    told = ours.apply(SUSPENSION)
    assert told.state == "unreachable"
    assert "can't lock file" in told.error
    cluster.failing = ""
    assert ours.apply(SUSPENSION).state == "in_force"


def test_a_guest_that_is_being_backed_up_waits(cluster: Cluster, ours: Proxmox) -> None:
    cluster.configs[100]["lock"] = "backup"
    told = ours.apply(SUSPENSION)
    assert (told.state, told.error) == ("unreachable", "Proxmox answered 500: VM is locked (backup)")


def test_a_paused_guest_could_not_be_put_back_and_is_refused(cluster: Cluster, ours: Proxmox) -> None:
    cluster.of(100)["qmpstatus"] = "paused"
    assert "is paused, which could not be put back" in ours.apply(SUSPENSION).error
    assert cluster.changes == []


def test_the_documented_role_is_what_it_needs() -> None:
    page = (PAGES / "proxmox-actuator.md").read_text(encoding="utf-8")
    role = re.search(r'role add AbuseDesk --privs "([^"]+)"', page)
    assert role is not None
    assert {*role[1].split(), "Sys.Audit"} == set(PRIVILEGES)


@pytest.mark.parametrize("privilege", [one for one in PRIVILEGES if one != "Sys.Audit"])
def test_each_privilege_of_the_documented_role_is_needed(cluster: Cluster, ours: Proxmox, privilege: str) -> None:
    cluster.privileges -= {privilege}
    told = ours.apply(SUSPENSION)
    assert told.state == "refused"
    assert privilege in told.error


def test_what_the_token_may_not_see_is_not_taken_for_gone(cluster: Cluster, ours: Proxmox) -> None:
    ours.apply(SUSPENSION)
    cluster.privileges -= {"VM.Audit"}
    assert [ours.query(SUSPENSION).state, ours.lift(SUSPENSION).state] == ["unreachable", "refused"]


def test_a_guest_that_is_gone_cannot_be_held_and_needs_no_lifting(cluster: Cluster, ours: Proxmox) -> None:
    gone = replace(SUSPENSION, service="999")
    assert [ours.apply(gone).state, ours.query(gone).state, ours.lift(gone).state] == [
        "refused",
        "not_in_force",
        "not_in_force",
    ]


def test_a_termination_erases_nothing_and_is_finished_by_a_person(cluster: Cluster, ours: Proxmox) -> None:
    order = replace(SUSPENSION, kind="terminate")
    assert (ours.apply(order).state, cluster.of(100)["status"]) == ("in_force", "stopped")
    cluster.guests.remove(cluster.of(100))
    assert ours.query(order).state == "in_force"


def test_a_wrong_token_is_refused_and_reads_nothing_back(cluster: Cluster, tmp_path: Path) -> None:
    ours = actuator(cluster, tmp_path)
    (tmp_path / "token").write_text("wrong")
    ours = Proxmox(
        {"url": cluster.url, "token_id": TOKEN_ID, "token_file": str(tmp_path / "token")}
        | {"ca_file": str(tmp_path / "pve-root-ca.pem")}
    )
    told = ours.apply(SUSPENSION)
    assert told.state == "refused"
    assert told.error.startswith("Proxmox does not know the token")
    assert ours.query(SUSPENSION).state == "unreachable"


def test_a_node_that_is_away_is_no_answer(cluster: Cluster, ours: Proxmox) -> None:
    cluster.away = {"pve1"}
    assert [ours.apply(SUSPENSION).state, ours.query(SUSPENSION).state] == ["unreachable"] * 2


def test_an_answer_that_comes_too_late_is_none(cluster: Cluster, tmp_path: Path) -> None:
    ours = actuator(cluster, tmp_path, timeout=1)
    assert cluster.door is not None
    cluster.door.delay = 1.5
    assert ours.apply(SUSPENSION).state == "unreachable"


def test_a_certificate_of_nobody_known_is_not_trusted(cluster: Cluster, tmp_path: Path) -> None:
    told = actuator(cluster, tmp_path, ca_file="").apply(SUSPENSION)
    assert told.state == "unreachable"
    assert "certificate" in told.error


def test_a_page_in_place_of_an_answer_is_none(cluster: Cluster, ours: Proxmox) -> None:
    assert cluster.door is not None
    cluster.door.first = [Answer(200, b"<html>", {"Content-Type": "text/html"})]
    assert ours.apply(SUSPENSION).state == "unreachable"


def test_another_services_hold_is_neither_taken_nor_lifted(cluster: Cluster, tmp_path: Path) -> None:
    cluster.of(100)["tags"] = "service-a"
    ours = actuator(cluster, tmp_path, service_by="tag:service-")
    first, second = replace(SUSPENSION, service="a"), replace(SUSPENSION, service="b")
    ours.apply(first)
    cluster.of(100)["tags"] = "service-b"
    assert [ours.apply(second).state, ours.lift(second).state] == ["refused", "not_in_force"]
    assert cluster.of(100)["status"] == "stopped"


def test_two_guests_of_one_name_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    cluster.of(101)["name"] = "guest100"
    told = actuator(cluster, tmp_path, service_by="name").apply(replace(SUSPENSION, service="guest100"))
    assert told.error == "2 guests of Proxmox are called 'guest100'; see service_by"


def test_a_mark_that_somebody_broke_is_told_and_nothing_guessed(cluster: Cluster, ours: Proxmox) -> None:
    cluster.configs[100]["description"] = f"{LINE}{{}}\n"
    told = ours.apply(SUSPENSION)
    assert told.state == "refused"
    assert "was changed by hand" in told.error


def test_containers_are_held_alike(cluster: Cluster, ours: Proxmox) -> None:
    cluster.guest(102, {"net0": "name=eth0,bridge=vmbr0,ip=192.0.2.9/24"}, kind="lxc")
    order, before = replace(SUSPENSION, service="102"), config(cluster, 102)
    assert ours.apply(order).state == "in_force"
    ours.lift(order)
    assert (config(cluster, 102), cluster.of(102)["status"]) == (before, "running")


@given(
    st.text().map(lambda text: text.replace("\r", "").rstrip()),
    st.dictionaries(st.sampled_from(["suspend", "shutdown"]), st.sampled_from(["power", "links", "firewall"])),
)
def test_notes_are_what_they_were_once_our_line_is_out(text: str, holds: dict[str, str]) -> None:
    mark = Mark("acme", "100", holds, {"running": True, "onboot": None, "nets": {}})
    written = notes(text, [mark.line])
    assert read_mark(written) == mark
    if LINE not in text:
        assert notes(written, []) == text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://pve1.example.net:8006"}, "without encryption"),
        ({"token_id": "root@pam"}, "no whole id of a token"),
        ({"token_file": "/nowhere/at/all"}, "cannot be read"),
        ({"service_by": "tag:"}, "neither vmid"),
        ({"suspend": "pause"}, "neither power nor quarantine"),
        ({"allow": ["198.51.100.0/28"]}, "allow is for quarantine"),
        ({"suspend": "quarantine", "allow": ["here"]}, "allow: 'here'"),
        ({"suspend": "quarantine", "allow": "198.51.100.0/28"}, "must be a list"),
        ({"grace": -1}, "no number of seconds"),
        ({"colour": "red"}, "no option 'colour'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    (tmp_path / "token").write_text(SECRET)
    right = {"url": "https://pve1.example.net:8006", "token_id": TOKEN_ID, "token_file": str(tmp_path / "token")}
    with pytest.raises(Problem, match=said):
        Proxmox(right | options)
