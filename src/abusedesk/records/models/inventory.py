"""Who says who holds what: inventories, what each said last, what changed because of it, and where two contradict."""

from datetime import timedelta

from django.db import models

from abusedesk.records.models.fields import PrefixField
from abusedesk.records.models.parties import Brand

DAY = timedelta(days=1)


class Inventory(models.Model):
    """A system that knows customers, services or assignments of a brand, and how it does.

    `options` are what its driver was told, secrets among them. `rank_customers`, `rank_services` and
    `rank_assignments` say how early it is believed about each, 1 first; None: not at all.

    `fresh_at` is the instant of the last reading whose difference stands in the records, `claims` what it said then
    (`vocabulary.claims.Claims`, deflated). After `fresh_for` without another one it is stale; None: never.
    `unread` maps the ids of services about which it could not be asked then to the instant when it last could.

    `mass_percent` and `mass_rows` are the limits beyond which a difference waits for a person; `asks_always` makes
    each one wait. `wanted_at` is set when somebody asked for a comparison out of turn.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="inventories")
    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=120, unique=True)
    enabled = models.BooleanField(default=True)
    options = models.JSONField(default=dict)
    hook_secret = models.CharField(max_length=200, blank=True)
    every = models.DurationField(default=timedelta(hours=1))
    fresh_for = models.DurationField(null=True, default=DAY)
    rank_customers = models.PositiveSmallIntegerField(null=True)
    rank_services = models.PositiveSmallIntegerField(null=True)
    rank_assignments = models.PositiveSmallIntegerField(null=True)
    mass_percent = models.PositiveSmallIntegerField(default=10)
    mass_rows = models.PositiveIntegerField(default=100)
    asks_always = models.BooleanField(default=False)
    fresh_at = models.DateTimeField(null=True)
    unread = models.JSONField(default=dict)
    claims = models.BinaryField(null=True)
    wanted_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Comparison(models.Model):
    """One reading of an inventory held against the records, where it differed.

    `state` is `waiting` (a person is to look), `applied`, `rejected`, `replaced` (by a later reading) or `undone`.
    `why` says in words why a person was asked. `difference` and, once applied, `made` are JSON (`desk.inventory`).
    `digest` names the difference: who approves has seen exactly that one. `claims` are kept while it may yet be
    written.
    """

    inventory = models.ForeignKey(Inventory, models.CASCADE, related_name="comparisons")
    state = models.CharField(max_length=12)
    read_at = models.DateTimeField()
    why = models.TextField(blank=True)
    figures = models.JSONField(default=dict)
    claims = models.BinaryField()
    difference = models.BinaryField()
    made = models.BinaryField(null=True)
    digest = models.CharField(max_length=64)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["inventory"], condition=models.Q(state="waiting"), name="one_waiting_comparison"
            )
        ]


class Contradiction(models.Model):
    """Two claims that cannot both be true. `fact` is `holder`, `customer` or `running`, `subject` what it is about.

    `claims` are `[{"inventory": id, "name": …, "value": …}]`, `standing` the value that holds meanwhile and `reason`
    why. A person's `choice` holds as long as the claims stay these; `ended_at` is set when they agree.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="contradictions")
    fact = models.CharField(max_length=20)
    subject = models.CharField(max_length=120)
    claims = models.JSONField(default=list)
    standing = models.CharField(max_length=120, blank=True)
    reason = models.TextField(blank=True)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    choice = models.CharField(max_length=120, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "fact", "subject"],
                condition=models.Q(ended_at=None),
                name="one_open_contradiction",
            )
        ]


class OwnPrefix(models.Model):
    """A prefix that is the brand's own, whether anybody holds it or not; typed in, or told by an inventory."""

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="own_prefixes")
    prefix = PrefixField()
    inventory = models.ForeignKey(Inventory, models.CASCADE, null=True, related_name="own_prefixes")
    added_by = models.CharField(max_length=150, blank=True)
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "prefix"], name="own_prefix")]
