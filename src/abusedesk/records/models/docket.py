"""What was decided and why: dockets, decisions, cases, strikes, the timeline, checkpoints of the chain."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from abusedesk.records.models.parties import Brand, Customer, Service


class Docket(models.Model):
    """The policy's state of one service, or of the brand itself (service None) for what nobody held.

    `state` is the docket in canonical JSON after decision `sequence`; `head` the last link of its hash chain.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="dockets")
    service = models.OneToOneField(Service, models.PROTECT, null=True, related_name="docket")
    sequence = models.BigIntegerField(default=0)
    state = models.BinaryField()
    digest = models.BinaryField()
    head = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand"], condition=models.Q(service=None), name="one_docket_for_the_brand_itself"
            )
        ]


class Decision(models.Model):
    """One decision, append-only. Everything that it was made from is here, so that it can be recomputed.

    `key` names the stimulus (`report:<id>`, `deadline:<id>`, …): one stimulus moves one docket once.
    `hash` covers `previous` and `salted`, the digest of the rest with `salt`: values and salt can be erased, and the
    chain still holds.
    """

    docket = models.ForeignKey(Docket, models.PROTECT, related_name="decisions")
    sequence = models.BigIntegerField()
    key = models.CharField(max_length=200)
    at = models.DateTimeField()
    decided_at = models.DateTimeField()
    by = models.CharField(max_length=150, blank=True)
    stimulus = models.BinaryField()
    facts = models.BinaryField()
    pack_digest = models.BinaryField()
    pack_version = models.CharField(max_length=40, blank=True)
    engine_version = models.PositiveIntegerField()
    docket_digest = models.BinaryField()
    effects = models.BinaryField()
    trace = models.BinaryField()
    snapshot = models.BinaryField(null=True)
    salt = models.BinaryField()
    salted = models.BinaryField()
    previous = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["docket", "sequence"], name="decision_sequence"),
            models.UniqueConstraint(fields=["docket", "key"], name="decision_once_per_stimulus"),
        ]
        # Decisions lie in the table as they were made, so that a small index of stretches finds the recent ones.
        indexes = [BrinIndex(fields=["decided_at"], name="decision_by_time")]


class Case(models.Model):
    """The open file on one service and one abuse type.

    `needs` lists what a person must do (`review:verify_report`, `proposal:suspend`, `failed:null_route`); the queue is
    the cases where it is not empty. `next_due` is the nearest open deadline.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="cases")
    service = models.ForeignKey(Service, models.PROTECT, related_name="cases")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="cases")
    abuse_type = models.CharField(max_length=60)
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    occurrences = models.PositiveIntegerField(default=0)
    reports = models.PositiveIntegerField(default=0)
    events = models.PositiveIntegerField(default=0)
    open = models.BooleanField(default=True)
    needs = ArrayField(models.CharField(max_length=80), default=list)
    next_due = models.DateTimeField(null=True)
    next_due_name = models.CharField(max_length=30, blank=True)
    taken_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "abuse_type"], name="case_of_service")]
        indexes = [
            models.Index(fields=["last_at"], condition=~models.Q(needs=[]), name="case_queue"),
            models.Index(fields=["next_due", "id"], condition=~models.Q(needs=[]), name="case_queue_due"),
            models.Index(fields=["brand", "next_due", "id"], condition=~models.Q(needs=[]), name="case_queue_brand"),
            models.Index(fields=["brand", "last_at"], name="case_by_brand"),
        ]


class Strike(models.Model):
    """An occurrence that counts, as projected from the docket; `occurrence` is its id there."""

    docket = models.ForeignKey(Docket, models.CASCADE, related_name="strikes")
    case = models.ForeignKey(Case, models.CASCADE, related_name="strikes")
    occurrence = models.CharField(max_length=40)
    abuse_type = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    lapses_at = models.DateTimeField(null=True)
    annulled_at = models.DateTimeField(null=True)
    clauses = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["docket", "occurrence"], name="strike_of_occurrence")]


class TimelineEntry(models.Model):
    """A line of a docket's story: what came in, what the policy ordered, what the outside answered.

    `kind` is a stimulus or an effect in DESIGN's words, or `carried_out`, `failed`, `drifted`, `staff`; `body` its
    particulars.
    """

    id = models.BigAutoField(primary_key=True)
    retention = models.CharField(max_length=40, default="standard")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    docket_id = models.BigIntegerField()
    case_id = models.BigIntegerField(null=True)
    decision_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=40)
    body = models.JSONField(default=dict)
    clauses = models.JSONField(default=list)
    by = models.CharField(max_length=150, blank=True)

    class Meta:
        managed = False
        db_table = "records_timeline"


class Checkpoint(models.Model):
    """A signed statement of every docket's head at an instant, to be kept elsewhere."""

    at = models.DateTimeField()
    dockets = models.BigIntegerField()
    root = models.BinaryField()
    signature = models.BinaryField()
