"""Apply: writes a difference to the records in one transaction, and takes it back as one step.

Rows that would be touched are read again under the lock of the tables, so that what was compared is what is written.
Taking back restores each row, if it still is as the difference left it; a service that was told to the policy is not
removed but ended.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from abusedesk.desk.inventory.difference import (
    AnyStep,
    Begun,
    ChangedCustomer,
    ChangedService,
    Confirmed,
    Difference,
    Ended,
    EndedService,
    Moved,
    MovedService,
    NewCustomer,
    NewService,
    ResumedService,
)
from abusedesk.desk.opening import open_new
from abusedesk.problem import Problem
from abusedesk.records.models import Assignment, Brand, Comparison, Customer, Docket, Inventory, Service

S = TypeVar("S", bound=AnyStep)

BATCH = 2000


class Made(msgspec.Struct):
    """The rows that a difference made, so that they can be taken back."""

    customers: list[int] = msgspec.field(default_factory=list)
    services: list[int] = msgspec.field(default_factory=list)
    assignments: list[int] = msgspec.field(default_factory=list)
    ended_with_service: list[tuple[int, datetime]] = msgspec.field(default_factory=list)
    """Assignments that ended because their service did, with their new end."""


_END = """
UPDATE records_assignment held SET period = tstzrange(lower(held.period), given.at)
FROM json_to_recordset(%s::json) AS given(pk bigint, at timestamptz)
WHERE held.id = given.pk AND upper_inf(held.period)
"""

_REOPEN = """
UPDATE records_assignment held SET period = tstzrange(lower(held.period), NULL)
FROM json_to_recordset(%s::json) AS given(pk bigint, at timestamptz)
WHERE held.id = given.pk AND upper(held.period) = given.at
"""

_END_WITH_SERVICE = """
UPDATE records_assignment held
SET period = tstzrange(lower(held.period), GREATEST(given.at, lower(held.period) + interval '1 microsecond'))
FROM json_to_recordset(%s::json) AS given(pk bigint, at timestamptz)
WHERE held.service_id = given.pk AND upper_inf(held.period)
RETURNING held.id, upper(held.period)
"""

_CONFIRM = """
UPDATE {table} row SET inventory_id = given.inventory
FROM json_to_recordset(%s::json) AS given(pk bigint, inventory bigint) WHERE row.id = given.pk
"""


def lock() -> None:
    """Keeps other writers of who holds what out until the transaction ends; who only reads is not kept waiting."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE records_customer, records_service, records_assignment IN SHARE ROW EXCLUSIVE MODE")


def write(brand: Brand, found: Difference, by: str) -> Made:
    """Carries the steps out, in the caller's transaction, under `lock`."""
    made = Made()
    made.customers = _new_customers(brand, _of(found, NewCustomer))
    _set(Customer, ((one.pk, _plain(one.after)) for one in _of(found, ChangedCustomer)))
    _resellers(brand, found)
    made.services = _new_services(brand, _of(found, NewService))
    _changed_services(brand, found)
    _give(_END, [{"pk": one.pk, "at": one.at} for one in _of(found, Ended)])
    _give(_END, [{"pk": one.pk, "at": one.at} for one in _of(found, Moved)])
    ending = [{"pk": one.pk, "at": one.at} for one in _of(found, EndedService)]
    made.ended_with_service = [(int(pk), at) for pk, at in _give(_END_WITH_SERVICE, ending)]
    made.assignments = _new_assignments(brand, found)
    for kind, table in (("service", "records_service"), ("assignment", "records_assignment")):
        confirmed = [one for one in _of(found, Confirmed) if one.kind == kind]
        _give(_CONFIRM.format(table=table), [{"pk": one.pk, "inventory": one.inventory} for one in confirmed])
    open_new(brand, [one.subject for one in _of(found, NewService)], timezone.now(), by)
    return made


def _of(found: Difference, kind: type[S]) -> list[S]:
    return [one for one in found.steps if isinstance(one, kind)]


def _new_customers(brand: Brand, steps: Sequence[NewCustomer]) -> list[int]:
    rows = [
        Customer(
            brand=brand,
            ref=one.subject,
            name=one.name,
            email=one.email,
            language=one.language,
            since=one.since,
        )
        for one in steps
    ]
    return [row.pk for row in Customer.objects.bulk_create(rows, BATCH)]


def _resellers(brand: Brand, found: Difference) -> None:
    """Who rents through whom, once every customer is there. An unknown reseller is left out."""
    wanted = {one.subject: one.reseller for one in _of(found, NewCustomer) if one.reseller}
    wanted |= {one.subject: one.after["reseller"] for one in _of(found, ChangedCustomer) if one.after.get("reseller")}
    refs = dict(Customer.objects.filter(brand=brand, ref__in=[*wanted, *wanted.values()]).values_list("ref", "pk"))
    pairs = {refs[ref]: refs[of] for ref, of in wanted.items() if ref in refs and of in refs and ref != of}
    _set(Customer, ((pk, {"reseller_id": reseller}) for pk, reseller in pairs.items()))


def _plain(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "reseller"}


def _new_services(brand: Brand, steps: Sequence[NewService]) -> list[int]:
    customers = dict(
        Customer.objects.filter(brand=brand, ref__in={one.customer for one in steps}).values_list("ref", "pk")
    )
    rows = [
        Service(
            brand=brand,
            ref=one.subject,
            customer_id=customers[one.customer],
            type=one.type,
            label=one.label,
            since=one.since,
            inventory_id=one.inventory,
        )
        for one in steps
    ]
    return [row.pk for row in Service.objects.bulk_create(rows, BATCH)]


