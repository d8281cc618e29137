"""Questions to people, and what a case shows of them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from abusedesk.records.models import Review

_REFRESH = """
UPDATE records_case SET needs = ARRAY(SELECT need FROM unnest(needs) need WHERE need NOT LIKE 'review:%%')
    || ARRAY(SELECT DISTINCT 'review:' || reason FROM records_review
             WHERE records_review.case_id = records_case.id AND closed_at IS NULL)
WHERE id = ANY(%s)
"""


def refresh_needs(cases: Sequence[int]) -> None:
    """Brings what cases need of a person up to date with their open reviews."""
    if cases:
        with connection.cursor() as cursor:
            cursor.execute(_REFRESH, [list(cases)])


@transaction.atomic
def close_review(review: Review, by: str, at: datetime, answer: str) -> bool:
    """Closes a review with what the person found. False when somebody else had closed it."""
    closed = Review.objects.filter(pk=review.pk, closed_at=None).update(closed_at=at, closed_by=by, answer=answer)
    if closed and review.case_id is not None:
        refresh_needs([review.case_id])
    return bool(closed)
