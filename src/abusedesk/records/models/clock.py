"""When a loop last ran, so that a long silence shows."""

from django.db import models


class Heartbeat(models.Model):
    """The last round of a loop. A gap that is too long holds the brands (DESIGN's invariant 10)."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
