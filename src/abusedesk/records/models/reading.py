"""How messages are read: operators' own rules, and how much each sender's messages yield from day to day."""

from django.db import models


class ReadingRule(models.Model):
    """A rule of the operator's (`parsing.own.OwnRule` in `body`), asked in the order of `position`."""

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    body = models.JSONField(default=dict)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField()


class SenderDay(models.Model):
    """One sender's messages of one day: how many, how many of them yielded a source, and how many a time to each.

    `sender` is a known reporter's key, or else the domain.
    """

    sender = models.CharField(max_length=320)
    day = models.DateField(db_index=True)
    messages = models.PositiveIntegerField(default=0)
    sourced = models.PositiveIntegerField(default=0)
    timed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "day"], name="sender_day")]
