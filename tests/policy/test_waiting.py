"""What of a docket waits for a yes or no, by what one answer covers."""

from datetime import UTC, datetime, timedelta

import msgspec

from abusedesk.policy.decide import decide
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import load_pack
from abusedesk.policy.stimulus import AnyStimulus, Proposal, Report, Request
from abusedesk.policy.waiting import Key, approval, waiting_in

NOW = datetime(2026, 6, 1, tzinfo=UTC)
IPS = ("192.0.2.10", "192.0.2.11")
FACTS = Facts("b", service="s1", customer="c1", customer_since=NOW, held_ips=frozenset(IPS))
FINES, SUSPENSION = Key("charge", "fine"), Key("measure", "suspend")


def after(*stimuli: AnyStimulus, protected: bool = False) -> Docket:
    docket, facts = Docket("s1"), msgspec.structs.replace(FACTS, protected=protected)
    for number, one in enumerate(stimuli):
        docket = decide(docket, one, facts, load_pack("jimcloud"), NOW + timedelta(minutes=number)).docket
    return docket


def pirated(name: str = "r1", ips: tuple[str, ...] = IPS) -> Report:
    return Report(name, "copyright/copyright", ips, NOW)


def attack(name: str, at: datetime = NOW) -> Report:
    return Report(name, "connection/port_scan", IPS[:1], at)


def test_proposals_of_one_name_wait_together() -> None:
    waiting = waiting_in(after(pirated()))
    assert list(waiting) == [FINES]
    assert (waiting[FINES].amount, waiting[FINES].clauses) == (4000, ("jimcloud:2",))
    assert waiting[FINES].proposers == ()


def test_what_joins_makes_it_another() -> None:
    one, both = after(pirated(ips=IPS[:1])), after(pirated(ips=IPS[:1]), pirated("r2"))
    assert waiting_in(one)[FINES].mark != waiting_in(both)[FINES].mark
    assert waiting_in(one) == waiting_in(after(pirated(ips=IPS[:1])))


def test_who_proposed_all_of_it_is_barred_and_who_proposed_part_is_not() -> None:
    alone = after(Proposal("ann", "suspend"))
    assert waiting_in(alone)[SUSPENSION].barred == ("ann",)
    mixed = waiting_in(after(pirated(), Proposal("ann", item="fine", amount=100)))[FINES]
    assert (mixed.proposers, mixed.barred) == (("ann",), ())


def test_a_refund_that_is_only_to_be_lost_waits_too() -> None:
    shared = after(attack("r1"), attack("r2"))
    assert not waiting_in(shared)
    facts = msgspec.structs.replace(FACTS, protected=True)
    later = NOW + timedelta(days=1)
    lost = decide(shared, attack("r3", later), facts, load_pack("jimcloud"), later).docket
    assert [one.takes_refund for one in waiting_in(lost)[SUSPENSION].items] == [True]


def test_an_answer_ends_what_it_covers() -> None:
    docket = after(pirated(), Request("q1", "unblock", IPS[0]))
    asked = Key("request", "unblock", "q1")
    assert list(waiting_in(docket)) == [FINES, asked]
    for key in (FINES, asked):
        said = approval(key, "reject", "ann", "no ground", None)
        docket = decide(docket, said, FACTS, load_pack("jimcloud"), NOW + timedelta(hours=1)).docket
    assert not waiting_in(docket)
