"""Libvirt with real guests: held as ordered, and given back exactly as they were found."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.libvirt import Libvirt
from abusedesk.problem import Problem
from tests.contract.hypervisor import BRIDGED, CLOSED, GUEST, OPEN, Bridged, Guest, Hypervisor, hypervisor, started

pytestmark = pytest.mark.django_db

PROVIDERS_FILTER = "<filter name='provider'><rule action='accept' direction='inout' priority='500'/></filter>"


@pytest.fixture(scope="module")
def host() -> Hypervisor:
    return hypervisor()


@pytest.fixture
def guest(host: Hypervisor) -> Iterator[Guest]:
    one = host.guest(OPEN, CLOSED)
    yield one
    one.delete()


def order(guest: Guest, kind: Any = "suspend", **values: Any) -> Order:
    return Order(brand="acme", service=guest.name, kind=kind, key="1:m1:apply", fence=1, **values)


def libvirt(guest: Guest, **options: Any) -> Libvirt:
    return Libvirt({"uri": guest.hypervisor.uri, **options})


# --- powered off ----------------------------------------------------------------------------------------------------


def test_a_running_domain_is_off_and_would_not_start_with_its_host(guest: Guest) -> None:
    guest.do("autostart")
    found = guest.everything()
    ours = libvirt(guest)
    assert ours.apply(order(guest)).state == "in_force"
    assert guest.power == "shut off"
    assert guest.everything()[2] is False
    assert ours.lift(order(guest)).state == "not_in_force"
    assert guest.everything() == found


@pytest.mark.parametrize("way", ["off", "unplug"])
@pytest.mark.parametrize("before", [["suspend"], ["destroy"], ["destroy", "autostart"], ["autostart"]])
def test_every_domain_is_given_back_as_it_was_found(guest: Guest, way: str, before: list[str]) -> None:
    for word in before:
        guest.do(word)
    found = guest.everything()
    ours = libvirt(guest, suspend=way)
    assert ours.apply(order(guest)).state == ours.query(order(guest)).state == "in_force"
    assert guest.everything() != found
    ours.lift(order(guest))
    assert guest.everything() == found


def test_a_domain_that_somebody_started_is_seen_and_can_be_held_again(guest: Guest) -> None:
    found = guest.everything()
    ours = libvirt(guest)
    ours.apply(order(guest))
    guest.do("start")
    seen = ours.query(order(guest))
    assert (seen.state, seen.error) == ("not_in_force", "the domain was started although it is to stay off")
    assert ours.apply(order(guest)).state == ours.query(order(guest)).state == "in_force"
    ours.lift(order(guest))
    assert guest.everything() == found


def test_a_domain_that_would_start_with_its_host_is_not_wholly_held(guest: Guest) -> None:
    ours = libvirt(guest)
    ours.apply(order(guest))
    guest.do("autostart")
    assert ours.query(order(guest)).state == "acknowledged"


def test_a_termination_erases_nothing(guest: Guest) -> None:
    found = guest.everything()
    ours = libvirt(guest)
    ours.apply(order(guest, "terminate"))
    assert guest.power == "shut off"
    ours.lift(order(guest, "terminate"))
    assert guest.everything() == found


# --- the network closed ---------------------------------------------------------------------------------------------


def test_an_unplugged_domain_runs_on_without_its_network(guest: Guest) -> None:
    found = guest.everything()
    ours = libvirt(guest, suspend="unplug")
    assert ours.apply(order(guest)).state == "in_force"
    assert (guest.power, guest.cables(), guest.cables("--inactive")) == ("running", ["down"] * 2, ["down"] * 2)
    ours.lift(order(guest))
    assert guest.cables() == ["up", "down"]
    assert guest.everything() == found


def test_an_unplugged_domain_stays_unplugged_when_it_is_restarted(guest: Guest) -> None:
    found = guest.everything()
    ours = libvirt(guest, suspend="unplug")
    ours.apply(order(guest))
    for word in ("destroy", "start"):
        guest.do(word)
    assert ours.query(order(guest)).state == "in_force"
    ours.apply(order(guest))
    ours.lift(order(guest))
    assert guest.everything() == found


def test_a_cable_that_was_out_only_for_now_is_out_only_for_now_afterwards(guest: Guest) -> None:
    guest.set_cable("down")
    ours = libvirt(guest, suspend="unplug")
    ours.apply(order(guest))
    ours.lift(order(guest))
    assert (guest.cables(), guest.cables("--inactive")) == (["down", "down"], ["up", "down"])


def test_a_cable_that_somebody_put_in_is_seen_and_taken_out_again(guest: Guest) -> None:
    found = guest.everything()
    ours = libvirt(guest, suspend="unplug")
    ours.apply(order(guest))
    guest.set_cable("up")
    seen = ours.query(order(guest))
    assert (seen.state, seen.error) == ("acknowledged", "open are the interfaces live 52:54:00:00:00:01")
    ours.apply(order(guest))
    assert guest.cables() == ["down", "down"]
    ours.lift(order(guest))
    assert guest.cables("--inactive") == ["up", "down"]
    assert "abusedesk" not in guest.xml() + guest.xml("--inactive")
    assert guest.everything()[3] == found[3]


def test_a_domain_without_a_network_cannot_be_unplugged(host: Hypervisor) -> None:
    bare = host.guest("<input type='tablet' bus='usb'/>", on=False)
    refused = libvirt(bare, suspend="unplug").apply(order(bare))
    assert refused.state == "refused"
    assert "no interface that could be closed" in refused.error
    bare.delete()


def test_a_filter_that_the_host_does_not_know_is_refused_before_anything_is_changed(guest: Guest) -> None:
    found = guest.everything()
    refused = libvirt(guest, suspend="filter", filter="no-such-filter").apply(order(guest))
    assert refused.state == "refused"
    assert "has no network filter 'no-such-filter'; define it there first" in refused.error
    assert guest.everything() == found


def test_a_filtered_domain_reaches_what_the_filter_of_the_guide_allows() -> None:
    with started(Bridged()) as bridged:
        for one in (PROVIDERS_FILTER, filter_of_the_guide("255.255.255.255", "32")):
            bridged.virsh("nwfilter-define", "/dev/stdin", given=one)
        guest = bridged.guest(BRIDGED)
        found = guest.everything()
        assert bridged.packets(guest) == "IPv4 IPv6"

        ours = libvirt(guest, suspend="filter", filter="abusedesk-quarantine")
        assert ours.apply(order(guest)).state == ours.query(order(guest)).state == "in_force"
        assert bridged.packets(guest) == "IPv4"  # A request for an address goes to all, which the filter allows here.
        ours.lift(order(guest))
        assert bridged.packets(guest) == "IPv4 IPv6"
        assert guest.everything() == found


def filter_of_the_guide(network: str, length: str) -> str:
    """The filter as the guide has it, with another allow-list."""
    guide = (Path(__file__).parents[2] / "docs/how-to/libvirt-actuator.md").read_text(encoding="utf-8")
    written = guide.partition("```xml\n")[2].partition("```")[0]
    return written.replace("198.51.100.0", network).replace("mask='28'", f"mask='{length}'")


# --- several measures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["suspend", "shutdown"])
@pytest.mark.parametrize("way", ["off", "unplug"])
def test_the_last_measure_lifted_brings_the_domain_back(guest: Guest, way: str, first: str) -> None:
    found = guest.everything()
    ours = libvirt(guest, suspend=way)
    last = {"suspend": "shutdown", "shutdown": "suspend"}[first]
    for kind in ("suspend", "shutdown"):
        ours.apply(order(guest, kind))
    ours.lift(order(guest, first))
    assert ours.query(order(guest, last)).state == "in_force"
    assert ours.query(order(guest, first)).state == "not_in_force"
    ours.lift(order(guest, last))
    assert guest.everything() == found


def test_the_power_comes_back_behind_a_closed_network(guest: Guest) -> None:
    ours = libvirt(guest, suspend="unplug")
    for kind in ("suspend", "shutdown"):
        ours.apply(order(guest, kind))
    ours.lift(order(guest, "shutdown"))
    assert (guest.power, guest.cables()) == ("running", ["down", "down"])


# --- crashes --------------------------------------------------------------------------------------------------------


def dying(guest: Guest, folder: Path, before: int, **options: Any) -> Libvirt:
    """An actuator whose virsh ends for good before its so manieth change."""
    script, counter = folder / "virsh", folder / "changes"
    counter.write_text("")
    script.write_text(
        f'#!/bin/sh\ncase " $* " in *" metadata "*|*" destroy "*|*" autostart "*|*" start "*|*" update-device "*)\n'
        f"  echo >>{counter}; [ $(wc -l <{counter}) -lt {before} ] || exec sleep 30;;\nesac\n"
        f'exec virsh "$@"\n'
    )
    script.chmod(0o755)
    return libvirt(guest, virsh=[str(script)], timeout=1, **options)


@pytest.mark.parametrize("way", ["off", "unplug"])
def test_a_crash_before_any_step_loses_nothing_of_what_was_found(guest: Guest, tmp_path: Path, way: str) -> None:
    guest.do("autostart")
    found = guest.everything()
    whole = libvirt(guest, suspend=way)
    for step in range(1, 9):
        stopped = dying(guest, tmp_path, step, suspend=way).apply(order(guest))
        whole.apply(order(guest))
        assert whole.query(order(guest)).state == "in_force"
        dying(guest, tmp_path, step, suspend=way).lift(order(guest))
        whole.lift(order(guest))
        assert guest.everything() == found, f"died before change {step}"
        if stopped.state == "in_force":
            break
    assert step > 3


# --- hosts that do not, or do not want to -----------------------------------------------------------------------------


def test_a_host_that_does_not_answer_in_time_is_unreachable(host: Hypervisor, guest: Guest) -> None:
    slow = libvirt(guest, timeout=1)
    with host.frozen():
        assert slow.query(order(guest)).state == "unreachable"
        assert slow.apply(order(guest)).state == "unreachable"
    assert guest.power == "running"


@pytest.mark.parametrize("uri", ["qemu+unix:///session?socket=/nowhere/libvirt-sock", "qemu+ssh://127.0.0.1:1/system"])
def test_a_host_that_is_not_there_is_unreachable(guest: Guest, uri: str) -> None:
    assert Libvirt({"uri": uri}).apply(order(guest)).state == "unreachable"


def test_a_program_that_is_not_there_is_unreachable(guest: Guest) -> None:
    assert libvirt(guest, virsh=["no-such-program"]).lift(order(guest)).state == "unreachable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can call virsh as somebody else")
def test_a_host_that_does_not_let_us_in_refuses(guest: Guest) -> None:
    somebody = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "virsh"]
    refused = libvirt(guest, virsh=somebody).apply(order(guest))
    assert refused.state == "refused"
    assert "does not let us in" in refused.error


def test_a_libvirt_that_may_only_be_read_refuses_in_its_own_words(guest: Guest) -> None:
    found = guest.everything()
    refused = libvirt(guest, virsh=["virsh", "-r"]).apply(order(guest))
    assert refused.state == "refused"
    assert "read only access prevents" in refused.error
    assert guest.everything() == found


def test_what_holds_outlives_libvirtd(host: Hypervisor, guest: Guest) -> None:
    ours = libvirt(guest, suspend="unplug")
    ours.apply(order(guest))
    host.stop()
    try:
        assert ours.query(order(guest)).state == "unreachable"
    finally:
        host.start()
    assert ours.query(order(guest)).state == "in_force"


# --- which domain is meant --------------------------------------------------------------------------------------------


def test_a_domain_that_is_gone_is_refused_and_said(host: Hypervisor) -> None:
    one = host.guest()
    ours = libvirt(one)
    for kind in ("suspend", "terminate"):
        ours.apply(order(one, kind))
    one.do("undefine")
    told = ours.apply(order(one)), ours.query(order(one)), ours.lift(order(one)), ours.query(order(one, "terminate"))
    assert [one.state for one in told] == ["refused", "not_in_force", "refused", "in_force"]
    assert all(f"no domain is called '{one.name}' on {host.uri}" in each.error for each in told)


def test_a_domain_that_may_lie_on_a_silent_host_is_not_gone(guest: Guest, host: Hypervisor) -> None:
    hosts = [host.uri, "qemu+unix:///session?socket=/nowhere/libvirt-sock"]
    assert Libvirt({"uri": hosts}).apply(order(guest)).state == "in_force"
    unknown = replace(order(guest), service="vps-unknown")
    assert Libvirt({"uri": hosts}).lift(unknown).state == "unreachable"


def test_a_name_on_two_hosts_is_refused(guest: Guest, host: Hypervisor) -> None:
    refused = Libvirt({"uri": [host.uri, f"{host.uri}&mode=direct"]}).apply(order(guest))
    assert refused.state == "refused"
    assert "more than one domain is called" in refused.error
    assert guest.power == "running"


def test_a_name_that_is_a_number_is_not_taken_for_a_running_domain(guest: Guest, host: Hypervisor) -> None:
    number = host.virsh("domid", guest.name)
    assert libvirt(guest).apply(replace(order(guest), service=number)).state == "refused"
    assert guest.power == "running"


def test_names_are_made_as_the_template_says(guest: Guest) -> None:
    named = libvirt(guest, domain=f"{guest.name[:4]}{{service}}")
    assert named.apply(replace(order(guest), service=guest.name[4:])).state == "in_force"


def test_a_transient_domain_is_left_alone(host: Hypervisor) -> None:
    host.virsh("create", "/dev/stdin", given=GUEST.format(name="vps-passing", interfaces=OPEN))
    passing = Guest(host, "vps-passing")
    refused = libvirt(passing).apply(order(passing))
    assert refused.state == "refused"
    assert "is transient" in refused.error
    assert passing.power == "running"
    passing.do("destroy")


@pytest.mark.parametrize("kind", ["block_port", "rate_limit", "null_route"])
def test_measures_of_the_network_are_refused_in_words(kind: Any) -> None:
    refused = Libvirt({"uri": "qemu:///system"}).apply(Order("acme", "vps-1", kind, "1:m1:apply", 1))
    assert refused.state == "refused"
    assert refused.error == f"libvirt takes no measure {kind}; it takes suspend, shutdown, terminate"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "uri must name your hypervisors"),
        ({"uri": ["node1"]}, "uri must name your hypervisors"),
        ({"uri": "qemu:///system", "domain": "vps"}, "would be the same for every service"),
        ({"uri": "qemu:///system", "domain": "{server}"}, "has a place that there is not"),
        ({"uri": "qemu:///system", "suspend": "pause"}, "suspend 'pause' is none of off, unplug, filter"),
        ({"uri": "qemu:///system", "suspend": "filter"}, "go together"),
        ({"uri": "qemu:///system", "filter": "quarantine"}, "go together"),
        ({"uri": "qemu:///system", "timeout": 0}, "timeout 0 is no number of seconds"),
        ({"uri": "qemu:///system", "erase": True}, "no option 'erase'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        Libvirt(options)
