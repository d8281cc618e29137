"""`abusedesk policy simulate`: a table that a manager understands, JSON for scripts, one line for what goes wrong."""

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from abusedesk.cli import session
from abusedesk.cli.policy import run
from abusedesk.cli.policy.simulate import SHOWN
from abusedesk.policy.pack import PACKS
from tests.desk.estate import NOW, Provider, provider, with_addresses
from tests.desk.policies.test_past import HOUR, complaint, hear, watched
from tests.policy.test_replay import changed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def ready(**_: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(session, "session", ready)


@pytest.fixture
def jim() -> Provider:
    made = with_addresses(provider())
    hear(made.service, complaint("a", 0, "messaging/spam"))
    watched(20)
    return made


@pytest.fixture
def dearer(tmp_path: Path) -> str:
    changed(tmp_path, "jimcloud", ('"3", values: {2022-06-07: "20.00"}', '"3", values: {2022-06-07: "1045.00"}'))
    return str(tmp_path / "jimcloud")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_sums_then_cases(jim: Provider, dearer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--pack", dearer]) == 0
    out = lines(capsys)
    assert out[0] == "jim: 4 stimuli on record since the first, up to 2026-03-03"
    assert out[1] == "1 of 1 service would have fared otherwise, in 1 thing."
    assert "fine, automatic 1 1 0 0 1" in out
    assert "USD 20.00 1,045.00" in out
    assert "suspend, automatic 1 1 0 0 0" in out
    assert "jimcloud:3 0 0 1" in out
    assert out[-1] == (
        "2026-03-02 12:00 s1 changed: fine 20.00 USD on 192.0.2.1, automatic → "
        "fine 1045.00 USD on 192.0.2.1, automatic [jimcloud:3]"
    )


def test_no_difference_is_said_plainly(jim: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--pack", "jimcloud", "--brand", "jim"]) == 0
    out = lines(capsys)
    assert out[1] == "The changed pack would have made no difference to any of 1 service."
    assert "Case by case, the heaviest first" not in out


def test_json_holds_both_sides(jim: Provider, dearer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--pack", dearer, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (one,) = found["differences"]
    assert (one["change"], one["service"], one["clauses"]) == ("changed", "s1", ["jimcloud:3"])
    assert (one["before"]["amount"], one["after"]["amount"], one["after"]["what"]) == (2000, 104500, "fine")
    assert found["differing"] == 1


def test_only_the_heaviest_are_listed_unless_all_are_asked_for(
    jim: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(tmp_path, "jimcloud", ("8.b, values: {2022-06-07: PT6H}", "8.b, values: {2022-06-07: PT3H}"))
    hear(jim.service, *(complaint(f"b{number}", 24 + 7 * number, "copyright/copyright") for number in range(20)))
    watched(200)
    pack = str(tmp_path / "jimcloud")
    assert run(["simulate", "--pack", pack]) == 0
    few = lines(capsys)
    assert few[-1].startswith("and ")
    assert few[-1].endswith(" more; --all lists them")
    assert run(["simulate", "--pack", pack, "--all"]) == 0
    every = lines(capsys)
    assert len(every) - len(few) == int(few[-1].split()[1]) - 1
    assert sum(line.startswith("2026-") for line in few) == SHOWN


def test_a_version_of_tomorrow_can_be_tried_as_if_it_had_always_held(
    jim: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = '  - {id: "2022-06-07", from: 2022-06-07T00:00:00Z, clause: "11"}'
    second = first.replace("2022-06-07", "2099-01-01")
    fine = ('"3", values: {2022-06-07: "20.00"}', '"3", values: {2022-06-07: "20.00", 2099-01-01: "30.00"}')
    changed(tmp_path, "jimcloud", (first, f"{first}\n{second}"), fine)
    assert run(["simulate", "--pack", str(tmp_path / "jimcloud")]) == 0
    out = lines(capsys)
    assert "Note: version 2099-01-01 begins after all that" in out[2]
    assert run(["simulate", "--pack", str(tmp_path / "jimcloud"), "--as-if-always"]) == 0
    assert "USD 20.00 30.00" in lines(capsys)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--brand", "nobody"], "there is no brand 'nobody'; there are jim, jo"),
        ([], "several brands go by the policy 'jimcloud': say whose past with --brand; there are jim, jo"),
        (["--brand", "jo"], "jo has no past yet: nothing was decided that could be replayed"),
        (
            ["--brand", "jim", "--since", "2027-01-01"],
            "jim has nothing on record since 2027-01-01; give an earlier date",
        ),
    ],
)
def test_mistakes_are_one_line(
    jim: Provider, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    provider("jo")
    assert run(["simulate", "--pack", "jimcloud", *arguments]) == 2
    assert capsys.readouterr().err.strip() == f"abusedesk policy: {says}"


def test_a_pack_that_does_not_load_is_one_line(
    jim: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PACKS / "jimcloud" / "pack.yaml").read_text().replace("currency: USD", "currency: US")
    (tmp_path / "pack.yaml").write_text(text)
    assert run(["simulate", "--pack", str(tmp_path)]) == 2
    assert str(tmp_path / "pack.yaml") in capsys.readouterr().err


def test_a_date_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["simulate", "--pack", "jimcloud", "--since", "yesterday"])
    assert "'yesterday' is no date; write 2026-01-31" in capsys.readouterr().err


def test_since_is_said(jim: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    hear(jim.service, complaint("z", 48))
    assert run(["simulate", "--pack", "jimcloud", "--since", f"{NOW + timedelta(days=1) - HOUR:%Y-%m-%d}"]) == 0
    assert "on record since 2026-03-03" in lines(capsys)[0]
