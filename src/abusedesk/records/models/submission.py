"""What was said on a public form, until it is received."""

import uuid

from django.db import models

from abusedesk.records.models.parties import Brand


class Submission(models.Model):
    """One use of a brand's public form.

    `document` is what was said, sealed under `key`; both go when it is received or nobody confirmed it in time, and
    so does the `address` that was asked. `mailbox` and `network` are what the limits count; `kind` is the designation
    that it comes under. `message_id` is the message that it became.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    reference = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField()
    address = models.CharField(max_length=320, blank=True)
    mailbox = models.CharField(max_length=320, blank=True)
    network = models.CharField(max_length=64)
    language = models.CharField(max_length=12)
    document = models.BinaryField(null=True)
    key = models.BinaryField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    message_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["mailbox", "at"], name="submission_by_mailbox"),
            models.Index(fields=["network", "at"], name="submission_by_network"),
            models.Index(fields=["brand", "at"], name="submission_by_brand"),
            models.Index(fields=["at"], condition=models.Q(confirmed_at=None), name="submission_unconfirmed"),
        ]
