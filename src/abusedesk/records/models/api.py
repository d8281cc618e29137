"""The HTTP API: the keys of those who may use it, and the answers kept so that a request sent twice counts once."""

from django.db import models

from abusedesk.records.models.intake import Reporter
from abusedesk.records.models.parties import Brand


class ApiKey(models.Model):
    """A key of the HTTP API, shown once when it is made. Only the SHA-256 of its secret is kept, and its first letters.

    `label` says whose it is in people's words; for sensors and upstreams it is the name under which they are known.
    `scopes` are of `records.keys.SCOPES`. What comes under it with no `brand` goes to the brand of whoever held the
    address. `busy_until` is when what it sent so far would have been sent at `per_minute` reports a minute.
    """

    digest = models.BinaryField(unique=True)
    hint = models.CharField(max_length=20)
    label = models.CharField(max_length=120)
    reporter = models.ForeignKey(Reporter, models.PROTECT, null=True, related_name="api_keys")
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="api_keys")
    scopes = models.JSONField(default=list)
    per_minute = models.PositiveIntegerField(default=600)
    busy_until = models.DateTimeField(null=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150, blank=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return f"{self.label} ({self.hint}…)"


class ApiAnswer(models.Model):
    """What was answered under an idempotency key: the same request sent again gets it again.

    `digest` is of the request's path and body.
    """

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="answers")
    name = models.CharField(max_length=255)
    digest = models.BinaryField()
    at = models.DateTimeField(db_index=True)
    answer = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "name"], name="answer_once_per_name")]
