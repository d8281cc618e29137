"""Notices: filled whole, in the customer's language, or refused."""

import pytest

from abusedesk.policy.notice import PLACEHOLDERS, placeholders, render
from abusedesk.policy.pack import load_pack
from abusedesk.problem import Problem

VALUES = {name: f"<{name}>" for name in PLACEHOLDERS if name not in {"policy", "remediation"}} | {"abuse_type": "spam"}


@pytest.mark.parametrize(
    ("name", "language", "template"),
    [(name, *key) for name in ("jimcloud", "scalibit") for key in sorted(load_pack(name).content.templates)],
)
def test_nothing_is_left_unfilled(name: str, language: str, template: str) -> None:
    pack = load_pack(name)
    subject, text = render(pack, pack.versions[0], template, language, VALUES)
    assert subject
    assert "\n" not in subject
    assert placeholders(subject + text) == set()


def test_what_is_asked_is_said_in_the_notice_s_language() -> None:
    pack = load_pack("jimcloud")
    _, text = render(pack, None, "complaint", "zh-Hans", VALUES)
    assert "解除绑定" in text


def test_a_language_that_the_pack_has_not_falls_back_to_its_first() -> None:
    pack = load_pack("scalibit")
    assert render(pack, None, "advisory", "fr", VALUES) == render(pack, None, "advisory", "en", VALUES)


def test_a_missing_value_is_refused_by_name() -> None:
    values = {key: value for key, value in VALUES.items() if key != "due"}
    with pytest.raises(Problem, match=r"needs a value for \{due\}"):
        render(load_pack("jimcloud"), None, "complaint", "en", values)


def test_an_unknown_template_is_answered_with_those_there_are() -> None:
    with pytest.raises(Problem, match="has no notice template 'welcome'; it has advisory"):
        render(load_pack("scalibit"), None, "welcome", "en", VALUES)


def test_a_value_is_never_read_as_a_placeholder() -> None:
    _, text = render(load_pack("jimcloud"), None, "complaint", "en", VALUES | {"complaint": "see {customer}"})
    assert "see {customer}" in text


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_a_pack_of_the_product_has_every_notice_and_remediation_in_each_of_its_languages(name: str) -> None:
    content = load_pack(name).content
    assert list(content.languages) == ["en", "zh-Hans"]
    english = {template for language, template in content.templates if language == "en"}
    assert english == {template for language, template in content.templates if language == "zh-Hans"}
    for template in english:
        assert placeholders(content.templates["en", template]) == placeholders(content.templates["zh-Hans", template])
    for one in content.abuse_types.values():
        assert not one.remediation or {"en", "zh-Hans"} <= set(one.remediation)
