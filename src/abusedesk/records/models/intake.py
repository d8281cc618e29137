"""What came in: channels, messages, the reports read from them, their events and their reporters.

Messages and events are partitioned by retention class and month, so that a month of one class drops whole. Nothing
has a foreign key into a partition, and what recognises duplicates lives in tables of its own.
"""

import uuid

from django.db import models

from abusedesk.records.models.parties import Brand


class Channel(models.Model):
    """A way in. Everything that the channel received before `watermark` has been read.

    Deadlines wait for the watermarks of the channels that `carries_answers`. `options` are what its driver was told,
    `memory` what the driver remembers between two rounds, `backlog` how many messages were left after the last one.
    `reporter` is the one reporter that fills this channel, where nobody else can: a known feed.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="channels")
    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=120, unique=True)
    enabled = models.BooleanField(default=True)
    carries_answers = models.BooleanField(default=True)
    always_current = models.BooleanField(default=False)
    watermark = models.DateTimeField(null=True)
    last_message_at = models.DateTimeField(null=True)
    options = models.JSONField(default=dict)
    memory = models.JSONField(default=dict)
    reporter = models.ForeignKey("records.Reporter", models.SET_NULL, null=True, related_name="feeds")
    backlog = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    error = models.TextField(blank=True)


class Message(models.Model):
    """A raw thing that came in. `payload` is encrypted under the message's own key (`MessageKey`).

    `outcome` is empty until it was read; `batch` is what a container or feed run that brought it is called.
    `details` are what its recipients' addresses said after the plus sign, separated by blanks; `envelope_from` is the
    sender of the envelope, empty for the null sender and None where no envelope is known.

    `designation` is what the address it came to is for (`vocabulary.designation`): only restricted readers see those
    to `authority`.

    `provenance` is what we ourselves saw of who handed it over: `peer` and `helo` of an SMTP client; the id of the
    `reporter` whose key it came under, or who alone fills the `feed` that it came by; the provider's own `sensor`; the
    `upstream` whose key it came under; the blocklist whose `listing` a query confirmed, or the `blocklist` whose entry
    accuses nobody yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    retention = models.CharField(max_length=40, default="standard")
    received_at = models.DateTimeField()
    brand_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=120)
    name = models.CharField(max_length=500, blank=True)
    digest = models.BinaryField()
    size = models.BigIntegerField()
    sender = models.CharField(max_length=320, blank=True)
    recipient = models.CharField(max_length=320, blank=True)
    details = models.TextField(blank=True)
    envelope_from = models.TextField(null=True)
    subject = models.TextField(blank=True)
    provenance = models.JSONField(default=dict)
    designation = models.CharField(max_length=20, default="abuse")
    payload = models.BinaryField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    format = models.CharField(max_length=60, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        managed = False
        db_table = "records_message"


class MessageKey(models.Model):
    """The key of one message's payload. Deleting the row makes the payload unreadable, in every backup too."""

    message_id = models.UUIDField(primary_key=True)
    key = models.BinaryField()


class MessageSeen(models.Model):
    """The digest of every message taken: the same bytes for the same brand twice are one message.

    `read_at` is set when every report in it was decided; until then the message is unread work. `again_at` is when it
    was put before the readers once more: it counts as received then.
    """

    digest = models.BinaryField(primary_key=True)
    message_id = models.UUIDField()
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    again_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(read_at=None), name="message_unread"),
        ]


