"""The clauses that a page cites stand in the words by which it was decided."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk.policy.pack import load_pack
from abusedesk.records.models import Brand
from abusedesk.records.packs import keep
from abusedesk.web.clauses import of_brand, of_decisions
from abusedesk.web.story import Under
from tests.desk.estate import provider

EXAMPLE = load_pack(str(Path(__file__).parents[2] / "docs/how-to/example-pack"))
FEE = "nordlicht:4"
FROM = "From the second breach on, while there are points, we charge a fee of"
OLD, NEW = f"{FROM} 25.00 EUR for each breach.", f"{FROM} 30.00 EUR for each breach."
JUNE, JULY = datetime(2026, 6, 30, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def nordlicht(db: None) -> Brand:
    keep([EXAMPLE])
    return provider("nordlicht", pack=str(Path(__file__).parents[2] / "docs/how-to/example-pack")).brand


def test_words_are_those_of_the_decisions_the_newest_first(nordlicht: Brand) -> None:
    both = [Under(EXAMPLE.digest, "2026-07"), Under(EXAMPLE.digest, "2026-01"), Under(EXAMPLE.digest, "2026-07")]
    (one,) = of_decisions(nordlicht, [FEE], {FEE: both}, JULY)
    assert (one.text, one.otherwise) == (NEW, (("2026-01", OLD),))
    (one,) = of_decisions(nordlicht, [FEE], {FEE: both[1:2]}, JULY)
    assert (one.text, one.otherwise) == (OLD, ())


def test_without_a_decision_at_hand_they_are_those_of_the_day(nordlicht: Brand) -> None:
    lost = {FEE: [Under("00" * 32, "2026-07")]}
    assert [of_decisions(nordlicht, [FEE], cited, JUNE)[0].text for cited in ({}, lost)] == [OLD, OLD]
    assert [of_brand(nordlicht, [FEE], at)[0].text for at in (JUNE, JULY)] == [OLD, NEW]
