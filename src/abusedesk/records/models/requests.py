"""What customers ask for: how far each request got, and what people know of it beside the docket."""

from django.db import models

from abusedesk.records.models.docket import Docket
from abusedesk.records.models.parties import Brand, Customer, Service


class CustomerRequest(models.Model):
    """A request of a customer. What the policy answered is a projection of the docket, keyed by its id there (`item`).

    `state` is the docket's word (`needs_approval`, `granted`, `granted_when_paid`, `denied`, `void`), or `asked` where
    the policy could not answer and asked a person, and `answered` where that person did. `lifts` are the docket's ids
    of the measures that ended with the grant. `to_do` says that staff have something to do outside; `done` what of it
    they did: `{step, at, by, note}`.

    `findings` is what the DNS said of the domain at `checked_at` (`vocabulary.finding.Finding`); `check_at` when it is
    to be asked, None where it is not. Findings never decide.
    """

    docket = models.ForeignKey(Docket, models.CASCADE, related_name="requests")
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, related_name="requests")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="requests")
    item = models.CharField(max_length=200)
    kind = models.CharField(max_length=30)
    ip = models.GenericIPAddressField(null=True)
    cause = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=20, default="asked")
    clauses = models.JSONField(default=list)
    at = models.DateTimeField()
    state_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    lifts = models.JSONField(default=list)
    to_do = models.BooleanField(default=False)
    done = models.JSONField(default=list)
    domain = models.CharField(max_length=253, blank=True)
    selector = models.CharField(max_length=100, blank=True)
    words = models.TextField(blank=True)
    entered_by = models.CharField(max_length=150, blank=True)
    message_id = models.UUIDField(null=True)
    check_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    findings = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["docket", "item"], name="request_of_docket")]
        indexes = [
            models.Index(fields=["at"], name="request_by_time"),
            models.Index(
                fields=["at"],
                condition=models.Q(state__in=["asked", "needs_approval", "granted_when_paid"]) | models.Q(to_do=True),
                name="request_open",
            ),
            models.Index(fields=["check_at"], condition=models.Q(check_at__isnull=False), name="request_to_be_checked"),
        ]
