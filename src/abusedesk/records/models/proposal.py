"""What waits for a person's yes or no, and the answers of those whose yes alone is not enough."""

from django.db import models

from abusedesk.records.models.docket import Case, Docket
from abusedesk.records.models.parties import Brand, Customer, Service


class Proposal(models.Model):
    """All that one answer covers (`policy.waiting`): a projection of the docket, kept after it was answered.

    `kind` is `measure`, `charge` or `request`; `name` the measure, item or kind of request; `request` the docket's id
    of a request. `items` are its parts, `mark` changes with any of them. `amount` is in minor units. `proposers` are
    the people who proposed any of it, `barred` those who proposed all. `at` is since when it waits, `changed_at`
    since when as it is now. `answer` is `approved`, `rejected` or `expired`, and empty where it ended by itself.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="proposals")
    docket = models.ForeignKey(Docket, models.CASCADE, related_name="proposals")
    service = models.ForeignKey(Service, models.PROTECT, related_name="proposals")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="proposals")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="proposals")
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=40)
    request = models.CharField(max_length=200, blank=True)
    items = models.JSONField(default=list)
    mark = models.CharField(max_length=16)
    amount = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    clauses = models.JSONField(default=list)
    proposers = models.JSONField(default=list)
    barred = models.JSONField(default=list)
    at = models.DateTimeField()
    changed_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=12, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["docket", "kind", "name", "request"],
                condition=models.Q(closed_at=None),
                name="proposal_waits_once",
            )
        ]
        indexes = [
            models.Index(fields=["at", "id"], condition=models.Q(closed_at=None), name="proposal_waiting"),
            models.Index(fields=["closed_at"], condition=~models.Q(answer=""), name="proposal_answered"),
        ]


class Consent(models.Model):
    """A yes on the way: the next in a chain. It counts for the proposal as it then was, told by `mark`."""

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="consents")
    mark = models.CharField(max_length=16)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    reason = models.CharField(max_length=500)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "mark", "by"], name="consent_once_each")]
