"""`abusedesk alerts`: what is wrong, acknowledged, and ways tried."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from abusedesk.cli import alerts
from abusedesk.desk.oncall.book import keep
from abusedesk.desk.oncall.wrong import Wrong
from abusedesk.problem import Problem
from abusedesk.records.models import Alert, Rota, Way
from tests.contract.phone import phone

NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def house(transactional_db: Any, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("ABUSEDESK_DATABASE_URL", database_url)
    Rota.objects.create(level=1, turns=["ann"], first=date(2026, 3, 2))
    Way.objects.create(name="anns-phone", person="ann", kind="text", options={"url": "http://127.0.0.1:9/"})
    keep([Wrong("clock", "clock", None, "page", "the clocks differ by 90 s", "/brands")], NOW)


def test_what_is_wrong_is_listed_with_who_is_on_call_and_acknowledged(capsys: pytest.CaptureFixture[str]) -> None:
    alert = Alert.objects.get()
    assert alerts.run(["list"]) == 0
    shown = capsys.readouterr().out
    assert f"{alert.pk}  page  -                2026-03-02 22:00  the clocks differ by 90 s\n" in shown
    assert "on call for every brand, level 1: ann" in shown
    assert "way anns-phone (text) to ann: untried" in shown
    alerts.run(["ack", str(alert.pk), "--by", "ben"])
    alerts.run(["ack", str(alert.pk), "--by", "eve"])
    assert capsys.readouterr().out == "ben has it: the clocks differ by 90 s\nnothing changed (ben has it)\n"


def test_a_test_says_whether_it_was_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert alerts.run(["test", "anns-phone"]) == 1
    assert "did not take it: 127.0.0.1:9 does not answer" in capsys.readouterr().out
    with phone() as ring:
        Way.objects.update(options={"url": ring.url})
        assert alerts.run(["test", "anns-phone"]) == 0
    assert capsys.readouterr().out == "anns-phone took it: 127.0.0.1 answered 200 ok\n"


@pytest.mark.parametrize(
    ("arguments", "says"), [(["ack", "0"], "there is no alert 0"), (["test", "fax"], "there is no way 'fax'")]
)
def test_a_name_that_is_none_is_said(arguments: list[str], says: str) -> None:
    with pytest.raises(Problem, match=says):
        alerts.run(arguments)
