"""OpenStack: a server is held by its lock or by its ports, and put back as both say that it was."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.openstack import Openstack
from abusedesk.problem import Problem
from tests.contract.openstack import CREDENTIAL, DEFAULT, GROUP, OLD, SECRET, WEB, Cloud, cloud
from tests.inventories.serving import Answer, Asked

pytestmark = pytest.mark.django_db
PAGES = Path(__file__).parents[2] / "docs" / "how-to"

SUSPENSION = Order(brand="acme", service="vps-1", kind="suspend", key="1:m1:apply", fence=1, standing=("suspend",))
SHUTDOWN = replace(SUSPENSION, kind="shutdown", key="1:m2:apply")


@pytest.fixture
def nova() -> Iterator[Cloud]:
    with cloud() as one:
        server = one.server(1)
        one.port(1, server, WEB, DEFAULT, tags=["billing:4711"])
        one.port(2, server, port_security_enabled=False)
        one.port(3, one.server(2), DEFAULT)
        yield one


@pytest.fixture
def ours(nova: Cloud, tmp_path: Path) -> Openstack:
    return actuator(nova, tmp_path)


def actuator(nova: Cloud, folder: Path, **options: Any) -> Openstack:
    (folder / "secret").write_text(SECRET)
    access = {"auth_url": f"{nova.url}/v3", "credential_id": CREDENTIAL, "secret_file": str(folder / "secret")}
    return Openstack({**access, "service_by": "name", "timeout": 2, **options})


def quarantine(nova: Cloud, folder: Path) -> Openstack:
    return actuator(nova, folder, suspend="quarantine", group=GROUP)


def picture(nova: Cloud) -> Any:
    """All that a customer or administrator sees of the cloud."""
    servers = [{key: value for key, value in one.items() if key != "to"} for one in nova.servers.values()]
    ports = [
        {**one, "security_groups": sorted(one["security_groups"]), "tags": sorted(one["tags"])}
        for one in nova.ports.values()
    ]
    return servers, ports


def server(nova: Cloud) -> dict[str, Any]:
    return next(iter(nova.servers.values()))


def test_the_server_is_off_and_locked_and_nothing_else_is_touched(nova: Cloud, ours: Openstack) -> None:
    before = picture(nova)
    assert ours.apply(SUSPENSION).state == "in_force"
    assert (server(nova)["status"], server(nova)["locked"]) == ("SHUTOFF", True)
    assert server(nova)["locked_reason"] == (
        'abusedesk {"brand":"acme","service":"vps-1","kinds":["suspend"],"was":"ACTIVE"}'
    )
    assert picture(nova)[0][1] == before[0][1]
    assert picture(nova)[1] == before[1]


@pytest.mark.parametrize("suspend", ["stop", "suspend"])
def test_lifting_puts_back_what_was_found(nova: Cloud, tmp_path: Path, suspend: str) -> None:
    before, ours = picture(nova), actuator(nova, tmp_path, suspend=suspend)
    ours.apply(SUSPENSION)
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert picture(nova) == before
    assert [one for one, _ in nova.changes] == (["os-stop", "os-start"] if suspend == "stop" else ["suspend", "resume"])


@pytest.mark.parametrize("status", ["SHUTOFF", "SUSPENDED", "PAUSED", "SHELVED", "SHELVED_OFFLOADED"])
def test_a_server_that_was_off_is_locked_and_stays_off(nova: Cloud, ours: Openstack, status: str) -> None:
    server(nova)["status"] = status
    before = picture(nova)
    assert ours.apply(SUSPENSION).state == "in_force"
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert (picture(nova), nova.changes) == (before, [])


@pytest.mark.parametrize("reason", ["do not touch: forensics", None])
def test_a_lock_that_was_there_stands_again(nova: Cloud, ours: Openstack, reason: str | None) -> None:
    server(nova).update(locked=True, locked_reason=reason)
    before = picture(nova)
    assert ours.apply(SUSPENSION).state == "in_force"
    ours.lift(SUSPENSION)
    assert picture(nova) == before


def test_quarantine_closes_every_port_and_gives_each_back_its_own_groups(nova: Cloud, tmp_path: Path) -> None:
    before, ours = picture(nova), quarantine(nova, tmp_path)
    assert ours.apply(SUSPENSION).state == "in_force"
    held = [(one["security_groups"], one["port_security_enabled"]) for one in nova.ports.values()]
    assert held == [([GROUP], True), ([GROUP], True), ([DEFAULT], True)]
    assert (server(nova)["status"], server(nova)["locked"]) == ("ACTIVE", False)
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert picture(nova) == before


def test_a_port_that_somebody_opened_or_added_is_drift_and_closed_again(nova: Cloud, tmp_path: Path) -> None:
    ours = quarantine(nova, tmp_path)
    ours.apply(SUSPENSION)
    opened, added = next(iter(nova.ports)), nova.port(4, server(nova)["id"], WEB)
    nova.ports[opened]["security_groups"] = [WEB]
    asked = ours.query(SUSPENSION)
    assert (asked.state, asked.error) == ("not_in_force", f"open again: port {opened}, {added}")
    assert ours.apply(SUSPENSION).state == "in_force"
    ours.lift(SUSPENSION)
    assert sorted(nova.ports[opened]["security_groups"]) == [WEB, DEFAULT]
    assert nova.ports[added]["security_groups"] == [WEB]


def test_a_shutdown_of_what_is_in_quarantine_leaves_the_quarantine_when_it_is_lifted(
    nova: Cloud, tmp_path: Path
) -> None:
    before, ours = picture(nova), quarantine(nova, tmp_path)
    for one in (SUSPENSION, SHUTDOWN):
        assert ours.apply(one).state == "in_force"
    ours.lift(SHUTDOWN)
    assert [ours.query(one).state for one in (SUSPENSION, SHUTDOWN)] == ["in_force", "not_in_force"]
    assert server(nova)["status"] == "ACTIVE"
    ours.lift(SUSPENSION)
    assert picture(nova) == before


def test_two_measures_are_one_lock_until_the_last_is_lifted(nova: Cloud, ours: Openstack) -> None:
    before = picture(nova)
    for one in (SUSPENSION, SHUTDOWN):
        ours.apply(one)
    ours.lift(SUSPENSION)
    assert [ours.query(one).state for one in (SUSPENSION, SHUTDOWN)] == ["not_in_force", "in_force"]
    ours.lift(SHUTDOWN)
    assert picture(nova) == before


def test_what_was_taken_one_way_is_lifted_though_the_brand_has_another_by_now(nova: Cloud, tmp_path: Path) -> None:
    before = picture(nova)
    actuator(nova, tmp_path).apply(SUSPENSION)
    assert quarantine(nova, tmp_path).lift(SUSPENSION).state == "not_in_force"
    assert picture(nova) == before
    quarantine(nova, tmp_path).apply(SUSPENSION)
    assert actuator(nova, tmp_path).lift(SUSPENSION).state == "not_in_force"
    assert picture(nova) == before


def test_a_server_started_by_an_administrator_is_drift(nova: Cloud, ours: Openstack) -> None:
    ours.apply(SUSPENSION)
    server(nova)["status"] = "ACTIVE"
    asked = ours.query(SUSPENSION)
    assert (asked.state, asked.error) == ("not_in_force", "the server is ACTIVE")
    assert ours.apply(SUSPENSION).state == "in_force"


def test_a_server_that_takes_its_time_is_acknowledged_and_told_once(nova: Cloud, tmp_path: Path) -> None:
    nova.busy, ours = True, actuator(nova, tmp_path, timeout=1)
    assert [ours.apply(SUSPENSION).state for _ in range(2)] == ["acknowledged"] * 2
    assert len(nova.changes) == 1
    nova.finish()
    assert ours.query(SUSPENSION).state == "in_force"


def test_a_server_that_does_not_run_yet_keeps_our_lock_until_it_does(nova: Cloud, tmp_path: Path) -> None:
    before, ours = picture(nova), actuator(nova, tmp_path, timeout=1)
    ours.apply(SUSPENSION)
    nova.busy = True
    told = ours.lift(SUSPENSION)
    assert told.state == "unreachable"
    assert "does not run yet" in told.error
    assert server(nova)["locked"]
    nova.finish()
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert picture(nova) == before


@pytest.mark.parametrize("after", range(1, 26, 2))
@pytest.mark.parametrize("suspend", ["stop", "quarantine"])
def test_a_crash_at_any_call_loses_nothing(nova: Cloud, tmp_path: Path, after: int, suspend: str) -> None:
    before, ours = picture(nova), actuator(nova, tmp_path, suspend=suspend, group=GROUP)
    for act in (ours.apply, ours.lift):
        _deaf_after(nova, after)
        for order in (SUSPENSION, SHUTDOWN):
            act(order)
        _deaf_after(nova, 10_000)
        for order in (SUSPENSION, SHUTDOWN):
            assert act(order).state in {"in_force", "not_in_force"}
    assert picture(nova) == before


def _deaf_after(nova: Cloud, number: int) -> None:
    """The cloud carries out so many calls more; the answer to the last of them is lost already."""
    assert nova.door is not None
    left = iter(range(number - 1, -1, -1))

    def serve(asked: Asked) -> Answer:
        after = next(left, None)
        answer = Answer(502, b"") if after is None else nova.serve(asked)
        return answer if after else Answer(502, b"")

    nova.door._serve = serve


def test_a_busy_server_waits(nova: Cloud, ours: Openstack) -> None:
    server(nova).update({"status": "RESIZE", "OS-EXT-STS:task_state": "resize_migrating", "to": "RESIZE"})
    nova.busy = True
    told = ours.apply(SUSPENSION)
    assert (told.state, server(nova)["locked"]) == ("unreachable", False)
    assert "is busy (resize_migrating)" in told.error


@pytest.mark.parametrize("status", ["RESCUE", "VERIFY_RESIZE", "ERROR"])
def test_a_state_that_could_not_be_put_back_is_refused(nova: Cloud, ours: Openstack, status: str) -> None:
    server(nova)["status"] = status
    before, told = picture(nova), ours.apply(SUSPENSION)
    assert told.state == "refused"
    assert f"is in the state {status}, which could not be put back" in told.error
    assert picture(nova) == before


def test_a_nova_that_locks_without_a_reason_is_too_old(nova: Cloud, ours: Openstack) -> None:
    nova.microversion = OLD
    before, told = picture(nova), ours.apply(SUSPENSION)
    assert (told.state, told.error) == (
        "refused",
        "this Nova is older than microversion 2.73, and locks without a reason",
    )
    assert picture(nova) == before


def test_in_the_credentials_own_project_a_lock_would_bind_nobody(nova: Cloud, ours: Openstack) -> None:
    server(nova)["tenant_id"] = "admin"
    told = ours.apply(SUSPENSION)
    assert (told.state, server(nova)["locked"]) == ("refused", False)
    assert "is in the credential's own project" in told.error


def test_a_group_that_is_not_there_is_refused(nova: Cloud, tmp_path: Path) -> None:
    nova.groups -= {GROUP}
    told = quarantine(nova, tmp_path).apply(SUSPENSION)
    assert told.state == "refused"
    assert f"Security group {GROUP} does not exist" in told.error


def test_a_server_without_a_port_cannot_be_quarantined(nova: Cloud, tmp_path: Path) -> None:
    nova.ports.clear()
    assert "has no port that could be closed" in quarantine(nova, tmp_path).apply(SUSPENSION).error


@pytest.mark.parametrize("suspend", ["stop", "quarantine"])
def test_another_brands_hold_is_neither_taken_nor_lifted(nova: Cloud, tmp_path: Path, suspend: str) -> None:
    ours, other = actuator(nova, tmp_path, suspend=suspend, group=GROUP), replace(SUSPENSION, brand="other")
    ours.apply(SUSPENSION)
    assert [ours.apply(other).state, ours.lift(other).state] == ["refused", "not_in_force"]
    assert ours.query(SUSPENSION).state == "in_force"


def test_a_wrong_secret_is_refused_and_reads_nothing_back(nova: Cloud, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    ours = actuator(nova, tmp_path, secret_file=str(tmp_path / "wrong"))
    told = ours.apply(SUSPENSION)
    assert told.state == "refused"
    assert told.error.startswith("OpenStack does not let us: ")
    assert ours.query(SUSPENSION).state == "unreachable"


@pytest.mark.parametrize("by", ["name", "id"])
def test_an_account_that_is_no_administrator_reads_nothing_back(nova: Cloud, tmp_path: Path, by: str) -> None:
    ours, order = actuator(nova, tmp_path, service_by=by), replace(SUSPENSION, service=server(nova)[by])
    ours.apply(order)
    nova.admin = False
    assert [ours.query(order).state, ours.lift(order).state] == ["unreachable", "refused"]


def test_a_termination_erases_nothing_and_is_finished_by_a_person(nova: Cloud, ours: Openstack) -> None:
    order = replace(SUSPENSION, kind="terminate")
    assert (ours.apply(order).state, server(nova)["status"]) == ("in_force", "SHUTOFF")
    server(nova)["status"] = "SOFT_DELETED"
    assert ours.query(order).state == "in_force"


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_server_that_is_gone_cannot_be_held_and_needs_no_lifting(nova: Cloud, tmp_path: Path, by: str) -> None:
    gone, ours = replace(SUSPENSION, service="vps-9"), actuator(nova, tmp_path, service_by=by)
    assert [ours.apply(gone).state, ours.query(gone).state, ours.lift(gone).state] == [
        "refused",
        "not_in_force",
        "not_in_force",
    ]


def test_an_id_names_the_server(nova: Cloud, tmp_path: Path) -> None:
    order = replace(SUSPENSION, service=server(nova)["id"])
    assert actuator(nova, tmp_path, service_by="id").apply(order).state == "in_force"
    assert server(nova)["status"] == "SHUTOFF"


def test_two_servers_of_one_name_are_refused(nova: Cloud, ours: Openstack) -> None:
    nova.server(3, name="vps-1")
    assert ours.apply(SUSPENSION).error == "2 servers of OpenStack are called 'vps-1'; see service_by"


def test_an_answer_that_comes_too_late_is_none(nova: Cloud, tmp_path: Path) -> None:
    assert nova.door is not None
    nova.door.delay = 1.5
    assert actuator(nova, tmp_path, timeout=1).apply(SUSPENSION).state == "unreachable"


@pytest.mark.parametrize("status", [500, 503])
def test_a_cloud_that_cannot_now_is_no_answer(nova: Cloud, ours: Openstack, status: int) -> None:
    assert nova.door is not None
    nova.door.first = [Answer(status, b"<html>")] * 20
    assert ours.apply(SUSPENSION).state == "unreachable"


def test_a_reason_that_somebody_changed_is_told_and_nothing_guessed(nova: Cloud, ours: Openstack) -> None:
    server(nova).update(locked=True, locked_reason="abusedesk held until Monday")
    told = ours.apply(SUSPENSION)
    assert told.state == "refused"
    assert "was changed by hand" in told.error


def test_the_documented_access_rules_are_what_it_needs_and_no_more(nova: Cloud, tmp_path: Path) -> None:
    page = (PAGES / "openstack-actuator.md").read_text(encoding="utf-8")
    rules = json.loads(re.search(r"```json\n(   \[.*?\])\n   ```", page, re.DOTALL)[1])  # type: ignore[index]
    for suspend in ("stop", "suspend", "quarantine"):
        for by in ("name", "id"):
            ours = actuator(nova, tmp_path, suspend=suspend, service_by=by, group=GROUP)
            for ref in (server(nova)[by], "gone"):
                for act in (ours.apply, ours.query, ours.lift):
                    act(replace(SUSPENSION, service=ref))
    assert nova.door is not None
    asked = {(one.method, one.path) for one in nova.door.asked if "x-auth-token" in one.headers}
    patterns = [(one["method"], re.compile(one["path"].replace("*", "[^/]+"))) for one in rules]
    matched = {
        call: [number for number, (method, path) in enumerate(patterns) if call[0] == method and _fits(path, call[1])]
        for call in asked
    }
    assert all(matched.values())
    assert {number for numbers in matched.values() for number in numbers} == set(range(len(rules)))


def _fits(rule: re.Pattern[str], path: str) -> bool:
    return rule.fullmatch(path.removeprefix("/compute").removeprefix("/network")) is not None


def test_the_library_is_not_loaded_until_the_actuator_acts() -> None:
    program = "import sys, abusedesk.actuators.openstack; print('openstack' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"auth_url": "http://keystone.example.net:5000/v3"}, "without encryption"),
        ({"credential_id": ""}, "credential_id is missing"),
        ({"secret_file": "/nowhere/at/all"}, "cannot be read"),
        ({"service_by": "tag"}, "none of id, name"),
        ({"suspend": "pause"}, "none of stop, suspend, quarantine"),
        ({"suspend": "quarantine"}, "group is missing"),
        ({"colour": "red"}, "no option 'colour'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    right = {"auth_url": "https://keystone.example.net:5000/v3", "credential_id": CREDENTIAL}
    with pytest.raises(Problem, match=said):
        Openstack({**right, "secret_file": str(tmp_path / "secret"), **options})
