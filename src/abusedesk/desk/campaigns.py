"""Campaigns: many reporters whom nothing vouches for, against one customer, within a short time.

A false complaint costs its writer nothing. One by one such reports are forwarded and put before a person; fifty of them
together are put up as what they are, once, and can be rejected together. What they are worth does not change.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from abusedesk.desk.correlate import Telling
from abusedesk.desk.enact import Move, enact
from abusedesk.policy.stimulus import Verification
from abusedesk.records import models
from abusedesk.records.bulk import give_rows
from abusedesk.records.holders import holders, lock_version
from abusedesk.vocabulary.category import ILLEGAL_CONTENT

REASON = "campaign"
REPORTERS, HOURS = 20, 24
"""What makes a campaign where the brand says nothing else (settings `campaign_reporters`, `campaign_hours`)."""

BATCH = 100
"""So many reports are rejected in one transaction."""

# One statement a batch: remembers who spoke about whom, forgets who fell silent, and tells where too many spoke. Rows
# that it writes itself it does not see, so those told of are counted beside those that stood there.
_WATCH = """
WITH told AS (
    SELECT service.customer_id AS customer, report.reporter_id AS reporter, max(report.received_at) AS at,
           max(report.received_at)
               - make_interval(hours => max(COALESCE((brand.settings->>'campaign_hours')::int, row.hours))) AS since,
           max(COALESCE((brand.settings->>'campaign_reporters')::int, row.enough)) AS enough
    FROM json_to_recordset(%s::json) AS row(report uuid, service bigint, hours int, enough int)
    JOIN records_service service ON service.id = row.service
    JOIN records_brand brand ON brand.id = service.brand_id
    JOIN records_report report ON report.id = row.report
    GROUP BY 1, 2 ORDER BY 1, 2),
about AS (SELECT customer, min(since) AS since, max(enough) AS enough FROM told GROUP BY 1),
kept AS (
    INSERT INTO records_doubtedvoice AS known (customer_id, reporter_id, last_at)
    SELECT customer, reporter, at FROM told
    ON CONFLICT (customer_id, reporter_id) DO UPDATE SET last_at = GREATEST(known.last_at, EXCLUDED.last_at)),
silent AS (
    DELETE FROM records_doubtedvoice voice USING about
    WHERE voice.customer_id = about.customer AND voice.last_at < about.since
      AND NOT EXISTS (SELECT FROM told
                      WHERE (told.customer, told.reporter) = (voice.customer_id, voice.reporter_id)))
SELECT about.customer, about.since, count(DISTINCT voice.reporter) FROM about
JOIN (SELECT customer, reporter, at FROM told
      UNION ALL
      SELECT customer_id, reporter_id, last_at FROM records_doubtedvoice
      WHERE customer_id IN (SELECT customer FROM about)) voice
ON voice.customer = about.customer AND voice.at >= about.since
GROUP BY about.customer, about.since, about.enough HAVING count(DISTINCT voice.reporter) >= about.enough
"""

_JOIN = """
UPDATE records_report report SET campaign_id = campaign.id
FROM records_campaign campaign
WHERE campaign.customer_id = ANY(%s) AND campaign.closed_at IS NULL
  AND report.campaign_id IS NULL AND report.assurance = 'unverified' AND report.rejected_at IS NULL
  AND report.suppression_id IS NULL AND report.received_at >= campaign.since
  AND report.id IN (SELECT event.report_id FROM records_event event JOIN records_case one ON one.id = event.case_id
                    WHERE one.customer_id = campaign.customer_id AND event.received_at >= campaign.since)
"""


class Flood(NamedTuple):
    """A customer about whom so many unproven reporters spoke since an instant."""

    customer: int
    since: datetime
    reporters: int


def watch(told: Iterable[Telling], now: datetime) -> None:
    """Notes who spoke without proof about whom, and puts a campaign up where too many did."""
    doubted = {(one.complaint.id, one.service) for one in told if _is_doubted(one)}
    rows = [
        {"report": report, "service": service, "hours": HOURS, "enough": REPORTERS}
        for report, service in sorted((str(report), service) for report, service in doubted)
    ]
    floods = [Flood(*row) for row in give_rows(_WATCH, rows)]
    if floods:
        _put_up(floods, now)


def standing_reports(campaign: models.Campaign) -> "QuerySet[models.Report]":
    """The campaign's reports that are as doubtful as they were: neither rejected nor believed since."""
    return campaign.reports.filter(rejected_at=None, assurance="unverified")