def _changed_services(brand: Brand, found: Difference) -> None:
    moved = _of(found, MovedService)
    customers = dict(
        Customer.objects.filter(brand=brand, ref__in={one.after for one in moved}).values_list("ref", "pk")
    )
    _set(Service, ((one.pk, {"customer_id": customers[one.after]}) for one in moved))
    _set(Service, ((one.pk, dict(one.after)) for one in _of(found, ChangedService)))
    _set(Service, ((one.pk, {"until": one.at}) for one in _of(found, EndedService)))
    _set(Service, ((one.pk, {"until": None}) for one in _of(found, ResumedService)))


def _new_assignments(brand: Brand, found: Difference) -> list[int]:
    begun = [(one.subject, one.service, one.since, one.inventory) for one in _of(found, Begun)]
    begun += [(one.subject, one.after, one.at, one.inventory) for one in _of(found, Moved)]
    services = dict(
        Service.objects.filter(brand=brand, ref__in={service for _, service, _, _ in begun}).values_list("ref", "pk")
    )
    rows = [
        Assignment(service_id=services[service], prefix=prefix, period=(since, None), inventory_id=inventory)
        for prefix, service, since, inventory in begun
    ]
    return [row.pk for row in Assignment.objects.bulk_create(rows, BATCH)]


def _set(model: type[Customer] | type[Service], changes: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Sets fields of rows, each set of equal values in one statement."""
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for pk, fields in changes:
        if fields:
            alike.setdefault(tuple(sorted(fields.items())), []).append(pk)
    for values, pks in alike.items():
        model.objects.filter(pk__in=pks).update(**dict(values))


def _give(statement: str, rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [msgspec.json.encode(rows).decode()])
        return list(cursor.fetchall()) if cursor.description else []


# --- undo -----------------------------------------------------------------------------------------------------------


def undo(comparison: Comparison, by: str) -> None:
    """Takes an applied difference back as one step; the inventory's next difference waits for a person.

    Raises Problem where what it left has changed since.
    """
    try:
        with transaction.atomic():
            lock()
            row = Comparison.objects.select_for_update().get(pk=comparison.pk)
            if row.state != "applied" or row.made is None:
                raise Problem(f"this difference is {row.state}; only one that was applied can be taken back")
            found = msgspec.json.decode(bytes(row.difference), type=Difference)
            _take_back(row.inventory.brand, found, msgspec.json.decode(bytes(row.made), type=Made))
            row.state, row.undone_by, row.undone_at = "undone", by, timezone.now()
            row.save()
            Inventory.objects.filter(pk=row.inventory_id).update(asks_always=True)
    except IntegrityError:
        raise Problem(
            "what it changed was changed again since, so it cannot be taken back as one step; correct the rows instead"
        ) from None


def _take_back(brand: Brand, found: Difference, made: Made) -> None:
    _assert_as_left(found, made)
    Assignment.objects.filter(pk__in=made.assignments).delete()
    _give(_REOPEN, [{"pk": pk, "at": at} for pk, at in _closed(found)])
    _give(_REOPEN, [{"pk": pk, "at": at} for pk, at in made.ended_with_service])
    _set(Service, ((one.pk, {"until": None}) for one in _of(found, EndedService)))
    _set(Service, ((one.pk, {"until": one.ended}) for one in _of(found, ResumedService)))
    _set(Service, ((one.pk, dict(one.before)) for one in _of(found, ChangedService)))
    moved = _of(found, MovedService)
    customers = dict(
        Customer.objects.filter(brand=brand, ref__in={one.before for one in moved}).values_list("ref", "pk")
    )
    _set(Service, ((one.pk, {"customer_id": customers[one.before]}) for one in moved))
    _set(Customer, ((one.pk, _plain(one.before)) for one in _of(found, ChangedCustomer)))
    for kind, table in (("service", "records_service"), ("assignment", "records_assignment")):
        confirmed = [one for one in _of(found, Confirmed) if one.kind == kind]
        _give(_CONFIRM.format(table=table), [{"pk": one.pk, "inventory": one.before} for one in confirmed])
    _remove_services(made.services)
    _remove_customers(made.customers)


def _closed(found: Difference) -> list[tuple[int, datetime]]:
    """The assignments that were closed, with their end."""
    return [(one.pk, one.at) for one in _of(found, Ended)] + [(one.pk, one.at) for one in _of(found, Moved)]


def _assert_as_left(found: Difference, made: Made) -> None:
    """Raises Problem where a row is no longer as the difference left it."""
    whole = Assignment.objects.filter(pk__in=made.assignments, period__endswith=None).count()
    ended = [pk for pk, _ in _closed(found)]
    still = Assignment.objects.filter(pk__in=ended).exclude(period__endswith=None).count()
    services = {one.pk: one.at for one in _of(found, EndedService)}
    same = sum(
        services[pk] == until for pk, until in Service.objects.filter(pk__in=services).values_list("pk", "until")
    )
    if (whole, still, same) != (len(made.assignments), len(ended), len(services)):
        raise Problem(
            "what it changed was changed again since, so it cannot be taken back as one step; correct the rows instead"
        )


def _remove_services(made: Sequence[int]) -> None:
    """Services that nothing refers to vanish; one that the policy was told of ends."""
    told = set(Docket.objects.filter(service__in=made).values_list("service_id", flat=True))
    held = set(Assignment.objects.filter(service__in=made).values_list("service_id", flat=True))
    Service.objects.filter(pk__in=[pk for pk in made if pk not in told | held]).delete()
    Service.objects.filter(pk__in=told | held, until=None).update(until=timezone.now())


def _remove_customers(made: Sequence[int]) -> None:
    used = set(Service.objects.filter(customer__in=made).values_list("customer_id", flat=True))
    used |= set(Customer.objects.filter(reseller__in=made).values_list("reseller_id", flat=True))
    Customer.objects.filter(pk__in=[pk for pk in made if pk not in used]).delete()
