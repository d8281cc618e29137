"""The switchboard: what the console actuator was asked to bring about; and the fences of outsides that keep none."""

from django.db import models


class Switch(models.Model):
    """One measure on one service or address, on or off. `fence` is the highest that was seen for it."""

    brand = models.CharField(max_length=50)
    service = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    ip = models.GenericIPAddressField(null=True)
    port = models.PositiveIntegerField(null=True)
    on = models.BooleanField(default=False)
    fence = models.BigIntegerField(default=0)
    key = models.CharField(max_length=200, blank=True)
    changes = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "service", "kind", "ip", "port"], name="one_switch", nulls_distinct=False
            )
        ]


class Fence(models.Model):
    """The highest fencing number that was seen for a target, for an outside that cannot keep it by itself."""

    target = models.CharField(max_length=300, primary_key=True)
    fence = models.BigIntegerField()
