"""What is to be done and what was done: effects, deadlines, measures, charges, notices, tickets, reviews.

Deadlines, measures and charges are projections of the docket, keyed by their id there (`item`).
"""

import uuid

from django.db import models

from abusedesk.records.models.docket import Case, Decision, Docket
from abusedesk.records.models.parties import Brand, Customer, Service


class Effect(models.Model):
    """Something to carry outside once it was decided: a leased row with an idempotency key, ending in a receipt.

    `held` rows wait while the brand is stopped; under a dry run they end as `dry_run` at once. `gathered` rows go out
    together with the one that `digest` names. `waits` says why a pending or gathered one has not gone out yet, where
    that is by our own doing: `digest`, or the pace of its `destination`, the mail host that it goes to.
    """

    STATES = ("pending", "held", "gathered", "done", "failed", "dry_run", "dropped")

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    decision = models.ForeignKey(Decision, models.PROTECT, null=True, related_name="carried")
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=30)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="pending")
    due = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    receipt = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    digest = models.ForeignKey("self", models.PROTECT, null=True, related_name="gathered")
    waits = models.CharField(max_length=300, blank=True, default="", db_default="")
    destination = models.CharField(max_length=255, blank=True, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["due"], condition=models.Q(state="pending"), name="effect_due"),
            models.Index(
                fields=["waits"],
                condition=models.Q(state__in=["pending", "gathered"]) & ~models.Q(waits=""),
                name="effect_waits",
            ),
            models.Index(
                fields=["destination"],
                condition=models.Q(state="pending") & ~models.Q(destination=""),
                name="effect_destination",
            ),
            models.Index(fields=["done_at"], condition=models.Q(state="failed"), name="effect_failed"),
        ]


class Deadline(models.Model):
    """A deadline of a docket. Open ones are found by a partial index on `due`.

    `measure` is the docket's id of the measure that then expires (`expiry`) or stands again (`resume`). `braked_at`
    says that it is held for a person as one of many, `would` what it would take, `released_at` that a person let it go,
    `acted_at` when it fired and acted against a customer, `paused_at` since when it stands still for an appeal.
    """

    docket = models.ForeignKey(Docket, models.CASCADE, related_name="deadlines")
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="deadlines")
    item = models.CharField(max_length=40)
    name = models.CharField(max_length=30)
    due = models.DateTimeField()
    state = models.CharField(max_length=12, default="open")
    measure = models.CharField(max_length=40, blank=True)
    clauses = models.JSONField(default=list)
    lease_until = models.DateTimeField(null=True)
    braked_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    would = models.JSONField(null=True)
    acted_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["docket", "item"], name="deadline_of_docket")]
        indexes = [
            models.Index(fields=["due"], condition=models.Q(state="open"), name="deadline_due"),
            models.Index(
                fields=["brand", "due"],
                condition=models.Q(state="open", braked_at__isnull=False),
                name="deadline_braked",
            ),
            models.Index(
                fields=["brand", "acted_at"], condition=models.Q(acted_at__isnull=False), name="deadline_acted"
            ),
        ]


class Target(models.Model):
    """What an actuator acts on: a service or one address of it. Its lease carries a fencing number.

    `key` is `service:<brand>/<ref>` or `ip:<brand>/<address>`. `dirty` says that a measure on it is not yet as desired;
    `look_at` when to look whether what is in force still is, None where nothing is.
    """

    key = models.CharField(max_length=200, unique=True)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    service = models.ForeignKey(Service, models.CASCADE, related_name="targets")
    ip = models.GenericIPAddressField(null=True)
    dirty = models.BooleanField(default=False)
    fence = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    next_attempt = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    look_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt"], condition=models.Q(dirty=True), name="target_dirty"),
            models.Index(
                fields=["look_at"], condition=models.Q(dirty=False, look_at__isnull=False), name="target_to_look_at"
            ),
        ]


class Measure(models.Model):
    """A measure: what the policy desires and what was read back from the outside.

    `decided` is the docket's word (`proposed`, `in_force`, `lifted`, `withdrawn`); `state` is the outside's:
    `none`, `applying`, `requested`, `acknowledged`, `in_force`, `lifting`, `lifted`, `failed`, `dry_run`.
    `ended` says how it ended where that was not by its grounds: `expired`, `by_hand`, `to_clean`.
    `tried` says what became of each actuator that was asked (`desk.perform.tried.Tried`), in the order of the chain.
    """

    docket = models.ForeignKey(Docket, models.CASCADE, related_name="measures")
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, related_name="measures")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="measures")
    target = models.ForeignKey(Target, models.PROTECT, null=True, related_name="measures")
    item = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    ip = models.GenericIPAddressField(null=True)
    port = models.PositiveIntegerField(null=True)
    mode = models.CharField(max_length=12)
    refund = models.BooleanField(null=True)
    upstream = models.BooleanField(default=False)
    clauses = models.JSONField(default=list)
    at = models.DateTimeField()
    decided = models.CharField(max_length=12)
    ended = models.CharField(max_length=12, blank=True)
    counts = models.BooleanField(default=False)
    state = models.CharField(max_length=14, default="none")
    actuator = models.CharField(max_length=40, blank=True)
    outside = models.JSONField(default=dict)
    tried = models.JSONField(default=list)
    fence = models.BigIntegerField(default=0)
    in_force_at = models.DateTimeField(null=True)
    lifted_at = models.DateTimeField(null=True)
    read_back_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["docket", "item"], name="measure_of_docket")]
        indexes = [
            models.Index(fields=["brand", "at"], condition=models.Q(counts=True), name="measure_recent"),
            models.Index(
                fields=["ip"],
                condition=models.Q(kind__in=["null_route", "rate_limit"], decided__in=["proposed", "in_force"]),
                name="measure_on_address",
            ),
            models.Index(fields=["brand"], condition=models.Q(decided="proposed"), name="measure_proposed"),
            models.Index(fields=["brand"], condition=models.Q(state="failed"), name="measure_failed"),
        ]


