"""Break-glass: whoever proposed approves alone where nobody else can be reached, and another person looks at it later.

The policy carries it out under `safeguard:four_eyes` and asks the review in the same transaction. It is answered by
anybody but the person who broke the glass: agreed, or a mistake, which is then put right on the case.
"""

from datetime import datetime
from typing import Literal

from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Decision, Review
from abusedesk.records.reviews import close_review

SETTING = "break_glass"
"""The brand's setting: False forbids it."""

Verdict = Literal["agreed", "mistake"]


def is_allowed(brand: Brand) -> bool:
    """Whether somebody may approve alone what they proposed."""
    return brand.settings.get(SETTING, True) is not False


def who_broke_it(review: Review) -> str:
    """Who approved alone. The review's key names the decision that asked it."""
    docket, sequence, _ = review.key.split(":")
    found = Decision.objects.filter(docket=int(docket), sequence=int(sequence)).values_list("by", flat=True)
    return found.first() or ""


def answer(review: Review, verdict: Verdict, found: str, by: str, now: datetime) -> bool:
    """Another person says what they think of it. False where somebody had said so before.

    Raises Problem for the person who broke the glass.
    """
    if by == who_broke_it(review):
        raise Problem("you approved this alone, so another person looks at it")
    words = "agreed" if verdict == "agreed" else "our mistake"
    return close_review(review, by, now, f"{words}: {found}" if found else words)
