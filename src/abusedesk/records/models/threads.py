"""What is written to and by reporters: their threads; and letters of the staff that are not sent yet."""

from django.db import models

from abusedesk.records.models.docket import Case
from abusedesk.records.models.parties import Brand


class Thread(models.Model):
    """The conversation with a reporter about one message of theirs. `token` is the number that they are given.

    `mail_id` and `follows` are the Message-ID of that mail and those that it follows on. `is_vouched` says that
    somebody vouches for the sender. `acknowledged_at` is when a receipt was ordered; `told` the code of the outcome
    that the reporter was told, and `look_at` when it is asked for next: never where it is None.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="threads")
    message_id = models.UUIDField(unique=True)
    token = models.CharField(max_length=40, unique=True)
    address = models.CharField(max_length=320)
    domain = models.CharField(max_length=255)
    mail_id = models.CharField(max_length=255, blank=True)
    follows = models.JSONField(default=list)
    subject = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=12)
    is_vouched = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    told = models.CharField(max_length=30, blank=True)
    look_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["address", "opened_at"], name="thread_by_address"),
            models.Index(fields=["domain", "opened_at"], name="thread_by_domain"),
            models.Index(fields=["brand", "opened_at"], condition=models.Q(is_vouched=False), name="thread_unvouched"),
            models.Index(fields=["mail_id"], condition=~models.Q(mail_id=""), name="thread_by_mail"),
            models.Index(fields=["look_at"], condition=models.Q(look_at__isnull=False), name="thread_to_look_at"),
        ]


class ThreadEntry(models.Model):
    """One mail in a reporter's thread: `author` is `reporter`, `stranger`, or a person of the staff."""

    thread = models.ForeignKey(Thread, models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    author = models.CharField(max_length=150)
    text = models.TextField()
    shown = models.TextField(blank=True)
    notice = models.OneToOneField("records.Notice", models.PROTECT, null=True, related_name="remark")
    message_id = models.UUIDField(null=True)
    sender = models.CharField(max_length=320, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["thread", "message_id"], name="remark_once_per_message")]


class Draft(models.Model):
    """A letter that somebody of the staff began and has not sent. `to` is `customer` or the token of a thread."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="drafts")
    to = models.CharField(max_length=40)
    by = models.CharField(max_length=150)
    text = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "to", "by"], name="one_draft_each")]
