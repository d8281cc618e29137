"""The product's own mails: in each language with all that they say, and in a pack's words where it has some."""

import pytest

from abusedesk.policy.author.lint import lint_files
from abusedesk.policy.notice import placeholders, render
from abusedesk.policy.own_notices import LANGUAGES, OWN, own_notice
from abusedesk.policy.pack import PACKS, find_pack, load_pack, pack_files, pack_from

EACH = [(template, language) for template in OWN for language in LANGUAGES]


@pytest.mark.parametrize(("template", "language"), EACH)
def test_each_is_there_in_each_language_and_asks_only_for_what_is_filled_in(template: str, language: str) -> None:
    text = own_notice(template, language) or ""
    assert text.partition("\n")[2].startswith("\n")
    assert placeholders(text) <= set(OWN[template])
    assert placeholders(text) == placeholders(own_notice(template, "en") or "")


def test_nothing_else_lies_there() -> None:
    found = {(path.stem, path.parent.name) for path in (PACKS / "notices").rglob("*.txt")}
    assert found == set(EACH)


def test_an_empty_value_leaves_no_hole() -> None:
    values = dict.fromkeys(OWN["acknowledgement"], "x") | {"follows": ""}
    _, text = render(load_pack("scalibit"), None, "acknowledgement", "en", values)
    assert "\n\n\n" not in text


def test_a_language_that_nobody_has_falls_back_to_the_packs_first() -> None:
    values = dict.fromkeys(OWN["acknowledgement"], "x")
    assert "Its number is x" in render(load_pack("jimcloud"), None, "acknowledgement", "fr", values)[1]


def with_own(text: str) -> dict[str, bytes]:
    files = pack_files(find_pack("scalibit"))
    return {**files, "notices/en/acknowledgement.txt": text.encode()}


def test_a_pack_may_have_its_own_words() -> None:
    files = with_own("Got it: {reference}\n\nWe have {subject}.\n")
    assert not [one for one in lint_files(files) if one.level == "error"]
    values = dict.fromkeys(OWN["acknowledgement"], "x")
    assert render(pack_from(files), None, "acknowledgement", "en", values) == ("Got it: x", "We have x.\n")


@pytest.mark.parametrize("word", ["customer", "measures", "refernce"])
def test_a_pack_tells_a_reporter_nothing_of_the_customer(word: str) -> None:
    [found] = [one for one in lint_files(with_own(f"Got it\n\n{{{word}}}\n")) if one.level == "error"]
    assert f"nothing fills in {{{word}}}" in str(found)
