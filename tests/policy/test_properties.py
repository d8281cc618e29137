"""What holds for every history: hypothesis makes the timelines, both policies and the guides' example answer them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.policy.decision import ChargeMade, Decision, Lift, StrikeMade, Take
from abusedesk.policy.digest import canonical, decision_digest, docket_digest
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import load_pack
from abusedesk.policy.scenario import Customer, Entry, Scenario, Service
from abusedesk.policy.simulate import Stage, Step
from abusedesk.policy.stimulus import (
    Approval,
    Cost,
    Evidence,
    ExpirySet,
    LiftedByHand,
    LiftedToClean,
    Payment,
    Proposal,
    Reply,
    Report,
    Request,
    Stimulus,
    Upstream,
    Verification,
)
from abusedesk.vocabulary.assurance import ASSURANCES
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.holding import Assignment
from abusedesk.vocabulary.measure import MEASURES, ON_ADDRESS

START = datetime(2026, 2, 1, tzinfo=UTC)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
IPS = ("192.0.2.1", "192.0.2.2", "198.51.100.1")
SERVICES = ("s1", "s2")
MOVED = START + timedelta(days=10)
"""When the second address passes from s1 to s2."""
ITEMS = ("fine", "liquidated_damages", "delisting_fee", "cost_recovery")

OFTEN = ("connection/ddos", "connection/port_scan", "messaging/spam", "content/phishing")
"""So that reports meet in one occurrence, and strikes and measures follow on each other."""

hours = st.integers(0, 12) | st.integers(230, 260) | st.integers(0, 30 * 24)
ips = st.lists(st.sampled_from(IPS), min_size=1, max_size=3).map(tuple)
ids = st.integers(0, 12).map(str)
amounts = st.integers(0, 90000)
reports = st.builds(
    Report,
    id=ids,
    category=st.sampled_from(OFTEN) | st.sampled_from(sorted(CATEGORIES)),
    ips=ips,
    occurred_at=st.sampled_from((START, START, MOVED)),
    events=st.integers(0, 700),
    assurance=st.sampled_from(ASSURANCES),
    stability_risk=st.booleans(),
    mandate=st.none() | st.timedeltas(),
)
verifications = st.builds(
    Verification, report=ids, assurance=st.none() | st.sampled_from(ASSURANCES), rejected=st.booleans()
)
people = st.sampled_from(("alice", "bob"))
others = st.one_of(
    st.builds(Reply, complete=st.booleans()),
    st.builds(Evidence, accepted=st.booleans()),
    st.builds(Payment, amount=amounts),
    st.builds(
        Cost,
        kind=st.sampled_from(("admin", "upstream_fine", "engineering", "delisting", "actual_damages", "else")),
        amount=amounts,
    ),
    st.builds(
        Request,
        id=ids,
        kind=st.sampled_from(("open_mail_port", "unblock", "replace_ip", "restore", "else")),
        ip=st.none() | st.sampled_from(IPS),
        cause=st.none() | st.sampled_from(("own_use", "third_party", "provider")),
    ),
    st.builds(Approval, decision=st.sampled_from(("approve", "reject")), by=people, measure=st.sampled_from(MEASURES)),
    st.builds(Approval, decision=st.sampled_from(("approve", "reject")), by=people, item=st.sampled_from(ITEMS)),
    st.builds(Approval, decision=st.just("approve"), by=people, request=ids, fee=st.none() | amounts),
    st.builds(Proposal, by=people, measure=st.sampled_from(MEASURES), ip=st.none() | st.sampled_from(IPS)),
    st.builds(Proposal, by=people, item=st.sampled_from(ITEMS), amount=amounts),
)
upstreams = st.builds(
    Upstream, action=st.sampled_from(MEASURES), state=st.sampled_from(("set", "lifted")), ip=st.sampled_from(IPS)
)
happenings = st.one_of(reports, reports, reports, verifications, others, others, upstreams)
timelines = st.lists(st.tuples(hours, happenings, st.sampled_from(SERVICES)), max_size=25)
believed = st.builds(
    Report,
    id=ids,
    category=st.sampled_from(OFTEN),
    ips=st.just(IPS[1:2]),
    occurred_at=st.sampled_from((START, MOVED)),
    assurance=st.sampled_from(("authenticated", "verified")),
)
busy = st.lists(
    st.tuples(st.integers(0, 12) | st.integers(238, 250), st.one_of(believed, believed, happenings), st.just("s1")),
    min_size=6,
    max_size=14,
)
repeated = st.lists(st.tuples(st.integers(0, 30), believed, st.just("s1")), min_size=4, max_size=10)
"""Believed reports about one address, most of them in an occurrence that counts already."""
on_ours = st.sampled_from(("suspend", "suspend", "null_route", "rate_limit", "block_port"))
until = st.timedeltas(timedelta(hours=41), timedelta(days=20)).map(lambda after: START + after)
tending = st.one_of(
    st.builds(Payment, amount=st.sampled_from((500, 2000, 2500, 6000, 60000))),
    st.builds(Approval, decision=st.just("approve"), by=people, measure=on_ours | st.just("terminate")),
    st.builds(Approval, decision=st.just("approve"), by=people, item=st.sampled_from(ITEMS)),
    st.builds(
        LiftedToClean, measure=on_ours, until=until, by=people, reason=st.just(""), ip=st.none() | st.just(IPS[1])
    ),
    st.builds(LiftedByHand, measure=on_ours, by=people, reason=st.just(""), ip=st.none() | st.just(IPS[1])),
    st.builds(ExpirySet, measure=on_ours, until=until, by=people, reason=st.just(""), ip=st.none() | st.just(IPS[1])),
)
tended = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(believed, believed, tending), st.just("s1")), min_size=6, max_size=14
)
"""Reports that are believed, and staff and the customer who act on what comes of them."""
timelines = st.one_of(timelines, busy, tended)
PUBLISHED = ("jimcloud", "scalibit")
EXAMPLE = str(Path(__file__).parents[2] / "docs/how-to/example-pack")
"""The third provider: points, also for a missed deadline, good behaviour, business days."""
packs = st.sampled_from((*PUBLISHED, EXAMPLE))
quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def scenario(pack: str, timeline: list[tuple[int, Stimulus, str]], *, protected: bool = False) -> Scenario:
    entries = [
        Entry(START + timedelta(hours=hour), stimulus, service if _names_service(stimulus) else None)
        for hour, stimulus, service in timeline
    ]
    return Scenario(
        name="random",
        pack=load_pack(pack),
        settings=Settings(in_force_from=SINCE),
        customers={"c1": Customer("c1", SINCE, None, protected)},
        services={one: Service(one, "c1", "vps", START, None, False, False, False) for one in SERVICES},
        assignments=(
            Assignment(ip_network("192.0.2.0/24"), "s1", SINCE),
            Assignment(ip_network("198.51.100.0/24"), "s2", SINCE),
            Assignment(ip_network("192.0.2.2/32"), "s2", MOVED),
        ),
        timeline=tuple(sorted(entries, key=lambda one: one.at)),
        until=START + timedelta(days=60),
    )


def _names_service(stimulus: Stimulus) -> bool:
    asked = isinstance(stimulus, Approval) and stimulus.request is not None
    return not (asked or isinstance(stimulus, Report | Verification | Upstream))


def steps(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> list[Step]:
    return list(Stage(scenario(pack, timeline)).steps())


def rejected(
    pack: str, timeline: list[tuple[int, Stimulus, str]], *, late: bool, protected: bool = False
) -> list[Step]:
    """A timeline after which staff reject every report: `late`, when all deadlines have passed, or while some run."""
    hour = 59 * 24 if late else max((hour for hour, _, _ in timeline), default=0)
    rejections: list[tuple[int, Stimulus, str]] = [
        (hour, Verification(str(number), rejected=True), "s1") for number in range(13)
    ]
    whole = scenario(pack, [*timeline, *rejections], protected=protected)
    return list(Stage(whole._replace(until=START + timedelta(hours=hour))).steps())


def dockets(played: list[Step]) -> dict[str | None, Docket]:
    return {step.service: step.decision.docket for step in played}


def effects(played: list[Step]) -> Iterator[object]:
    return (effect for step in played for effect in step.decision.effects)


@quick
@given(packs, timelines)
def test_decide_is_total_and_deterministic(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    one, other = steps(pack, timeline), steps(pack, timeline)
    assert [canonical(step.decision) for step in one] == [canonical(step.decision) for step in other]


@quick
@given(packs, timelines)
def test_every_effect_names_a_clause_that_the_pack_or_the_product_has(
    pack: str, timeline: list[tuple[int, Stimulus, str]]
) -> None:
    known = load_pack(pack)
    for effect in effects(steps(pack, timeline)):
        assert effect.clauses  # type: ignore[attr-defined]
        assert all(known.clause(one).text for one in effect.clauses)  # type: ignore[attr-defined]


@quick
@given(packs, timelines)
def test_a_docket_survives_being_saved(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    for docket in dockets(steps(pack, timeline)).values():
        again = msgspec.json.decode(msgspec.json.encode(docket), type=Docket)
        assert again == docket
        assert docket_digest(again) == docket_digest(docket)


@quick
@given(packs, timelines)
def test_a_decision_read_back_has_the_same_digest(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    for step in steps(pack, timeline):
        again = msgspec.json.decode(msgspec.json.encode(step.decision), type=Decision)
        assert decision_digest(again) == decision_digest(step.decision)


@quick
@given(packs, timelines, st.integers(0, 40))
def test_a_timeline_replayed_through_saved_dockets_gives_the_same(
    pack: str, timeline: list[tuple[int, Stimulus, str]], cut: int
) -> None:
    whole = [canonical(step.decision) for step in steps(pack, timeline)]
    stage = Stage(scenario(pack, timeline))
    halves = []
    for number, step in enumerate(stage.steps()):
        halves.append(canonical(step.decision))
        if number == cut:
            saved = {key: msgspec.json.encode(docket) for key, docket in stage.dockets.items()}
            stage.dockets = {key: msgspec.json.decode(text, type=Docket) for key, text in saved.items()}
    assert halves == whole


@quick
@given(packs, timelines)
def test_nothing_irreversible_is_automatic(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    ours = [one for one in effects(steps(pack, timeline)) if isinstance(one, Take) and not one.upstream]
    assert not [one for one in ours if one.measure == "terminate" and one.mode == "automatic"]


@quick
@given(packs, timelines | repeated)
def test_no_occurrence_is_two_standing_strikes(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    played = steps(pack, timeline)
    made = sum(isinstance(one, StrikeMade) for one in effects(played))
    standing = sum(
        occurrence.strike is not None and occurrence.strike.annulled_at is None
        for docket in dockets(played).values()
        for occurrence in docket.occurrences
    )
    annulled = sum(type(one).__name__ == "Annul" for one in effects(played))
    assert made == standing + annulled


@quick
@given(packs, timelines)
def test_ids_of_a_docket_are_used_once(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    for docket in dockets(steps(pack, timeline)).values():
        used = [
            one.id for rows in (docket.occurrences, docket.deadlines, docket.measures, docket.charges) for one in rows
        ]
        assert len(used) == len(set(used))


@quick
@given(packs, timelines)
def test_no_money_appears_or_vanishes(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    played = steps(pack, timeline)
    paid_in = dict.fromkeys(SERVICES, 0)
    for step in played:
        if isinstance(step.stimulus, Payment) and step.service is not None:
            paid_in[step.service] += step.stimulus.amount
    for service, docket in dockets(played).items():
        if service is not None:
            assert docket.credit + sum(one.paid for one in docket.charges) == paid_in[service]


@quick
@given(packs, timelines)
def test_one_target_bears_one_measure_of_a_kind(pack: str, timeline: list[tuple[int, Stimulus, str]]) -> None:
    for docket in dockets(steps(pack, timeline)).values():
        standing = [
            (one.kind, one.port, one.ip if one.kind in {"null_route", "rate_limit"} else None)
            for one in docket.measures
            if one.state in {"proposed", "in_force"}
        ]
        assert len(standing) == len(set(standing))


@quick
@given(packs, timelines)
def test_an_address_is_taken_once_and_given_back_once_whichever_service_held_it(
    pack: str, timeline: list[tuple[int, Stimulus, str]]
) -> None:
    taken: set[tuple[str, str | None]] = set()
    for effect in effects(steps(pack, timeline)):
        if isinstance(effect, Take | Lift) and effect.measure in ON_ADDRESS:
            target = (effect.measure, effect.ip)
            if isinstance(effect, Lift):
                assert target in taken
                taken.remove(target)
            else:
                assert target not in taken
                taken |= {target} if effect.mode != "proposed" else set()


@settings(quick, max_examples=300)
@given(packs, st.one_of(timelines, tended, tended), st.booleans(), st.booleans())
def test_rejecting_every_report_ends_all_that_rests_on_one_whatever_else_happened(
    pack: str, timeline: list[tuple[int, Stimulus, str]], late: bool, protected: bool
) -> None:
    """What people proposed, the upstream did, costs brought and the opening closed rests on no report, and stays."""
    for docket in dockets(rejected(pack, timeline, late=late, protected=protected)).values():
        charged = {one.id for one in docket.charges if one.state != "withdrawn"}
        for measure in docket.measures:
            if measure.state in {"proposed", "in_force"}:
                assert measure.grounds
                assert all(one.occurrence is None for one in measure.grounds)
                assert all(one.charge is None or one.charge in charged for one in measure.grounds)
        assert [one for one in docket.charges if one.grounds and one.state != "withdrawn"] == []
        assert [one for one in docket.occurrences if one.strike and one.strike.annulled_at is None] == []
        assert docket.flags == ()
        assert [one for one in docket.deadlines if one.name == "reply" and one.state == "open"] == []
        resting = {one.measure for one in docket.deadlines if one.name == "resume" and one.state == "open"}
        left = [one for one in docket.measures if one.id in resting]
        assert all(one.grounds and all(each.occurrence is None for each in one.grounds) for one in left)


only_reports = st.one_of(
    st.lists(st.tuples(hours, st.one_of(reports, reports, verifications), st.just("s1")), max_size=20), repeated
)


@quick
@given(packs, only_reports, st.booleans())
def test_rejecting_every_report_ends_every_measure_charge_and_flag(
    pack: str, timeline: list[tuple[int, Stimulus, str]], late: bool
) -> None:
    for docket in dockets(rejected(pack, timeline, late=late)).values():
        left = [one for one in docket.measures if one.state in {"proposed", "in_force"} and one.grounds[0].occurrence]
        assert left == []
        assert [one for one in docket.charges if one.state != "withdrawn"] == []
        assert docket.flags == ()
        assert [one for one in docket.deadlines if one.state == "open"] == []


@quick
@given(
    st.permutations([(IPS[:1], 3), (IPS[:2], 4), ((IPS[1], IPS[0]), 600), (IPS[1:2], 200)]), st.sampled_from(PUBLISHED)
)
def test_charges_are_the_sum_of_their_parts_in_any_order(order: list[tuple[tuple[str, ...], int]], pack: str) -> None:
    category = "connection/login_attack" if pack == "jimcloud" else "messaging/spoofing"
    timeline: list[tuple[int, Stimulus, str]] = [
        (hour, Report(str(hour), category, ips, START, events, assurance="verified"), "s1")
        for hour, (ips, events) in enumerate(order)
    ]
    played = list(Stage(scenario(pack, timeline)._replace(until=START + timedelta(hours=4))).steps())
    charged = [one for one in effects(played) if isinstance(one, ChargeMade)]
    total = sum(int(one.amount.replace(".", "")) for one in charged)
    assert total == (2 * 2000 if pack == "jimcloud" else 80700)


@quick
@given(packs, timelines)
def test_every_rule_weighed_leaves_a_trace_line_with_its_clauses(
    pack: str, timeline: list[tuple[int, Stimulus, str]]
) -> None:
    for step in steps(pack, timeline):
        assert all(line.clauses and line.says for line in step.decision.trace)
        assert all(line.because for line in step.decision.trace if line.result != "hit")