class Reporter(models.Model):
    """Who complains. Whole `domains` and single `addresses` are its own when `known`: their DKIM signatures vouch.

    `keys` pins DKIM key records by DNS name (`s1._domainkey.example.net`); what is pinned is not asked of the DNS.
    `certificates` are its OpenPGP keys and S/MIME certificates: `kind`, `fingerprint`, `text`.
    `organisation` tells independent reporters apart: two of one organisation are one voice. `formats` are those it was
    heard in, `trusted_flagger` its status under DSA Article 22. `confirmed` and `rejected` count what staff said of its
    reports. A `muted` one is heard and kept, and never believed. `shipped` is what this release's own list said of it.
    """

    key = models.CharField(max_length=320, unique=True)
    name = models.CharField(max_length=200, blank=True)
    organisation = models.CharField(max_length=200, blank=True)
    domains = models.JSONField(default=list)
    addresses = models.JSONField(default=list)
    keys = models.JSONField(default=dict)
    certificates = models.JSONField(default=list)
    formats = models.JSONField(default=list)
    known = models.BooleanField(default=False)
    trusted_flagger = models.BooleanField(default=False)
    muted = models.BooleanField(default=False)
    muted_at = models.DateTimeField(null=True)
    muted_by = models.CharField(max_length=150, blank=True)
    muted_reason = models.CharField(max_length=300, blank=True)
    confirmed = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True)
    shipped = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["last_seen", "id"], name="reporter_by_last_seen")]

    def __str__(self) -> str:
        return self.name or self.key


class ReporterChange(models.Model):
    """What somebody changed about a reporter, when and why. Never altered: muting and its undoing both stand here."""

    reporter = models.ForeignKey(Reporter, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=500)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]


class Report(models.Model):
    """One complaint by one reporter. `evidence` says who vouches for it and `grade_reason` why it has its assurance.

    `notice` says which elements of its law a legal notice has (`vocabulary.report.Notice`), None where it is none.
    `suppression` is the one that covered it, with what became of it in `suppressed`; `campaign` the one it is part of.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="reports")
    message_id = models.UUIDField(null=True, db_index=True)
    reporter = models.ForeignKey(Reporter, models.PROTECT, null=True, related_name="reports")
    reference = models.CharField(max_length=300, blank=True)
    format = models.CharField(max_length=60)
    received_at = models.DateTimeField(db_index=True)
    summary = models.TextField(blank=True)
    assurance = models.CharField(max_length=20, default="unverified")
    grade_reason = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    notice = models.JSONField(null=True)
    rejected_at = models.DateTimeField(null=True)
    rejected_by = models.CharField(max_length=150, blank=True)
    suppression = models.ForeignKey(
        "records.Suppression", models.SET_NULL, null=True, related_name="reports", db_index=False
    )
    suppressed = models.CharField(max_length=20, blank=True)
    campaign = models.ForeignKey("records.Campaign", models.SET_NULL, null=True, related_name="reports", db_index=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["suppression", "received_at"],
                condition=models.Q(suppression__isnull=False),
                name="report_suppressed",
            ),
            models.Index(
                fields=["campaign", "received_at"], condition=models.Q(campaign__isnull=False), name="report_campaign"
            ),
        ]


class Event(models.Model):
    """One observation of a report, with the service that held its source at the time, if any."""

    id = models.BigAutoField(primary_key=True)
    retention = models.CharField(max_length=40, default="standard")
    received_at = models.DateTimeField()
    brand_id = models.BigIntegerField()
    report_id = models.UUIDField()
    service_id = models.BigIntegerField(null=True)
    case_id = models.BigIntegerField(null=True)
    category = models.CharField(max_length=60)
    source = models.CharField(max_length=255)
    ip = models.GenericIPAddressField(null=True)
    source_port = models.PositiveIntegerField(null=True)
    target_port = models.PositiveIntegerField(null=True)
    url = models.TextField(blank=True)
    occurred_at = models.DateTimeField(null=True)
    count = models.PositiveIntegerField(default=1)
    evidence = models.TextField(blank=True)

    class Meta:
        managed = False
        db_table = "records_event"


class EventSeen(models.Model):
    """The identity of every event: the same source, category, port or URL and time is one event, whoever reports it.

    `report_id` is the report that is believed most of those that told it. Of every other voice stands a row of its own.
    """

    identity = models.BinaryField(primary_key=True)
    report_id = models.UUIDField()
    seen_at = models.DateTimeField()
