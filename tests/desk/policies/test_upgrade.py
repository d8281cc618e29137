"""An upgrade holds the recent past against what decides from now on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.policies import audit, upgrade
from abusedesk.desk.policies.upgrade import accept, changes, look, must_be_settled
from abusedesk.policy.decision import ENGINE_VERSION
from abusedesk.policy.pack import find_pack, load_pack, pack_files
from abusedesk.policy.stimulus import Payment
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Decision, Installed, PackText, UpgradeAudit
from abusedesk.records.packs import keep
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC)
NEXT = ENGINE_VERSION + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """JimCloud's pack in a folder of the operator's own."""
    for name, data in pack_files(find_pack("jimcloud")).items():
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "own"


@pytest.fixture
def jim(folder: Path) -> Provider:
    """A provider with one decision on record, which was looked at."""
    known_reporter("isp.example.net")
    one = with_addresses(provider(pack=str(folder)))
    take(signed_complaint("isp.example.net"))
    assert look(TODAY) is None
    return one


def rewrite(folder: Path, was: str, becomes: str) -> None:
    path = folder / "pack.yaml"
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    load_pack.cache_clear()


def new_engine(monkeypatch: pytest.MonkeyPatch, version: int = NEXT) -> None:
    for module in (upgrade, audit):
        monkeypatch.setattr(module, "ENGINE_VERSION", version)


def doctor() -> None:
    """The stored decision becomes one that today's engine does not make."""
    stored = Decision.objects.get()
    Decision.objects.update(effects=bytes(stored.effects).replace(b'"20.00"', b'"30.00"'))


def test_nothing_changed_is_nothing_to_look_at(jim: Provider) -> None:
    assert changes() == []
    assert look(TODAY) is None
    must_be_settled()
    assert UpgradeAudit.objects.count() == 0


def test_a_fresh_installation_has_nothing_to_settle() -> None:
    must_be_settled()
    assert look(TODAY) is None
    assert dict(Installed.objects.values_list("name", "value")) == {"engine": str(upgrade.ENGINE_VERSION)}


def test_a_new_engine_that_decides_the_same_is_let_in(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    new_engine(monkeypatch)
    with pytest.raises(Problem, match=f"engine {ENGINE_VERSION} is now {NEXT}, and what that changes is not settled"):
        must_be_settled()
    found = look(TODAY)
    assert found is not None
    assert (found.state, found.differing, upgrade.summary(found)) == ("clean", 0, "1 decision made again: all the same")
    must_be_settled()
    assert look(TODAY) is None


def test_a_new_engine_that_decides_otherwise_waits_for_somebody(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor()
    new_engine(monkeypatch)
    found = look(TODAY)
    assert found is not None
    assert (found.state, found.differing) == ("open", 1)
    assert (
        f"would be another today (engine {ENGINE_VERSION} then, {NEXT} now): then charge ip 192.0.2.1, fine, 30.00"
        in found.differences[0]
    )
    with pytest.raises(Problem, match="nothing decides"):
        must_be_settled()
    again = look(TODAY)
    assert again is not None
    assert again.pk == found.pk
    with pytest.raises(Problem, match="--by NAME"):
        accept(found, " ", TODAY)
    accept(found, "bob", TODAY)
    must_be_settled()
    assert look(TODAY) is None
    assert UpgradeAudit.objects.get().accepted_by == "bob"


def test_going_back_to_the_engine_of_before_settles_it(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor()
    with monkeypatch.context() as patched:
        new_engine(patched)
        look(TODAY)
    must_be_settled()
    assert look(TODAY) is None


def test_decisions_older_than_asked_for_are_left_alone(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor()
    Decision.objects.update(decided_at=TODAY - timedelta(days=40))
    new_engine(monkeypatch)
    found = look(TODAY)
    assert found is not None
    assert (found.state, upgrade.summary(found)) == ("clean", "0 decisions made again: all the same")


def test_no_decision_is_made_again_where_nobody_wants_it(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor()
    new_engine(monkeypatch)
    found = look(TODAY, None)
    assert found is not None
    assert (found.state, found.since, upgrade.summary(found)) == ("clean", None, "")


def test_a_folder_that_rewrites_what_is_in_force_waits_for_somebody(jim: Provider, folder: Path) -> None:
    rewrite(
        folder, 'spam_fine: {clause: "3", values: {2022-06-07: "20.00"}}', 'spam_fine: {clause: "3", value: "25.00"}'
    )
    with pytest.raises(Problem, match=r"policy .*own [0-9a-f]{12} is now [0-9a-f]{12}"):
        must_be_settled()
    found = look(TODAY)
    assert found is not None
    assert found.differences == [
        "policy of jim: in the version '2022-06-07': 3: the spam fine is 25.00 USD instead of 20.00 USD"
    ]
    accept(found, "bob", TODAY)
    must_be_settled()


def test_a_folder_with_other_words_is_let_in(jim: Provider, folder: Path) -> None:
    rewrite(folder, "title: First attack", "title: The first attack")
    found = look(TODAY)
    assert found is not None
    assert (found.state, upgrade.summary(found)) == ("clean", "1 decision made again: all the same")
    assert PackText.objects.count() == 2


def test_a_folder_that_no_release_can_read_is_not_accepted(jim: Provider, folder: Path) -> None:
    rewrite(folder, "acts_on: authenticated", "acts_on: authenticatd")
    found = look(TODAY)
    assert found is not None
    assert found.state == "open"
    assert found.differences[0].startswith("the policy of jim cannot be read: ")
    with pytest.raises(Problem, match="mended, and not accepted"):
        accept(found, "bob", TODAY)


def test_a_pack_that_was_never_looked_at_is_compared_with_what_decided_last(jim: Provider, folder: Path) -> None:
    Installed.objects.all().delete()
    assert changes() == []
    rewrite(
        folder, 'spam_fine: {clause: "3", values: {2022-06-07: "20.00"}}', 'spam_fine: {clause: "3", value: "25.00"}'
    )
    assert [one.what for one in changes()] == [f"policy {folder}"]


def test_an_engine_that_was_never_looked_at_is_compared_with_what_decided_last(
    jim: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    Installed.objects.all().delete()
    new_engine(monkeypatch)
    assert [str(one) for one in changes()] == [f"engine {ENGINE_VERSION} is now {NEXT}"]


def test_a_published_pack_is_no_upgrade(jim: Provider, folder: Path) -> None:
    published = load_pack("scalibit")
    keep([published])
    Brand.objects.update(published=published.digest)
    rewrite(folder, "acts_on: authenticated", "acts_on: verified")
    assert changes() == []
    assert look(TODAY) is None


def test_decisions_under_a_policy_that_nobody_kept_do_not_stop_it(
    jim: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(docket_of(jim.service), Payment(1), key="payment:1", at=NOW)
    Decision.objects.filter(sequence=2).update(pack_digest=b"\7" * 32)
    new_engine(monkeypatch)
    found = look(TODAY)
    assert found is not None
    assert found.state == "clean"
    assert "1 cannot be made again, the text of their policy is not kept" in upgrade.summary(found)
