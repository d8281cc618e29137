"""Who is who: brands, customers, services, and which prefix or name each service held from when until when."""

from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, IntegerRangeField, RangeOperators
from django.contrib.postgres.indexes import OpClass
from django.db import models, transaction
from django.db.backends.postgresql.psycopg_any import NumericRange
from django.db.models.functions import Lower

from abusedesk.records.models.fields import PrefixField
from abusedesk.vocabulary.holding import PORTS, ports_in_words


class Brand(models.Model):
    """A provider's face: its pack, addresses, languages and safeguards.

    `pack` is the name or folder of its pack, which holds until one is `published` for it by its digest.

    `settings` holds the safeguards and overrides of pack parameters (`policy.facts.Settings`); `actuators` names the
    actuator for each kind of measure, `{"suspend": {"actuator": "console"}}`, with the actuator's own options.
    `held_since` is set while the stop button is pressed; under `dry_run` decisions are recorded and nothing goes out.
    """

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    pack = models.CharField(max_length=300)
    published = models.ForeignKey("records.PackText", models.PROTECT, null=True, blank=True, related_name="+")
    in_force_from = models.DateTimeField(null=True)
    languages = models.JSONField(default=list)
    sender = models.EmailField()
    settings = models.JSONField(default=dict)
    actuators = models.JSONField(default=dict)
    dry_run = models.BooleanField(default=False)
    held_since = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=150, blank=True)
    held_reason = models.CharField(max_length=300, blank=True)
    staff_told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def set(self, changed: Mapping[str, Any]) -> None:
        """Changes some settings, whatever else of them is being changed at this moment."""
        self.settings = {**Brand.objects.select_for_update().get(pk=self.pk).settings, **changed}
        self.save(update_fields=["settings"])


class BrandAddress(models.Model):
    """A mail address of the brand; `kind` is `abuse`, `legal`, `dsa`, `authority`, `copyright` or `dmca`."""

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="addresses")
    address = models.EmailField(unique=True)
    kind = models.CharField(max_length=20, default="abuse")


class Hold(models.Model):
    """One press of the stop button, from when until when, by whom and why."""

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="holds")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=300)
    released_by = models.CharField(max_length=150, blank=True)


class Customer(models.Model):
    """Who rents. `ref` is the provider's own id."""

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="customers")
    ref = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=12, blank=True)
    timezone = models.CharField(max_length=60, default="UTC")
    reseller = models.ForeignKey("self", models.PROTECT, null=True, related_name="resold")
    protected = models.BooleanField(default=False)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "ref"], name="customer_ref")]
        indexes = [models.Index(Lower("email"), name="customer_by_email")]

    def __str__(self) -> str:
        return self.name or self.ref


class Contact(models.Model):
    """A further address of a customer, tried in `position` order when the one before cannot be reached."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts")
    role = models.CharField(max_length=40, default="abuse")
    email = models.EmailField()
    language = models.CharField(max_length=12, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(Lower("email"), name="contact_by_email")]


class Service(models.Model):
    """A server. `ref` is the provider's own id; `until` is set when it ended.

    `shared` marks one that carries many people's sites; `carries` one that carries other servers, a reseller's node, of
    which no measure by itself hits the whole; `infrastructure` one that is the provider's own (a mail server,
    a resolver, a hypervisor): the policy never acts on a complaint about it. `inventory` is the inventory that says
    that it runs; None where it came by CSV or by hand.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="services")
    ref = models.CharField(max_length=100)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="services")
    type = models.CharField(max_length=40, default="vps")
    label = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    trial = models.BooleanField(default=False)
    mail_port = models.BooleanField(default=False)
    protected = models.BooleanField(default=False)
    shared = models.BooleanField(default=False)
    carries = models.BooleanField(default=False, db_default=False)
    infrastructure = models.BooleanField(default=False)
    inventory = models.ForeignKey("records.Inventory", models.SET_NULL, null=True, related_name="services")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "ref"], name="service_ref")]

    def __str__(self) -> str:
        return self.label or self.ref


def every_port() -> NumericRange:
    """What is held where no source ports are named."""
    return NumericRange(0, PORTS)


class Assignment(models.Model):
    """A prefix held by a service over a period; prefixes nest, the longest wins.

    One holder per prefix and source port at a time: behind a NAT each service holds a range of `ports` of an address.
    `inventory` is the inventory that said so last.
    """

    service = models.ForeignKey(Service, models.CASCADE, related_name="assignments")
    prefix = PrefixField()
    period = DateTimeRangeField()
    ports = IntegerRangeField(default=every_port)
    inventory = models.ForeignKey("records.Inventory", models.SET_NULL, null=True, related_name="assignments")

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_holder_per_prefix",
                expressions=[
                    (OpClass("prefix", "inet_ops"), RangeOperators.EQUAL),
                    ("ports", RangeOperators.OVERLAPS),
                    ("period", RangeOperators.OVERLAPS),
                ],
                index_type="gist",
            ),
            models.CheckConstraint(
                name="ports_that_exist",
                condition=models.Q(ports__contained_by=every_port(), ports__isempty=False),
            ),
        ]

    @property
    def source_ports(self) -> str:
        """The source ports as a person reads them, `1024-2047`; empty where it is every port."""
        return ports_in_words((self.ports.lower, self.ports.upper) if self.ports != every_port() else None)


class DeclaredName(models.Model):
    """A domain or host name that a customer declared for a service."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="names")
    name = models.CharField(max_length=253, db_index=True)
    period = DateTimeRangeField()
