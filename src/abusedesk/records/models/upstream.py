"""What upstreams told: measures of their own, and duties that they laid upon the provider."""

from django.db import models

from abusedesk.records.models.parties import Brand, Service


class UpstreamMeasure(models.Model):
    """A measure of an upstream's own on an address, from when it was set until it was lifted.

    `dockets` are the ids of all that recorded it: whoever held the address in the meantime hears when it is lifted.
    `until` is when the upstream means to end it; it stands until `lifted` is told.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    action = models.CharField(max_length=20)
    ip = models.GenericIPAddressField()
    said_by = models.CharField(max_length=120)
    reference = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    until = models.DateTimeField(null=True)
    set_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    dockets = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "action", "ip"],
                condition=models.Q(lifted_at=None),
                name="upstream_measure_once",
            )
        ]


class Duty(models.Model):
    """What an upstream demands of the provider until `due`. A person closes it, saying what was `done`.

    `otherwise` is what the upstream does itself if it is not done. `service` held the address when it was told.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="duties")
    service = models.ForeignKey(Service, models.CASCADE, null=True, related_name="duties")
    message_id = models.UUIDField(db_index=True)
    said_by = models.CharField(max_length=120)
    reference = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField()
    what = models.CharField(max_length=500)
    otherwise = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField()
    due = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    done = models.CharField(max_length=1000, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due"], condition=models.Q(closed_at=None), name="duty_open")]
