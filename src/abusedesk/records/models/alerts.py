"""Alerts: what is wrong and must reach a person; who is on call, by which ways they are told, and whether they were."""

from django.db import models

from abusedesk.records.models.parties import Brand


class Rota(models.Model):
    """Who is on call when, on one level of a brand; without a brand, of all brands that have no rota of their own.

    `turns` are names in their order, `first` a day in the week of the first turn; the next takes over on `weekday`
    (Monday is 0) at `hour` in `zone`. `stand_ins` are lines as `desk.oncall.rota` reads them. Who was told on this
    level and acknowledges nothing for `minutes` is followed by the next level.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, null=True, blank=True, related_name="rotas")
    level = models.PositiveSmallIntegerField(default=1)
    turns = models.JSONField(default=list)
    first = models.DateField()
    weekday = models.PositiveSmallIntegerField(default=0)
    hour = models.PositiveSmallIntegerField(default=9)
    zone = models.CharField(max_length=60, default="UTC")
    stand_ins = models.TextField(blank=True)
    minutes = models.PositiveSmallIntegerField(default=15)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "level"], name="rota_of_level", nulls_distinct=False),
        ]


class Way(models.Model):
    """A way to a person: a mailbox, a webhook, a chat. Without a `person` it is the team's.

    A person's ways are tried in the order of `position`. `options` are what its kind needs (`actuators.alarm`), secrets
    among them. `worked_at` is when it last took an alert, `error` what it said last where it did not.
    """

    name = models.CharField(max_length=80, unique=True)
    person = models.CharField(max_length=150, blank=True)
    kind = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    position = models.PositiveSmallIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    worked_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """One thing that is wrong, from when it was seen until it was over. Open, there is one for each `key`.

    `things` are the ids of what it speaks of; `times` counts how often it began or grew. `level` is how many levels
    were told since then, `escalates_at` when the next is, None where nobody is to be told any more.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=200)
    severity = models.CharField(max_length=8)
    summary = models.CharField(max_length=300)
    link = models.CharField(max_length=200, blank=True)
    things = models.JSONField(default=list)
    times = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    level = models.PositiveSmallIntegerField(default=0)
    escalates_at = models.DateTimeField(null=True)
    over_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(over_at=None), name="alert_open_once"),
        ]
        indexes = [models.Index(fields=["-opened_at"], name="alert_by_time")]

    def __str__(self) -> str:
        return self.summary


class Telling(models.Model):
    """One alert told to one person, or to the team where `person` is empty: leased, tried by way after way.

    `state` is `pending`, `done`, `failed` or `dropped` (acknowledged or over before anything took it); `place` the way
    whose turn it is, `way` the one that took it, `receipts` what each said. `over` tells that the alert is over, to
    whoever was told that it began.
    """

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="tellings")
    key = models.CharField(max_length=200, unique=True)
    person = models.CharField(max_length=150, blank=True)
    over = models.BooleanField(default=False)
    state = models.CharField(max_length=8, default="pending")
    place = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    due = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    way = models.CharField(max_length=80, blank=True)
    receipts = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["due"], condition=models.Q(state="pending"), name="telling_due")]
