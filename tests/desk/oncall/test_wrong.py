"""What is wrong now, from rows alone."""

from datetime import UTC, datetime, timedelta

import pytest

from abusedesk.desk.oncall.wrong import Asked, BrandRow, Broken, House, Proposed, Source, wrong

NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
JIM = BrandRow(1, "jim", "Jim", {})
HOUSE = House(NOW, NOW, (JIM,))
SUSPENSION = Proposed(7, 1, "suspend", "vps-1", 70, ("acme:1",), protected=False)


def seen(house: House) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.severity, one.summary, one.link) for one in wrong(house)]


def test_nothing_is_wrong_in_a_quiet_house() -> None:
    assert wrong(HOUSE._replace(beats={"deadlines": NOW, "worker": NOW}, proposed=(SUSPENSION,))) == []


def test_a_proposal_on_a_protected_customer_pages_with_the_way_to_its_case() -> None:
    house = HOUSE._replace(proposed=(SUSPENSION._replace(protected=True),))
    assert seen(house) == [("protected", "page", "suspension of vps-1 proposed (protected)", "/cases/70")]


def test_where_it_is_answered_on_a_screen_of_its_own_that_is_the_way() -> None:
    one = SUSPENSION._replace(protected=True, screen=9)
    assert wrong(HOUSE._replace(proposed=(one,)))[0].link == "/approvals/9"
    many = wrong(HOUSE._replace(proposed=(one, one._replace(pk=8))))
    assert many[0].link == "/approvals?brand=jim&kind=measure"


def test_a_brand_may_ask_for_every_proposal() -> None:
    every = JIM._replace(settings={"alerts": {"proposal": "page"}})
    assert seen(HOUSE._replace(brands=(every,), proposed=(SUSPENSION,)))[0][:2] == ("proposal", "page")


def test_what_the_blast_radius_held_is_one_alert_with_all_of_it() -> None:
    held = [SUSPENSION._replace(pk=pk, clauses=("acme:1", "safeguard:blast_radius")) for pk in (8, 7, 9)]
    (one,) = wrong(HOUSE._replace(proposed=tuple(held)))
    assert (one.kind, one.things, one.summary) == (
        "blast_radius",
        (7, 8, 9),
        "3 measures proposed (held by the blast radius)",
    )


def test_a_failure_pages_and_drift_tells() -> None:
    failed = Broken(1, 1, "null_route", "vps-1", 70, drifted=False)
    found = seen(HOUSE._replace(broken=(failed, failed._replace(pk=2, drifted=True))))
    assert [one[:3] for one in found] == [
        ("measure_failed", "page", "null-route of vps-1 failed for good"),
        ("drift", "tell", "null-route of vps-1 undone outside and not taken again"),
    ]


def test_a_dry_run_wakes_nobody_for_what_it_only_decided() -> None:
    dry = HOUSE._replace(brands=(JIM._replace(dry_run=True),), proposed=(SUSPENSION._replace(protected=True),))
    assert wrong(dry) == []


@pytest.mark.parametrize(("by", "told"), [("watch", True), ("restore", True), ("ann", False)])
def test_a_stop_is_told_where_no_person_pressed_it(by: str, told: bool) -> None:
    house = HOUSE._replace(brands=(JIM._replace(held_by=by, held_reason="it was away for 3 h"),))
    assert bool(wrong(house)) is told


@pytest.mark.parametrize(
    ("since", "late", "told"),
    [
        (NOW - timedelta(minutes=4), "", False),
        (NOW - timedelta(minutes=5), "", True),
        (None, "was last read 40 min ago", True),
        (None, "", False),
    ],
)
def test_a_source_that_fails_for_long_or_is_late_is_told(since: datetime | None, late: str, told: bool) -> None:
    source = Source(3, "channel", None, "imap", since, "refused", late)
    assert [one.link for one in wrong(HOUSE._replace(sources=(source,)))] == (["/channels/3"] if told else [])


def test_clocks_that_differ_and_loops_that_stand_still_are_told() -> None:
    beats = {"deadlines": NOW - timedelta(minutes=11), "worker": NOW - timedelta(minutes=9)}
    found = wrong(HOUSE._replace(database_at=NOW + timedelta(minutes=2), beats=beats))
    assert [one.key for one in found] == ["clock", "standstill:deadlines"]


def test_one_thing_is_told_in_its_own_words_and_many_in_numbers() -> None:
    file = Asked(4, 1, "authority", "AUTH-2026-0001 came in", "/files/4")
    assert seen(HOUSE._replace(asked=(file,))) == [("authority", "page", "AUTH-2026-0001 came in", "/files/4")]
    many = seen(HOUSE._replace(asked=(file, file._replace(pk=5))))
    assert many == [("authority", "page", "2 requests of authorities wait for somebody", "/files")]
