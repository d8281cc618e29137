"""Checks of the record: asked for once, carried out by one process, begun again when that dies, and kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from abusedesk.desk.policies.audits import runs
from abusedesk.problem import Problem
from abusedesk.records.models import AuditRun, Decision
from tests.desk.estate import known_reporter, provider, signed_complaint, take, with_addresses


@pytest.fixture
def decided(db: None) -> int:
    """How many decisions one complaint brought."""
    known_reporter("isp.example.net")
    with_addresses(provider())
    take(signed_complaint("isp.example.net"))
    return Decision.objects.count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("what", "said"), [("verify", "all hold"), ("recompute", "all the same")])
def test_a_check_says_how_many_it_looked_at(decided: int, what: runs.What, said: str) -> None:
    asked = runs.ask(what, "ann", None, timezone.now())
    claimed = runs.claim(timezone.now())
    assert claimed is not None
    runs.carry_out(claimed.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.looked_at, asked.done, asked.total, asked.differing) == (
        "done",
        decided,
        decided,
        decided,
        0,
    )
    assert said in asked.said


@pytest.mark.django_db(transaction=True)
def test_what_was_changed_afterwards_is_told_in_words(decided: int) -> None:
    Decision.objects.update(effects=b"[]")
    run = runs.ask("verify", "ann", None, timezone.now())
    runs.claim(timezone.now())
    runs.carry_out(run.pk)
    run.refresh_from_db()
    assert (run.state, run.differing) == ("done", decided)
    assert "it was changed afterwards" in run.differences[0]


def test_one_is_asked_for_at_a_time(db: None) -> None:
    runs.ask("verify", "ann", None, timezone.now())
    with pytest.raises(Problem, match="one that ann asked for is not done yet"):
        runs.ask("recompute", "bo", None, timezone.now())


def test_one_whose_process_died_is_begun_again_and_given_up_in_the_end(db: None) -> None:
    now = timezone.now()
    run = runs.ask("verify", "ann", None, now)
    for number in range(runs.ATTEMPTS):
        assert runs.claim(now + number * 2 * runs.LEASE) is not None
        assert runs.claim(now + number * 2 * runs.LEASE + timedelta(seconds=1)) is None
    assert runs.claim(now + timedelta(days=1)) is None
    run.refresh_from_db()
    assert run.state == "failed"
    assert AuditRun.objects.filter(state="running").count() == 0
