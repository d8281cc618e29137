"""`abusedesk audit` and `migrate` as their users meet them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abusedesk.desk.enact import docket_of, submit
from abusedesk.policy.decision import ENGINE_VERSION
from abusedesk.policy.stimulus import Payment
from abusedesk.records.models import Decision, Installed
from tests.cli.test_main import abusedesk
from tests.desk.estate import NOW, provider

ENGINES = f"engine 0 then, {ENGINE_VERSION} now"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> dict[str, str]:
    """A desk with two decisions on record, of which the older is forty days old."""
    one = provider()
    for number in (1, 2):
        submit(docket_of(one.service), Payment(number), key=f"payment:{number}", at=NOW)
    Decision.objects.filter(sequence=1).update(decided_at=datetime.now(UTC) - timedelta(days=40))
    return {"ABUSEDESK_DATA": str(tmp_path), "ABUSEDESK_DATABASE_URL": database_url}


def doctor() -> None:
    """What is stored becomes what another engine decided otherwise."""
    Decision.objects.filter(sequence=2).update(effects=b'[{"effect":"flag","clauses":["jimcloud:3"],"flag":"x"}]')
    Decision.objects.update(engine_version=0)
    Installed.objects.all().delete()


def test_recompute_says_in_one_line_that_all_is_the_same(settings: dict[str, str]) -> None:
    done = abusedesk("audit", "recompute", **settings)
    assert (done.returncode, done.stdout) == (0, "2 decisions made again: all the same\n"), done.stderr
    recent = abusedesk("audit", "recompute", "--days", "30", "--brand", "jim", **settings)
    assert (recent.returncode, recent.stdout) == (0, "2 decisions made again: all the same\n"), recent.stderr


def test_recompute_tells_differences_and_fails(settings: dict[str, str]) -> None:
    doctor()
    done = abusedesk("audit", "recompute", "--since", "2020-01-31", **settings)
    assert done.returncode == 1
    assert done.stdout == f"2 decisions made again: 1 the same; 1 would be another today ({ENGINES})\n"
    assert f"decision 2: would be another today ({ENGINES}): then flag x [jimcloud:3], now nothing" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "--days", "3"), "are for recompute"),
        (("recompute", "--since", "yesterday"), "write 2026-01-31"),
        (("recompute", "--days", "0"), "from 1"),
        (("recompute", "--brand", "jam"), "there is no brand 'jam'; there are jim"),
    ],
)
def test_what_cannot_be_used_is_one_line(settings: dict[str, str], arguments: tuple[str, ...], words: str) -> None:
    done = abusedesk("audit", *arguments, **settings)
    assert done.returncode == 2
    assert words in done.stderr


def test_verify_walks_decisions_and_publications(settings: dict[str, str]) -> None:
    done = abusedesk("audit", "verify", **settings)
    assert (done.returncode, done.stdout) == (
        0,
        "2 decisions of 1 dockets, 0 entries about 1 policies: all hold\n",
    ), done.stderr


def test_an_upgrade_that_decides_otherwise_stops_whatever_decides_until_it_is_accepted(
    settings: dict[str, str], tmp_path: Path
) -> None:
    doctor()
    for command in (("worker",), ("watch",), ("ingest", str(tmp_path))):
        refused = abusedesk(*command, **settings)
        assert refused.returncode == 2, command
        assert f"engine 0 is now {ENGINE_VERSION}, and what that changes is not settled" in refused.stderr
    looked = abusedesk("migrate", "--quiet", **settings)
    assert looked.returncode == 1
    assert f"engine 0 is now {ENGINE_VERSION}" in looked.stdout
    assert f"decision 2: would be another today ({ENGINES})" in looked.stderr
    assert "`abusedesk migrate --accept-differences --by NAME`" in looked.stderr
    nameless = abusedesk("migrate", "--accept-differences", **settings)
    assert nameless.returncode == 2
    assert "--by NAME" in nameless.stderr
    accepted = abusedesk("migrate", "--accept-differences", "--by", "bob", **settings)
    assert (accepted.returncode, accepted.stdout.splitlines()[-1]) == (
        0,
        "accepted by bob; from now on it is decided so",
    ), accepted.stderr
    again = abusedesk("migrate", "--quiet", **settings)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    taken = abusedesk("ingest", str(tmp_path), **settings)
    assert "settled" not in taken.stderr


def test_days_bound_what_an_upgrade_makes_again(settings: dict[str, str]) -> None:
    doctor()
    none = abusedesk("migrate", "--quiet", "--days", "0", **settings)
    assert (none.returncode, none.stdout) == (0, f"engine 0 is now {ENGINE_VERSION}\n"), none.stderr
    assert abusedesk("migrate", "--days", "many", **settings).returncode == 2
