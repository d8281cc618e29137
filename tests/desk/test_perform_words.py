"""The few words of a notice that stand in no template: the same in every language that a notice may have."""

import re
from dataclasses import asdict

import pytest

from abusedesk.desk.perform.words import ENGLISH, LANGUAGES
from abusedesk.vocabulary.measure import MEASURES


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_measure_has_a_word(language: str) -> None:
    assert set(LANGUAGES[language].measures) == set(MEASURES)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_each_phrase_is_said_in_the_language_with_the_same_places(language: str) -> None:
    ours, english = asdict(LANGUAGES[language]), asdict(ENGLISH)
    for name in ("measures", "modes", "on", "none", "events"):
        assert _places(ours[name]) == _places(english[name]), name
    assert ours["measures"].keys() == english["measures"].keys()
    assert not set(ours["measures"].values()) & set(english["measures"].values())


def _places(phrase: object) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", str(phrase)))
