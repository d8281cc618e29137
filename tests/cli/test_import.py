"""`abusedesk import` as its user meets it."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abusedesk.cli import import_
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Case, Customer, Docket, Measure, Service

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def brand(monkeypatch: pytest.MonkeyPatch) -> Brand:
    monkeypatch.setattr(import_, "session", lambda **_: contextlib.nullcontext())
    made = Brand.objects.create(slug="jimcloud", name="JimCloud", pack="jimcloud", sender="abuse@example.net")
    Customer.objects.create(brand=made, ref="c1", name="Jo", since=datetime(2025, 1, 1, tzinfo=UTC))
    return made


def services(folder: Path, rows: list[str], header: str = "ref,customer,since,until") -> str:
    path = folder / "services.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def many(count: int, until: str = "") -> list[str]:
    return [f"s{number},c1,2025-01-02,{until}" for number in range(count)]


def test_it_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = services(tmp_path, many(3))
    assert import_.run(["services", file]) == 0
    assert "3 rows, 3 new, 0 changed, 0 as they were" in capsys.readouterr().out
    assert import_.run(["services", file]) == 0
    assert "3 rows, 0 new, 0 changed, 3 as they were" in capsys.readouterr().out


def test_one_faulty_row_keeps_all_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = services(tmp_path, [*many(2), "x,nobody,2025-01-02,"])
    assert import_.run(["services", file]) == 1
    said = capsys.readouterr().err
    assert f"{file}:4: customer: there is no customer 'nobody'" in said
    assert "nothing was imported" in said
    assert not Service.objects.exists()


def test_more_faults_than_a_screen_holds_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_.run(["services", services(tmp_path, [f"s{one},nobody,2025-01-02," for one in range(30)])]) == 1
    said = capsys.readouterr().err
    assert said.count("there is no customer") == 20
    assert "30 fault(s)" in said
    assert "10 more not shown" in said


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_.run(["services", services(tmp_path, many(3)), "--dry-run"]) == 0
    assert "3 would be new" in capsys.readouterr().out
    assert not Service.objects.exists()


def test_a_mass_change_without_anybody_to_ask_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_.run(["services", services(tmp_path, many(20))])
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(Problem, match=r"5 services would end .* 25% of the 20 there are; .* give --yes"):
        import_.run(["services", services(tmp_path, many(5, "2025-08-01"))])
    assert not Service.objects.exclude(until=None).exists()


def test_a_mass_change_is_written_when_it_was_meant(tmp_path: Path) -> None:
    import_.run(["services", services(tmp_path, many(20))])
    assert import_.run(["services", services(tmp_path, many(5, "2025-08-01")), "--yes"]) == 0
    assert Service.objects.exclude(until=None).count() == 5


@pytest.mark.parametrize(("answer", "ended", "code"), [("y", 5, 0), ("", 0, 1)])
def test_on_a_terminal_a_person_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, ended: int, code: int
) -> None:
    import_.run(["services", services(tmp_path, many(20))])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert import_.run(["services", services(tmp_path, many(5, "2025-08-01"))]) == code
    assert Service.objects.exclude(until=None).count() == ended


def test_a_service_that_opens_today_gets_its_port_block(tmp_path: Path) -> None:
    today = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    import_.run(["services", services(tmp_path, [f"new,c1,{today},"])])
    block = Measure.objects.get()
    assert (block.service.ref, block.kind, block.port, block.clauses) == ("new", "block_port", 25, ["jimcloud:5"])
    assert not Case.objects.exists()


def test_an_estate_that_ran_before_is_taken_over_without_effects(tmp_path: Path) -> None:
    import_.run(["services", services(tmp_path, many(5))])
    assert not Docket.objects.exists()
    assert not Measure.objects.exists()


def test_which_brand_must_be_clear(tmp_path: Path) -> None:
    Brand.objects.create(slug="other", name="Other", pack="jimcloud", sender="abuse@example.org")
    with pytest.raises(Problem, match="there are several brands; give --brand with one of jimcloud, other"):
        import_.run(["services", services(tmp_path, many(1))])
    assert import_.run(["services", services(tmp_path, many(1)), "--brand", "jimcloud"]) == 0


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        import_.run(["services", str(tmp_path / "none.csv")])
