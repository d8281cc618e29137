"""What customers dispute, what the provider found to be its own mistake, and how long a service was away by it."""

from django.db import models

from abusedesk.records.models.docket import Case, Docket
from abusedesk.records.models.orders import Measure
from abusedesk.records.models.parties import Brand, Customer, Service


class Appeal(models.Model):
    """A customer disputes a strike, a charge or a measure.

    `item` is the docket's id of it (of a strike, its occurrence), `about` says it in words, `said` are the customer's,
    `via` how they came (`mail`, `telephone`, `ticket`), `since` when. `paused` are the deadlines that stand still
    meanwhile (`policy.stimulus.OfDeadline`), `held` a report of each occurrence whose later ones do. `outcome` is empty
    while it is open, then `upheld`, `granted`, `partly`: upheld means that what is disputed stands.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="appeals")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="appeals")
    docket = models.ForeignKey(Docket, models.CASCADE, related_name="appeals")
    case = models.ForeignKey(Case, models.CASCADE, related_name="appeals")
    key = models.CharField(max_length=64, unique=True)
    what = models.CharField(max_length=10)
    item = models.CharField(max_length=40)
    about = models.CharField(max_length=300)
    said = models.TextField()
    via = models.CharField(max_length=12)
    since = models.DateTimeField()
    due = models.DateTimeField()
    entered_by = models.CharField(max_length=150)
    entered_at = models.DateTimeField()
    paused = models.JSONField(default=list)
    held = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due", "id"], condition=models.Q(outcome=""), name="appeal_open"),
            models.Index(fields=["-decided_at", "id"], name="appeal_decided"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["docket", "what", "item"], condition=models.Q(outcome=""), name="appeal_once_at_a_time"
            )
        ]


class Mistake(models.Model):
    """A mistake of the provider's, undone by one action of staff.

    `wrong` says what was wrong (`report`, `customer`, `measure`, `policy`), `said` line by line what followed, as it
    was shown before. `steps` are all stimuli that it takes (`{"docket": …, "stimulus": …}`), of which the first `done`
    were decided; `finished_at` is set with the last, when the letter is ordered too. `verdict` is the outcome of the
    `appeal` that it grants.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="mistakes")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="mistakes")
    case = models.ForeignKey(Case, models.CASCADE, related_name="mistakes")
    key = models.CharField(max_length=64, unique=True)
    wrong = models.CharField(max_length=12)
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    said = models.JSONField(default=list)
    steps = models.JSONField(default=list)
    done = models.PositiveIntegerField(default=0)
    letter = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)
    appeal = models.ForeignKey(Appeal, models.SET_NULL, null=True, related_name="mistakes")
    verdict = models.CharField(max_length=10, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["at"], condition=models.Q(finished_at=None), name="mistake_unfinished"),
            models.Index(fields=["brand", "-at"], name="mistake_by_brand"),
        ]


class Downtime(models.Model):
    """How long a customer was without a service, or without a part of it, by a mistake of the provider's.

    From when the measure was read back as in force until it was read back as lifted; `until` is None while it is not.
    """

    mistake = models.ForeignKey(Mistake, models.CASCADE, related_name="downtimes")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    measure = models.ForeignKey(Measure, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=20)
    ip = models.GenericIPAddressField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["measure"], condition=models.Q(until=None), name="downtime_runs")]


class TelephoneLift(models.Model):
    """An agent lifted a measure on the telephone; counted apart, so that a day's decisions need not be looked through.

    `key` is that of the decision.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    key = models.CharField(max_length=100, unique=True)

    class Meta:
        indexes = [models.Index(fields=["by", "at"], name="telephone_lift_by_agent")]
