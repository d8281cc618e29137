"""Changed policies that somebody tries on the recorded past."""

import uuid

from django.db import models

from abusedesk.records.models.parties import Brand


class WhatIfRun(models.Model):
    """A changed pack, and what the recorded past would have been under it, once that was asked for.

    `files` are the pack's files by their names, as text; `present` is the digest of the pack that it was changed from.
    `state` is `idle` until a replay is asked for, then `waiting`, `running` and `done` or `failed`. A running one is
    leased by whoever plays it, who writes down how far it is. `always` plays its newest version as if it had been in
    force all along. `result` is a `policy.author.whatif.WhatIf` in JSON.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="what_ifs")
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    title = models.CharField(max_length=300)
    files = models.JSONField()
    digest = models.CharField(max_length=64)
    present = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default="idle")
    since = models.DateTimeField(null=True)
    always = models.BooleanField(default=False)
    asked_at = models.DateTimeField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    result = models.BinaryField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["brand", "-at"], name="what_if_of_brand"),
            models.Index(fields=["asked_at"], condition=models.Q(state__in=["waiting", "running"]), name="what_if_due"),
        ]
