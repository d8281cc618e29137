"""Blocklists: entries that accuse an address, the last clean reading of every address, and the sweeps themselves."""

from django.db import models

from abusedesk.records.models.fields import PrefixField
from abusedesk.records.models.intake import Channel
from abusedesk.records.models.parties import Brand, Service


class Listing(models.Model):
    """An address on a blocklist, by codes that accuse the very address (`parsing.blocklists.Standing`).

    `blocklist` is the list's name, `title` how it is shown; `says` what its codes mean and `text` its own words.
    `service` is who held the address when it was first seen there, `clean_at` the clean reading that stood before.
    `verdict` is set when a second answer confirmed it: `corroborated` or `unverified` (it became the report
    `message_id`), `baseline` (nothing clean was ever read before), `range` (the same entry names neighbours too) or
    `unheld` (no service alone held the address).
    """

    blocklist = models.CharField(max_length=253)
    title = models.CharField(max_length=253)
    address = models.GenericIPAddressField()
    codes = models.JSONField(default=list)
    says = models.TextField(blank=True)
    text = models.TextField(blank=True)
    channel = models.ForeignKey(Channel, models.SET_NULL, null=True, related_name="listings")
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="listings")
    service = models.ForeignKey(Service, models.SET_NULL, null=True, related_name="listings")
    clean_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    again_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=20, blank=True)
    message_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["blocklist", "address"], condition=models.Q(gone_at=None), name="one_present_listing"
            )
        ]
        indexes = [
            models.Index(fields=["again_at"], condition=models.Q(gone_at=None), name="listing_asked_again"),
            models.Index(fields=["address"], name="listing_address"),
            models.Index(fields=["-seen_at", "-id"], name="listing_newest"),
        ]


class SweptBlock(models.Model):
    """What a blocklist last said of 256 neighbouring addresses, so that a million take a few thousand rows.

    `cleared` holds, for each address that was ever read as accused of nothing, the instant of its last such reading
    (`desk.listings.blocks`). `shown` are the codes that accuse nobody, `{code: {"since": …, "who": [last octets]}}`.
    """

    blocklist = models.CharField(max_length=253)
    block = PrefixField()
    cleared = models.BinaryField(default=b"")
    shown = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["blocklist", "block"], name="one_row_a_block")]
        indexes = [
            models.Index(fields=["blocklist", "block"], condition=~models.Q(shown={}), name="block_with_shown"),
        ]


class Sweep(models.Model):
    """One pass over the addresses. `unanswered` are those of which the list said nothing that counts."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="sweeps")
    blocklist = models.CharField(max_length=253)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    addresses = models.PositiveBigIntegerField()
    asked = models.PositiveBigIntegerField(default=0)
    unanswered = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["blocklist", "-began_at"], name="sweep_newest")]


class ListingQuestion(models.Model):
    """Somebody wants to know now what a list says of an address, and what it said."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="questions")
    address = models.GenericIPAddressField()
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150)
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["channel"], condition=models.Q(answered_at=None), name="question_open"),
            models.Index(fields=["address", "-asked_at"], name="question_address"),
        ]
