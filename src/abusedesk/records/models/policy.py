"""Packs by their digests, what was published when and by whom, and what an upgrade found."""

from django.db import models

from abusedesk.records.models.parties import Brand


class PackText(models.Model):
    """The files of a pack that decided something or was put forward, kept by its digest. Never changed, never deleted.

    `files` are the texts that the digest covers by their names: the pack, its notices and the safeguards of then.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=300)
    files = models.JSONField()
    first_seen = models.DateTimeField()


class Publication(models.Model):
    """A pack put forward for a brand, and what became of it. Another person than its author decides.

    `previous` is the digest of the pack that the brand went by when it was proposed; `reaches_back` says in words what
    changes in versions already in force, which the author confirmed; `cases` are the pack's own test cases, which no
    digest covers. `state` is `proposed`, `published`, `rejected` or `withdrawn`. What happened, step by step and
    unchangeable, is in its entries.
    """

    brand = models.ForeignKey(Brand, models.PROTECT, related_name="publications")
    pack = models.ForeignKey(PackText, models.PROTECT, related_name="publications")
    previous = models.CharField(max_length=64)
    author = models.CharField(max_length=150)
    note = models.TextField()
    state = models.CharField(max_length=10, default="proposed")
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    reaches_back = models.JSONField(default=list)
    cases = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["brand", "-proposed_at"], name="publication_of_brand")]
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "pack"], condition=models.Q(state="proposed"), name="proposed_once_at_a_time"
            )
        ]


class PublicationEntry(models.Model):
    """A line in the story of a brand's policy: append-only, and one hash chain per brand.

    `kind` is a state of the publication; `body` says in JSON what was proposed or why it was decided so. `hash` covers
    `previous` and everything else here.
    """

    brand = models.ForeignKey(Brand, models.PROTECT, related_name="+")
    sequence = models.PositiveIntegerField()
    publication = models.ForeignKey(Publication, models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    body = models.TextField()
    previous = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "sequence"], name="publication_entry_sequence")]


class Installed(models.Model):
    """What decides here, as it was last looked at: `engine` by its version, each pack of a folder by its digest."""

    name = models.CharField(max_length=310, primary_key=True)
    value = models.CharField(max_length=64)
    since = models.DateTimeField()


class UpgradeAudit(models.Model):
    """Recent decisions made again before a new engine, or a changed pack of a folder, decided anything.

    `was` and `now` are what `Installed` held and what there is; `counts` by outcome; `differences` in words, the first
    of them. `state` is `clean`, `open` while differences wait for somebody, or `accepted`.
    """

    at = models.DateTimeField()
    was = models.JSONField(default=dict)
    now = models.JSONField(default=dict)
    since = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    differences = models.JSONField(default=list)
    differing = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10)
    accepted_by = models.CharField(max_length=150, blank=True)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="upgrade_audit_latest")]


class AuditRun(models.Model):
    """A check of the record that somebody ran: `verify` walks the hash chains, `recompute` makes decisions again.

    `since` is None for all that is recorded, up to `asked_at`; `brand` None for all brands. `differing` of the
    `looked_at` do not hold or would be others, the first of them in words; `erased` cannot be looked at any more.
    `state` is `waiting`, `running`, `done` or `failed`.
    """

    what = models.CharField(max_length=10)
    by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    since = models.DateTimeField(null=True)
    brand = models.ForeignKey(Brand, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, default="waiting")
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    looked_at = models.PositiveBigIntegerField(default=0)
    differing = models.PositiveBigIntegerField(default=0)
    erased = models.PositiveBigIntegerField(default=0)
    said = models.TextField(blank=True)
    differences = models.JSONField(default=list)
    error = models.TextField(blank=True)
