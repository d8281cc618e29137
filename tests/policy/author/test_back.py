"""What a changed pack rewrites of versions already in force."""

from datetime import UTC, datetime

import pytest

from abusedesk.policy.author.back import reaches_back
from abusedesk.policy.author.change import new_version
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Pack, find_pack, load_pack, pack_files, pack_from

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SOON = datetime(2026, 5, 1, tzinfo=UTC)
FILES = pack_files(find_pack("jimcloud"))
TEXT = FILES["pack.yaml"].decode()
REPLY = "reply_period: {clause: 8.b, values: {2022-06-07: PT6H"


def pack(text: str) -> Pack:
    return pack_from({**FILES, "pack.yaml": text.encode()})


def swapped(was: str, becomes: str, text: str = TEXT) -> Pack:
    assert was in text
    return pack(text.replace(was, becomes, 1))


def back(before: Pack, after: Pack, now: datetime = NOW, settings: Settings | None = None) -> list[str]:
    return reaches_back(before, after, settings or Settings(), now)


def test_a_new_version_from_a_date_to_come_reaches_nothing() -> None:
    assert back(load_pack("jimcloud"), pack(new_version(TEXT, SOON, {"reply_period": "PT4H"}))) == []


def test_the_same_version_reaches_back_once_its_date_has_come() -> None:
    changed = pack(new_version(TEXT, SOON, {"reply_period": "PT4H"}))
    [said] = back(load_pack("jimcloud"), changed, now=SOON)
    assert said.startswith("a new version '2026-05-01' is in force from 2026-05-01")


def test_a_value_of_a_version_in_force_is_told_with_its_clause() -> None:
    changed = pack(new_version(TEXT, SOON, {"reply_period": "PT4H"}))
    rewritten = pack(new_version(TEXT, SOON, {"reply_period": "PT4H"}).replace(REPLY, REPLY.replace("6H", "5H")))
    assert back(changed, rewritten) == [
        "in the version '2022-06-07': 8.b: the reply period is 5 hours instead of 6 hours"
    ]


def test_what_two_versions_share_is_told_once() -> None:
    both = pack(new_version(TEXT, datetime(2025, 1, 1, tzinfo=UTC), {"spam_fine": '"25.00"'}))
    text = new_version(TEXT, datetime(2025, 1, 1, tzinfo=UTC), {"spam_fine": '"25.00"'})
    changed = swapped("acts_on: authenticated", "acts_on: verified", text)
    [said] = back(both, changed)
    assert said.startswith("in the versions '2022-06-07' and '2025-01-01': ")


def test_a_version_in_force_that_is_gone_or_dated_otherwise_is_told() -> None:
    earlier = swapped("from: 2022-06-07", "from: 2023-06-07")
    assert back(load_pack("jimcloud"), earlier) == [
        "the version '2022-06-07' is in force from 2023-06-07 instead of in force from 2022-06-07"
    ]
    two = pack(new_version(TEXT, datetime(2025, 1, 1, tzinfo=UTC), {}))
    assert back(two, load_pack("jimcloud")) == ["the version '2025-01-01', in force from 2025-01-01, is gone"]


def test_a_version_to_come_may_go_or_change() -> None:
    planned = pack(new_version(TEXT, SOON, {"reply_period": "PT4H"}))
    assert back(planned, load_pack("jimcloud")) == []
    assert back(planned, pack(new_version(TEXT, SOON, {"reply_period": "PT3H"}))) == []


@pytest.mark.parametrize("part", ["words", "notice"])
def test_other_words_reach_nothing(part: str) -> None:
    files = dict(FILES)
    if part == "words":
        files["pack.yaml"] = TEXT.replace("title: First attack", "title: The first attack").encode()
    else:
        files["notices/en/complaint.txt"] += b"\nWith kind regards\n"
    changed = pack_from(files)
    assert changed.digest != load_pack("jimcloud").digest
    assert back(load_pack("jimcloud"), changed) == []


def test_a_version_without_a_date_is_in_force_from_the_operators() -> None:
    scalibit = pack_files(find_pack("scalibit"))
    text = scalibit["pack.yaml"].decode()
    name = load_pack("scalibit").versions[0].id
    changed = pack_from({**scalibit, "pack.yaml": text.replace("acts_on: corroborated", "acts_on: verified").encode()})
    assert changed.digest != load_pack("scalibit").digest
    assert back(load_pack("scalibit"), changed) == []
    dated = Settings(in_force_from=datetime(2025, 1, 1, tzinfo=UTC))
    [said] = back(load_pack("scalibit"), changed, settings=dated)
    assert said.startswith(f"in the version {name!r}: ")
