"""The page on assurance says what the grading function does."""

from pathlib import Path

import pytest

from abusedesk.vocabulary.assurance import ASSURANCES
from abusedesk.vocabulary.assurance_table import SITUATIONS, page
from abusedesk.vocabulary.evidence import Evidence, grade

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "assurance.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make assurance`"


def test_every_assurance_and_every_kind_of_evidence_is_on_it() -> None:
    assert {grade(one.evidence)[0] for one in SITUATIONS} == set(ASSURANCES)
    for name in ("signed_by", "forwarded_by", "key", "api_key", "feed", "sensor", "listing", "spf", "muted", "dkim"):
        assert any(getattr(one.evidence, name) for one in SITUATIONS), name
    for name in ("time_doubt", "record_doubt"):
        assert any(getattr(one.evidence, name) for one in SITUATIONS), name


@pytest.mark.parametrize("one", SITUATIONS, ids=lambda one: one.words)
def test_each_row_is_one_line(one: tuple[str, Evidence]) -> None:
    assert "|" not in one[0] + grade(one[1])[1]
