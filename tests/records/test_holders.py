"""The tables of holders in memory, and how they know that they are stale."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from abusedesk.records.holders import holders
from abusedesk.records.models import Assignment, Brand, Customer, DeclaredName, Service

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=90)


@pytest.fixture
def service() -> Service:
    brand = Brand.objects.create(slug="jim", name="Jim", pack="jimcloud", sender="abuse@example.net")
    customer = Customer.objects.create(brand=brand, ref="c", name="C", since=SINCE)
    return Service.objects.create(brand=brand, ref="s", customer=customer, since=SINCE)


def test_what_is_assigned_is_found_at_once(service: Service) -> None:
    assert holders().of_address("192.0.2.7", NOW) is None
    Assignment.objects.create(service=service, prefix="192.0.2.0/24", period=(SINCE, None))
    assert holders().of_address("192.0.2.7", NOW) == service.pk
    assert holders().brands[service.pk] == service.brand_id


def test_without_a_change_the_tables_are_not_read_again(service: Service) -> None:
    assert holders() is holders()


@pytest.mark.parametrize("change", ["ended", "deleted", "service ended"])
def test_every_change_is_noticed(service: Service, change: str) -> None:
    held = Assignment.objects.create(service=service, prefix="192.0.2.7/32", period=(SINCE, None))
    assert holders().of_address("192.0.2.7", NOW) == service.pk
    if change == "ended":
        Assignment.objects.filter(pk=held.pk).update(period=(SINCE, NOW))
    elif change == "deleted":
        held.delete()
    else:
        Service.objects.filter(pk=service.pk).update(until=NOW)
    assert holders().of_address("192.0.2.7", NOW) is None


def test_the_end_of_a_service_ends_what_it_holds_and_not_what_it_held(service: Service) -> None:
    Assignment.objects.create(service=service, prefix="192.0.2.7/32", period=(SINCE, None))
    Service.objects.filter(pk=service.pk).update(until=NOW)
    assert holders().of_address("192.0.2.7", NOW - timedelta(seconds=1)) == service.pk
    assert holders().of_address("192.0.2.7", NOW) is None


def test_a_declared_name_holds_what_lies_below_it_while_it_is_declared(service: Service) -> None:
    DeclaredName.objects.create(service=service, name="Shop.Example.net", period=(SINCE, NOW))
    assert holders().of_name("www.shop.example.NET.", NOW - timedelta(days=1)) == service.pk
    assert holders().of_name("shop.example.net", NOW) is None
    assert holders().of_name("example.net", NOW - timedelta(days=1)) is None


def test_what_was_loaded_and_then_taken_back_is_not_believed_afterwards(service: Service) -> None:
    with transaction.atomic():
        Assignment.objects.create(service=service, prefix="192.0.2.7/32", period=(SINCE, None))
        assert holders().of_address("192.0.2.7", NOW) == service.pk
        transaction.set_rollback(True)
    Assignment.objects.create(service=service, prefix="192.0.2.8/32", period=(SINCE, None))
    assert holders().of_address("192.0.2.8", NOW) == service.pk
    assert holders().of_address("192.0.2.7", NOW) is None
