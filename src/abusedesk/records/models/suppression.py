"""What is kept down: suppressions of the operator's, and campaigns of many unproven reporters on one customer."""

from django.db import models
from django.db.models import Q

from abusedesk.records.models.fields import OptionalPrefixField
from abusedesk.records.models.parties import Brand, Customer, Service


class Suppression(models.Model):
    """Reports that the operator knows to be no abuse (`vocabulary.suppression.Suppression`).

    Of prefix, service, sender, category and port all that it names must fit. `kind` says what it is about (a scanner, a
    Tor exit), `owner` who answers for it. `until` is None where it was said to have no end; `ended_by` is empty where
    it ran out. `revision` grows with each change, so that a worker sees when what it remembers is stale.
    """

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, default="other")
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="suppressions")
    prefix = OptionalPrefixField(null=True)
    service = models.ForeignKey(Service, models.CASCADE, null=True, related_name="suppressions")
    sender = models.CharField(max_length=320, blank=True)
    category = models.CharField(max_length=60, blank=True)
    port = models.PositiveIntegerField(null=True)
    effect = models.CharField(max_length=20)
    reason = models.TextField()
    owner = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    revision = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class SuppressionChange(models.Model):
    """One change of a suppression, kept for good: `before` is what it was, None where it was added."""

    suppression = models.ForeignKey(Suppression, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=20)
    before = models.JSONField(null=True)


class SuppressionHit(models.Model):
    """What a suppression caught on one day about one service, 0 where nobody held the address."""

    suppression = models.ForeignKey(Suppression, models.CASCADE, related_name="hits")
    service_id = models.BigIntegerField(default=0)
    day = models.DateField()
    reports = models.PositiveBigIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()
    last_message = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["suppression", "service_id", "day"], name="suppression_hit_day")]
        indexes = [models.Index(fields=["service_id", "last_at"], name="suppression_hit_service")]


class DoubtedVoice(models.Model):
    """A reporter whom nothing vouches for spoke about a customer, last at `last_at`: by these a campaign is seen."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    reporter_id = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "reporter_id"], name="doubted_voice")]


class Campaign(models.Model):
    """Many reporters whom nothing vouches for complained of one customer within a short time.

    Its reports are those that name it (`Report.campaign`); a customer has one open campaign at a time. `answer` is what
    staff found, `rejected` how many reports they rejected with it.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="campaigns")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="campaigns")
    since = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    answer = models.TextField(blank=True)
    rejected = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(closed_at=None), name="one_open_campaign")
        ]
