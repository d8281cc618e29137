"""What-ifs: asked for once, played by one process, begun again when that dies, and nothing live is touched."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.policies.whatif import runs
from abusedesk.policy.author.change import new_version
from abusedesk.policy.pack import PACKS
from abusedesk.policy.stimulus import Report
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Decision, Effect, Measure, WhatIfRun
from tests.desk import estate

ONE_STRIKE = new_version(
    (PACKS / "jimcloud" / "pack.yaml").read_text(), datetime(2099, 1, 1, tzinfo=UTC), {"strikes_to_terminate": "1"}
)


def _files(text: str = ONE_STRIKE) -> dict[str, bytes]:
    folder = PACKS / "jimcloud"
    files = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.glob("notices/*/*.txt")}
    return {**files, "pack.yaml": text.encode()}


def _brand() -> Brand:
    return Brand.objects.create(slug="jim", name="Jim", pack="jimcloud", sender="a@jim.example.org")


def _run(brand: Brand) -> WhatIfRun:
    return runs.make(brand, _files(), "ann", "One strike", timezone.now())


def _asked(brand: Brand, at: datetime | None = None) -> WhatIfRun:
    run = _run(brand)
    runs.ask(run, None, as_if_always=True, now=at or timezone.now())
    return run


# ---------- made and asked for ----------


def test_a_changed_pack_is_kept_as_it_was_given(db: Any) -> None:
    run = _run(_brand())
    assert runs.files_of(run) == _files()
    assert (run.state, run.by, len(run.digest), run.digest == run.present) == ("idle", "ann", 64, False)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pack.yaml": b"a: [" }, "no YAML"),
        ({"pack.yaml": ONE_STRIKE.replace("pack: jimcloud", "pack: other").encode()}, "goes by 'jimcloud'"),
        ({"pack.yaml": ONE_STRIKE.encode(), "cases/a.yaml": b"a\0"}, "byte of nought"),
        ({"pack.yaml": ONE_STRIKE.encode(), "cases/a.yaml": b"\xff"}, "save it as UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_no_pack_of_the_brand_is_refused(files: dict[str, bytes], said: str, db: Any) -> None:
    notices = {name: data for name, data in _files().items() if name != "pack.yaml"}
    with pytest.raises(Problem, match=said):
        runs.make(_brand(), {**notices, **files}, "ann", "x", timezone.now())


def test_what_was_tried_long_ago_is_forgotten_by_the_worker(db: Any) -> None:
    brand, now = _brand(), timezone.now() + timedelta(days=400)
    old, new = _run(brand), _run(brand)
    WhatIfRun.objects.filter(pk=old.pk).update(at=now - runs.KEEP - timedelta(minutes=1))
    WhatIfRun.objects.filter(pk=new.pk).update(at=now - runs.KEEP + timedelta(minutes=1))
    assert runs.ponder("w1", now) == 0
    assert list(WhatIfRun.objects.values_list("pk", flat=True)) == [new.pk]
    runs.ponder("w1", now + timedelta(minutes=30))
    assert WhatIfRun.objects.count() == 1
    runs.ponder("w1", now + timedelta(minutes=61))
    assert not WhatIfRun.objects.exists()


# ---------- claimed ----------


def test_it_is_claimed_once_the_longest_waiting_first(db: Any) -> None:
    brand, now = _brand(), timezone.now()
    later, sooner = _asked(brand, now), _asked(brand, now - timedelta(minutes=1))
    _run(brand)
    assert [run and run.pk for run in (runs.claim(now), runs.claim(now), runs.claim(now))] == [
        sooner.pk,
        later.pk,
        None,
    ]


def test_one_whose_process_died_is_begun_again_and_at_last_given_up(db: Any) -> None:
    run, now = _asked(_brand()), timezone.now()
    for attempt in range(runs.ATTEMPTS):
        claimed = runs.claim(now + attempt * 2 * runs.LEASE)
        assert claimed is not None
        assert runs.claim(now + attempt * 2 * runs.LEASE) is None
    assert runs.claim(now + timedelta(hours=1)) is None
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("failed", runs.ATTEMPTS)
    assert "three times" in run.error


def test_asked_again_it_begins_afresh(db: Any) -> None:
    run, now = _asked(_brand()), timezone.now()
    WhatIfRun.objects.update(state="failed", error="x", attempts=3, result=b"{}", done=7)
    runs.ask(run, now, as_if_always=False, now=now)
    run.refresh_from_db()
    assert (run.state, run.error, run.attempts, run.result, run.done) == ("waiting", "", 0, None, 0)


# ---------- played ----------


def _complain(provider: estate.Provider, number: int = 1) -> None:
    at = datetime.now(UTC) - timedelta(days=2)
    report = Report(
        id=f"r{number}", category="messaging/spam", ips=("192.0.2.1",), occurred_at=at, assurance="verified",
            events=1,
    )  # fmt: skip
    submit(docket_of(provider.service), report, key=f"report:r{number}", at=at, by="")


@pytest.mark.django_db(transaction=True)
def test_the_past_is_played_and_nothing_live_is_touched() -> None:
    provider = estate.with_addresses(estate.provider())
    _complain(provider)
    run = _asked(provider.brand)
    before = [list(model.objects.order_by("pk").values()) for model in (Decision, Measure, Effect)]
    claimed = runs.claim(timezone.now())
    assert claimed is not None
    runs.play(claimed.pk)
    run.refresh_from_db()
    result = runs.result_of(run)
    assert (run.state, run.error) == ("done", "")
    assert result is not None
    assert result.sum("measure", "terminate", "proposed").gained == 1
    assert [list(model.objects.order_by("pk").values()) for model in (Decision, Measure, Effect)] == before


@pytest.mark.django_db(transaction=True)
def test_without_a_past_it_says_so() -> None:
    provider = estate.with_addresses(estate.provider())
    run = _asked(provider.brand)
    runs.claim(timezone.now())
    runs.play(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "no past yet" in run.error


@pytest.mark.django_db(transaction=True)
def test_what_breaks_is_said_and_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _asked(_brand())
    runs.claim(timezone.now())
    monkeypatch.setattr(runs, "what_if", lambda *_args, **_more: 1 / 0)
    runs.play(run.pk)
    run.refresh_from_db()
    assert (run.state, runs.claim(timezone.now())) == ("failed", None)
    assert "nothing was changed" in run.error


@pytest.mark.django_db(transaction=True)
def test_progress_renews_the_lease_and_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_TELL_S", 0)
    run = _asked(_brand())
    runs.claim(timezone.now() - timedelta(hours=1))
    telling = runs.Telling(run.pk)
    telling(3, 9)
    run.refresh_from_db()
    assert (run.done, run.total) == (3, 9)
    assert run.lease_until is not None
    assert run.lease_until > timezone.now()
    run.delete()
    with pytest.raises(runs.RunGoneError):
        telling(4, 9)
    telling.close()


@pytest.mark.django_db(transaction=True)
def test_the_worker_has_a_process_of_its_own_play_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABUSEDESK_DATABASE_URL", database_url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
    provider = estate.with_addresses(estate.provider())
    _complain(provider)
    run = _asked(provider.brand)
    assert runs.ponder("w1", timezone.now()) == 1
    child = runs._children.of("w1")
    assert child.wait(30) == 0
    assert (runs.ponder("w1", timezone.now()), runs.ponder("w1", timezone.now())) == (1, 0)
    run.refresh_from_db()
    assert run.state == "done"


def test_the_process_ends_when_its_worker_is_gone() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    orphan = subprocess.run(
        [sys.executable, "-m", "abusedesk.desk.policies.whatif", "no-run", str(gone.pid)],
        env={**os.environ, "ABUSEDESK_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        timeout=30,
        check=False,
        capture_output=True,
    )
    assert orphan.returncode == -15
