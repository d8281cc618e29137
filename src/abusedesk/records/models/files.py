"""Files of what came to designated addresses: legal letters, notices under a law, requests of authorities."""

from django.db import models

from abusedesk.records.models.parties import Brand, Customer, Service


class LegalFile(models.Model):
    """One matter that came to a designated address, with its answer. Files of the kind `authority` are restricted.

    `kind` is `legal`, `dsa`, `authority`, `copyright` or `dmca`; `state` is `open`, `answered` or `closed`. `notice`
    says which elements of its law the notice has (`vocabulary.report.Notice`), None where no law lists any. `due` is
    set by a person, with the words of who asks for it: no law behind these kinds names hours.
    """

    STATES = ("open", "answered", "closed")

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="files")
    kind = models.CharField(max_length=20)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=30)
    received_at = models.DateTimeField()
    last_at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True)
    subject = models.TextField(blank=True)
    state = models.CharField(max_length=12, default="open")
    service = models.ForeignKey(Service, models.SET_NULL, null=True, related_name="files")
    customer = models.ForeignKey(Customer, models.SET_NULL, null=True, related_name="files")
    notice = models.JSONField(null=True)
    due = models.DateTimeField(null=True)
    due_reason = models.CharField(max_length=300, blank=True)
    taken_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "kind", "year", "number"], name="file_number"),
            models.UniqueConstraint(fields=["brand", "reference"], name="file_reference"),
        ]
        indexes = [models.Index(fields=["last_at", "id"], name="file_by_last")]

    def __str__(self) -> str:
        return self.reference


class FileEntry(models.Model):
    """One entry of a file, in the order in which it came.

    `kind` is `received` (a mail, with its `message_id` here and its own Message-ID as `mail_id`), `answered`, `note`,
    `report` (a report was made of it; `message_id` is the message that brought it), `due` or `closed`. `author` is who
    wrote: a sender's address or a person of the staff.
    """

    file = models.ForeignKey(LegalFile, models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    author = models.CharField(max_length=320, blank=True)
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    message_id = models.UUIDField(null=True)
    mail_id = models.CharField(max_length=320, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "message_id"], name="file_entry_once_per_message")]
        indexes = [
            models.Index(fields=["mail_id"], condition=~models.Q(mail_id=""), name="file_entry_by_mail"),
            models.Index(fields=["message_id"], name="file_entry_by_message"),
        ]
