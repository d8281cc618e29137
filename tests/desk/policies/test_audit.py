"""Recorded decisions made again."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.enact.write import SNAPSHOT_EVERY
from abusedesk.desk.policies import audit
from abusedesk.desk.policies.audit import recompute, report
from abusedesk.policy.decision import ENGINE_VERSION
from abusedesk.policy.pack import find_pack, load_pack, pack_files
from abusedesk.policy.stimulus import Payment
from abusedesk.records.models import Decision, PackText
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NEXT = ENGINE_VERSION + 1
ENGINES = f"engine {ENGINE_VERSION} then, {NEXT} now"


@pytest.fixture
def jim() -> Provider:
    known_reporter("isp.example.net")
    return with_addresses(provider())


def pay(one: Provider, times: int, first: int = 0) -> None:
    """So many payments of a cent, each a decision."""
    docket = docket_of(one.service)
    for number in range(first, first + times):
        submit(docket, Payment(1), key=f"payment:{number}", at=NOW + number * MINUTE)


def doctor(sequence: int, **columns: object) -> None:
    """Rewrites what is stored of the decision of a sequence."""
    Decision.objects.filter(sequence=sequence).update(**columns)


def outcomes() -> list[str]:
    return [one.outcome for one in recompute()]


def test_what_was_decided_is_decided_again_the_same(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    pay(jim, 3)
    found = report()
    assert (str(found), found.differing) == ("4 decisions made again: all the same", 0)


def test_nothing_on_record_is_all_the_same() -> None:
    assert str(report()) == "0 decisions made again: all the same"


def test_a_decision_is_made_again_under_the_text_of_then_whatever_became_of_the_folder(tmp_path: Path) -> None:
    for name, data in pack_files(find_pack("jimcloud")).items():
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data + b"# ours\n" if name == "pack.yaml" else data)
    known_reporter("isp.example.net")
    with_addresses(provider(pack=str(tmp_path / "own")))
    take(signed_complaint("isp.example.net"))
    (tmp_path / "own" / "pack.yaml").write_text("pack: gone\n", encoding="utf-8")
    load_pack.cache_clear()
    assert outcomes() == ["same"]


def test_other_effects_are_told_with_what_was_then_and_what_is_now(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    stored = bytes(Decision.objects.get().effects)
    doctor(1, effects=stored.replace(b'"20.00"', b'"30.00"'))
    [made] = recompute()
    assert made.outcome == "another"
    assert (
        "would be another today: then charge ip 192.0.2.1, fine, 30.00, USD, automatic [jimcloud:3], now" in made.words
    )
    assert "30.00" in made.words.partition("now")[0]
    assert "20.00" in made.words.partition("now")[2]
    assert str(made).startswith(f"docket {made.decided.docket} (jim, service s1), decision 1: ")


def test_the_engine_of_then_is_named_where_it_was_another(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    take(signed_complaint("isp.example.net"))
    doctor(1, effects=b"[]")
    monkeypatch.setattr(audit, "ENGINE_VERSION", NEXT)
    found = report()
    assert str(found) == f"1 decision made again: 0 the same; 1 would be another today ({ENGINES})"
    assert f"({ENGINES}): then nothing, now strike" in found.differences[0]


def test_another_docket_of_the_same_effects_is_the_right_of_another_engine_alone(
    jim: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(signed_complaint("isp.example.net"))
    pay(jim, 1)
    doctor(1, docket_digest=b"\1" * 32)
    assert [(one.outcome, one.is_difference) for one in recompute()] == [("written_otherwise", True), ("same", False)]
    monkeypatch.setattr(audit, "ENGINE_VERSION", NEXT)
    assert report().differing == 0
    assert "to the same effect" in str(report())


def test_what_follows_on_a_difference_is_taken_up_at_the_next_snapshot(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    pay(jim, SNAPSHOT_EVERY + 2)
    doctor(3, effects=b"[]", stimulus=b'{"stimulus":"nonsense"}')
    found = outcomes()
    assert found[:2] == ["same", "same"]
    assert found[2] == "unreadable"
    assert set(found[3:SNAPSHOT_EVERY]) == {"unreached"}
    assert set(found[SNAPSHOT_EVERY:]) == {"same"}
    assert len(found) == SNAPSHOT_EVERY + 3


def test_erased_values_are_counted_and_are_no_difference(jim: Provider) -> None:
    pay(jim, 3)
    doctor(2, salt=b"", stimulus=b"", facts=b"", effects=b"", trace=b"")
    found = report()
    assert found.differing == 0
    assert str(found) == (
        "3 decisions made again: 1 the same; 1 cannot be made again, their values were erased; "
        "1 follow on one of these and were not reached"
    )


def test_a_policy_that_is_not_kept_is_a_difference(jim: Provider) -> None:
    pay(jim, 1)
    doctor(1, pack_digest=b"\7" * 32)
    [made] = recompute()
    assert (made.outcome, made.is_difference) == ("unknown_pack", True)
    assert "the text of its policy (070707070707) is not kept" in str(made)


def test_decisions_of_before_texts_were_kept_are_made_under_the_brands_own_pack(jim: Provider) -> None:
    pay(jim, 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE records_packtext DISABLE TRIGGER append_only")
    PackText.objects.all().delete()
    assert outcomes() == ["same"]


def test_an_engine_that_breaks_is_told_and_not_raised(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    pay(jim, 1)

    def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(audit, "decide", broken)
    [made] = recompute()
    assert (made.outcome, made.words) == ("another", "today's engine breaks on it: KeyError: 'x'")


def test_a_changed_snapshot_shows(jim: Provider) -> None:
    pay(jim, SNAPSHOT_EVERY + 1)
    doctor(SNAPSHOT_EVERY, snapshot=b"{}")
    assert [one.sequence for one in (made.decided for made in recompute() if made.is_difference)] == [SNAPSHOT_EVERY]
    Decision.objects.filter(sequence__lte=SNAPSHOT_EVERY).update(decided_at=NOW - timedelta(days=9))
    assert [one.outcome for one in recompute(NOW)] == ["unreadable", "unreached"]


def test_the_recent_past_begins_at_the_snapshot_before_it(jim: Provider) -> None:
    pay(jim, 2 * SNAPSHOT_EVERY + 3)
    quiet = jim.another("s2", "203.0.113.0/28")
    submit(docket_of(quiet), Payment(1), key="payment:x", at=NOW)
    Decision.objects.filter(docket__service=quiet).update(decided_at=NOW - timedelta(days=9))
    Decision.objects.filter(sequence__lte=2 * SNAPSHOT_EVERY + 1).update(decided_at=NOW - timedelta(days=9))
    assert [(one.decided.sequence, one.outcome) for one in recompute(NOW - timedelta(days=1))] == [
        (2 * SNAPSHOT_EVERY + number, "same") for number in (1, 2, 3)
    ]
    Decision.objects.filter(sequence=SNAPSHOT_EVERY).update(decided_at=NOW)
    assert len(list(recompute(NOW - timedelta(days=1)))) == 2 * SNAPSHOT_EVERY + 3


def test_one_brand_alone(jim: Provider) -> None:
    other = provider("other")
    pay(jim, 1)
    pay(other, 2)
    assert len(list(recompute(brand=other.brand.pk))) == 2
    assert len(list(recompute(NOW - timedelta(days=1), jim.brand.pk))) == 1