def reject(campaign: models.Campaign, by: str, now: datetime) -> int:
    """Rejects every report of a campaign that still stands in doubt, and closes it. Returns how many were rejected.

    Each is an ordinary rejection, in batches of transactions: what broke off goes on when it is asked for again.
    """
    rejected = 0
    while batch := list(standing_reports(campaign).order_by("received_at", "pk").values_list("pk", flat=True)[:BATCH]):
        rejected += _reject([str(one) for one in batch], by, now)
    close(campaign, by, now, f"{rejected} reports rejected together", rejected)
    return rejected


def close(campaign: models.Campaign, by: str, now: datetime, answer: str, rejected: int = 0) -> None:
    """Closes a campaign with its review. Who spoke in it is counted afresh from here on."""
    with transaction.atomic():
        models.Campaign.objects.filter(pk=campaign.pk, closed_at=None).update(
            closed_at=now, closed_by=by, answer=answer, rejected=rejected
        )
        models.Review.objects.filter(key=_key(campaign), closed_at=None).update(
            closed_at=now, closed_by=by, answer=answer
        )
        models.DoubtedVoice.objects.filter(customer=campaign.customer_id).delete()


def of_review(review: models.Review) -> models.Campaign | None:
    """The campaign that a review puts up."""
    number = review.key.removeprefix(f"{REASON}:")
    return models.Campaign.objects.filter(pk=number).first() if number.isdigit() else None


def _key(campaign: models.Campaign) -> str:
    return f"{REASON}:{campaign.pk}"


def _is_doubted(telling: Telling) -> bool:
    one = telling.complaint
    doubtful = one.assurance == "unverified" and one.covered is None and one.category not in ILLEGAL_CONTENT
    return doubtful and telling.service is not None


def _put_up(floods: Sequence[Flood], now: datetime) -> None:
    """Opens the campaigns that are not open yet, with a review each, and gives them their reports."""
    customers = models.Customer.objects.in_bulk([one.customer for one in floods])
    models.Campaign.objects.bulk_create(
        [
            models.Campaign(
                brand_id=customers[one.customer].brand_id, customer_id=one.customer, since=one.since, opened_at=now
            )
            for one in sorted(floods)
        ],
        ignore_conflicts=True,
    )
    opened = models.Campaign.objects.filter(customer__in=customers, closed_at=None).select_related("customer")
    models.Review.objects.bulk_create(map(_review, opened), ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, [sorted(customers)])


def _review(campaign: models.Campaign) -> models.Review:
    return models.Review(
        brand_id=campaign.brand_id,
        key=_key(campaign),
        reason=REASON,
        detail=f"Many reporters whom nothing vouches for complain of {campaign.customer}.",
        opened_at=campaign.opened_at,
    )


def _reject(reports: Sequence[str], by: str, now: datetime) -> int:
    with transaction.atomic():
        lock_version()
        enact(list(_rejections(reports, by, now)), holders())
        # What no docket heard of, since it was gone by then, is rejected all the same.
        models.Report.objects.filter(pk__in=reports, rejected_at=None).update(rejected_at=now, rejected_by=by)
    return len(reports)


def _rejections(reports: Sequence[str], by: str, now: datetime) -> Iterator[Move]:
    heard = models.Event.objects.filter(report_id__in=reports).exclude(case_id=None)
    dockets = dict(models.Docket.objects.filter(service__in=heard.values("service_id")).values_list("service_id", "pk"))
    pairs = set(heard.values_list("report_id", "service_id"))
    for report, service in sorted((str(report), service) for report, service in pairs if service in dockets):
        stimulus = Verification(report, rejected=True, by=by)
        yield Move(dockets[service or 0], stimulus, f"campaign:{report}", now, by)