class Charge(models.Model):
    """Money charged or proposed, in minor units."""

    docket = models.ForeignKey(Docket, models.CASCADE, related_name="charges")
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, related_name="charges")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="charges")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="charges")
    item = models.CharField(max_length=40)
    name = models.CharField(max_length=40)
    amount = models.BigIntegerField()
    paid = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    ip = models.GenericIPAddressField(null=True)
    mode = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    clauses = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["docket", "item"], name="charge_of_docket")]


class Ticket(models.Model):
    """The work order: the conversation with a customer about a case. `token` finds it again in a reply."""

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    case = models.OneToOneField(Case, models.CASCADE, related_name="ticket")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tickets")
    token = models.CharField(max_length=40, unique=True)
    opened_at = models.DateTimeField()


class Notice(models.Model):
    """A notice as sent: one record, one Message-ID, however often a crash makes the mail go out.

    `thread` is the reporter's conversation that it belongs to; None for what goes to anybody else. `html` is what stood
    beside the text, `table` the CSV that went with it; empty where there was none. `code` is what anybody can ask by
    whether the notice is ours. `digest` is the mail that carried it together with others; its own Message-ID was then
    never on a mail.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="notices")
    thread = models.ForeignKey("records.Thread", models.CASCADE, null=True, related_name="notices")
    effect = models.OneToOneField(Effect, models.PROTECT, related_name="notice")
    to = models.CharField(max_length=20)
    address = models.CharField(max_length=320, blank=True)
    language = models.CharField(max_length=12)
    template = models.CharField(max_length=60)
    subject = models.TextField()
    text = models.TextField()
    message_id = models.CharField(max_length=200, unique=True)
    written_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, default="written")
    response = models.TextField(blank=True)
    html = models.TextField(blank=True, default="", db_default="")
    table = models.TextField(blank=True, default="", db_default="")
    code = models.CharField(max_length=16, blank=True, default="", db_default="")
    digest = models.ForeignKey("self", models.PROTECT, null=True, related_name="carried")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], condition=~models.Q(code=""), name="notice_by_code"),
        ]


class Pace(models.Model):
    """How fast something goes or may be asked: mails to a destination, visitors of a public page.

    `busy_until` is how far what was let through reaches ahead at the even pace. `failures` counts refusals in a row,
    `paused_until` is how long nothing is tried after them, `said` the last one's words.
    """

    name = models.CharField(max_length=300, unique=True)
    busy_until = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    paused_until = models.DateTimeField(null=True)
    said = models.TextField(blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["busy_until"], name="pace_over")]


class MailDomain(models.Model):
    """Who takes the mail of a domain: the registered domain of its mail `host`, empty where none is known.

    `until` is how long that is good, `ask_at` when it is looked up (again), None where it need not be.
    """

    domain = models.CharField(max_length=255, unique=True)
    host = models.CharField(max_length=255, blank=True)
    until = models.DateTimeField()
    ask_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["ask_at"], condition=models.Q(ask_at__isnull=False), name="mail_domain_asked"),
        ]


class TicketEntry(models.Model):
    """One entry of a ticket: `author` is `desk`, `customer`, `stranger` or a person of the staff.

    What came by mail names its message and sender; `shown` is its text without quotes and signature. `stranger` wrote
    from an address that is none of the customer's or the reseller's.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    author = models.CharField(max_length=150)
    text = models.TextField()
    notice = models.OneToOneField(Notice, models.PROTECT, null=True, related_name="entry")
    complete = models.BooleanField(null=True)
    message_id = models.UUIDField(null=True)
    sender = models.CharField(max_length=320, blank=True)
    shown = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "message_id"], name="entry_once_per_message")]


class Review(models.Model):
    """A question to a person. Those of illegal content are `restricted`.

    `reason` is the policy's (`verify_report`, `low_assurance`, `no_attribution`, …) or intake's (`needs_review`,
    `rejected`, `unreadable`); `key` makes it one per cause. `candidates` are the services that may be meant where none
    could be told (`desk.candidates.Candidate`), likeliest first.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, null=True, related_name="reviews")
    docket = models.ForeignKey(Docket, models.CASCADE, null=True, related_name="reviews")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="reviews")
    report_id = models.UUIDField(null=True)
    message_id = models.UUIDField(null=True)
    key = models.CharField(max_length=200, unique=True)
    reason = models.CharField(max_length=60)
    detail = models.TextField(blank=True)
    restricted = models.BooleanField(default=False)
    clauses = models.JSONField(default=list)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    answer = models.TextField(blank=True)
    candidates = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(fields=["opened_at"], condition=models.Q(closed_at=None), name="review_open"),
            models.Index(fields=["report_id"], condition=models.Q(closed_at=None), name="review_open_of_report"),
        ]
