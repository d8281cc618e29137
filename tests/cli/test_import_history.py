"""`abusedesk import history` as its user meets it: the command on a real database, and what it says."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abusedesk.cli import import_
from abusedesk.desk.policies.audit import recompute
from abusedesk.problem import Problem
from abusedesk.records.chain import verify
from abusedesk.records.models import Charge, Deadline, Decision, Effect, Measure, Strike, TicketEntry
from tests.desk.estate import Provider, provider, with_addresses

pytestmark = pytest.mark.django_db

HEADER = "service,ticket,at,kind,abuse_type,category,ip,amount,item,author,text\n"
STRIKE = "s1,4711,2025-12-01,strike,spam,,192.0.2.1,,,,\n"
FINE = "s1,4801,2026-01-11,owed,,,,40.00,fine,,\n"
LINE = 's1,4711,2025-12-01T10:00:00Z,message,,,,,,customer,"We have closed the form."\n'


@pytest.fixture(autouse=True)
def jim(monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr(import_, "session", lambda **_: contextlib.nullcontext())
    return with_addresses(provider())


def imported(folder: Path, rows: str, *more: str, source: str = "WHMCS") -> int:
    file = folder / "old.csv"
    file.write_text(HEADER + rows)
    return import_.run(["history", str(file), "--source", source, "--by", "ann", *more])


def assert_nothing_followed() -> None:
    """Whatever is carried over or corrected, nothing goes out and nobody is charged or measured."""
    assert not Effect.objects.exists()
    assert not Measure.objects.exists()
    assert not Deadline.objects.exists()
    assert list(verify()) == []
    assert {one.outcome for one in recompute()} == {"same"}


def test_it_says_what_it_carried_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, STRIKE + FINE + LINE) == 0
    said = capsys.readouterr()
    assert "jim: 1 strikes, 1 amounts owed, 1 lines of conversation; 0 rows were here before" in said.out
    assert "nobody was notified, nothing was charged, and no measure was taken" in said.out
    assert "carried over: 3 in " in said.err
    assert_nothing_followed()


def test_a_second_run_adds_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, STRIKE + FINE + LINE)
    assert imported(tmp_path, STRIKE + FINE + LINE) == 0
    assert "nothing new; 3 rows were here before" in capsys.readouterr().out
    assert (Decision.objects.count(), TicketEntry.objects.count()) == (2, 1)


def test_a_dry_run_says_what_would_be_new_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, STRIKE + FINE, "--dry-run") == 0
    assert "2 rows: 2 new, 0 to be corrected, 0 here before; dry run" in capsys.readouterr().out
    assert not Decision.objects.exists()


def test_without_a_source_it_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="give --source"):
        imported(tmp_path, STRIKE, source="")


def test_one_faulty_row_keeps_all_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert imported(tmp_path, STRIKE + f"s1,9,{tomorrow},strike,spam,,,,,,\n") == 1
    said = capsys.readouterr().err
    assert f"old.csv:3: at: lies in the future ({tomorrow}" in said
    assert "Correct the date or its zone" in said
    assert "1 fault(s)" in said
    assert not Decision.objects.exists()


def test_one_ticket_told_in_two_ways_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, STRIKE + STRIKE.replace("2025-12-01", "2025-12-02")) == 1
    assert "old.csv:3: ticket: '4711' on 's1' stands in line 2 with other values; keep one" in capsys.readouterr().err


def test_a_ticket_older_than_its_service_is_carried_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, STRIKE.replace("2025-12-01", "2025-01-05")) == 0
    said = capsys.readouterr().err
    assert "old.csv:2: warning: at: 2025-01-05 lies before the service 's1' began (2025-08-14)" in said
    assert "it counts against today's customer all the same" in said
    assert Strike.objects.count() == 1


def test_a_ticket_that_was_corrected_in_the_file_is_corrected_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, STRIKE)
    changed = STRIKE.replace("2025-12-01", "2025-12-03")

    assert imported(tmp_path, changed, "--dry-run") == 0
    told = "at: ticket 4711 of s1: 2025-12-01T00:00:00Z would become 2025-12-03T00:00:00Z"
    assert f"old.csv:2: {told}" in capsys.readouterr().out
    assert imported(tmp_path, changed) == 0
    assert "nothing new; 1 corrected; 0 rows were here before" in capsys.readouterr().out
    assert [f"{one.at:%Y-%m-%d}" for one in Strike.objects.filter(annulled_at=None)] == ["2025-12-03"]
    assert_nothing_followed_but_the_annulment()
    assert imported(tmp_path, changed) == 0
    assert "nothing new; 1 rows were here before" in capsys.readouterr().out


def assert_nothing_followed_but_the_annulment() -> None:
    assert set(Effect.objects.values_list("kind", flat=True)) <= {"annul"}
    assert not Measure.objects.exists()
    assert not Deadline.objects.exists()
    assert {one.outcome for one in recompute()} == {"same"}


@pytest.mark.parametrize(
    ("now", "standing"),
    [
        ("s1,4711,2025-12-01,case,spam,,192.0.2.1,,,,\n", []),
        ("s1,4711,2025-12-01,strike,attack,,192.0.2.1,,,,\n", ["attack"]),
        ("s1,4711,2025-12-01,strike,spam,,192.0.2.2,,,,\n", ["spam"]),
    ],
)
def test_kind_type_and_address_are_corrected_and_back(tmp_path: Path, now: str, standing: list[str]) -> None:
    imported(tmp_path, STRIKE)
    assert imported(tmp_path, now) == 0
    assert [one.case.abuse_type for one in Strike.objects.filter(annulled_at=None)] == standing
    assert imported(tmp_path, STRIKE) == 0
    assert [one.case.abuse_type for one in Strike.objects.filter(annulled_at=None)] == ["spam"]
    import_.run(["history", "4711", "--source", "WHMCS", "--undo"])
    assert not Strike.objects.filter(annulled_at=None).exists()


def test_a_ticket_that_something_may_rest_on_is_left_and_told_column_by_column(
    jim: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, STRIKE)
    pay(jim)

    assert imported(tmp_path, "s1,4711,2025-12-03,case,spam,,192.0.2.1,,,,\n" + FINE) == 1
    said = capsys.readouterr()
    assert "old.csv:2: kind: ticket 4711 of s1: strike stands, the file says case; not changed: something else was" in (
        said.err
    )
    assert (
        "old.csv:2: at: ticket 4711 of s1: 2025-12-01T00:00:00Z stands, the file says 2025-12-03T00:00:00Z" in said.err
    )
    assert "(--undo --source WHMCS 4711) and import it under a number of its own" in said.err
    assert "1 row(s) differ" in said.err
    assert "1 amounts owed" in said.out
    assert [f"{one.at:%Y-%m-%d}" for one in Strike.objects.filter(annulled_at=None)] == ["2025-12-01"]


def pay(jim: Provider) -> None:
    """Something that is no history is decided about the service."""
    from abusedesk.desk.enact import docket_of, submit
    from abusedesk.policy.stimulus import Payment

    submit(docket_of(jim.service), Payment(100), key="payment:1", at=datetime.now(UTC), by="ann")


def test_a_ticket_that_was_taken_back_stays_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, STRIKE)
    import_.run(["history", "4711", "--source", "WHMCS", "--undo"])
    assert imported(tmp_path, STRIKE.replace("2025-12-01", "2025-12-03")) == 1
    assert "not changed: it was taken back and counts for nothing" in capsys.readouterr().err
    assert not Strike.objects.filter(annulled_at=None).exists()


def test_an_amount_that_differs_is_told_and_not_owed_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, FINE)
    assert imported(tmp_path, FINE.replace("40.00", "45.00")) == 1
    said = capsys.readouterr().err
    assert "old.csv:2: amount: fine of ticket 4801 of s1: 40.00 stands, the file says 45.00; not changed" in said
    assert "a payment or a cost" in said
    assert [one.amount for one in Charge.objects.all()] == [4000]


def test_a_line_with_other_words_is_told_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, STRIKE + LINE)
    assert imported(tmp_path, STRIKE + LINE.replace("closed", "mended")) == 1
    assert (
        "text: the line of customer in ticket 4711 of s1: “We have closed the form.” stands" in capsys.readouterr().err
    )
    assert TicketEntry.objects.count() == 1


def test_a_file_may_grow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, STRIKE + FINE + LINE)
    more = FINE.replace("4801", "4802") + LINE.replace("10:00", "11:00")
    assert imported(tmp_path, STRIKE + FINE + LINE + more) == 0
    assert "1 amounts owed, 1 lines of conversation; 3 rows were here before" in capsys.readouterr().out


def test_undo_of_what_never_came_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert import_.run(["history", "77", "--source", "WHMCS", "--undo"]) == 1
    assert "ticket 77 of WHMCS: 0 entries count no more" in capsys.readouterr().out
