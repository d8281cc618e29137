"""The contacts of a customer on their page: shown in the order in which they are written to, and kept there."""

from typing import Any

import pytest
from django.test import Client

from abusedesk.records.models import Contact
from tests.web import rows


def _save(page: Client, desk: rows.Desk, where: str = "new", **values: Any) -> Any:
    given = {"email": "noc@example.net", "role": "technical", "language": "", "position": "0"} | values
    return page.post(f"/customers/{desk.customer.pk}/contacts/{where}", given)


def _page(page: Client, desk: rows.Desk) -> str:
    return page.get(f"/customers/{desk.customer.pk}").content.decode()


def test_a_contact_is_added_and_stands_in_its_place(page: Client, desk: rows.Desk) -> None:
    assert _save(page, desk, email="Noc@example.net").status_code == 302
    shown = _page(page, desk)
    assert 0 < shown.index("noc@example.net") < shown.index(desk.customer.email)


def test_a_contact_is_changed(page: Client, desk: rows.Desk) -> None:
    _save(page, desk)
    one = Contact.objects.get()
    assert _save(page, desk, str(one.pk), role="billing", language="zh-Hans").status_code == 302
    assert (Contact.objects.get().role, Contact.objects.get().language) == ("billing", "zh-Hans")
    shown = _page(page, desk)
    assert shown.index(desk.customer.email) < shown.index("noc@example.net")


def test_a_contact_is_taken_away(page: Client, desk: rows.Desk) -> None:
    _save(page, desk)
    page.post(f"/customers/{desk.customer.pk}/contacts/{Contact.objects.get().pk}/remove")
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "noc", "valid email"),
        ("role", "boss", "not one of the available choices"),
        ("language", "german!", "is no language"),
        ("position", "-1", "greater than or equal to 0"),
    ],
)
def test_what_is_no_contact_is_said_at_its_field(
    page: Client, desk: rows.Desk, field: str, value: str, said: str
) -> None:
    response = _save(page, desk, **{field: value})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Contact.objects.exists()


def test_the_same_address_twice_is_refused(page: Client, desk: rows.Desk) -> None:
    _save(page, desk)
    response = _save(page, desk, email="NOC@example.net")
    assert "already" in response.content.decode()
    assert Contact.objects.count() == 1


def test_a_customer_without_an_address_is_told_as_one(page: Client, desk: rows.Desk) -> None:
    type(desk.customer).objects.update(email="")
    assert "No address" in _page(page, desk)


def test_a_contact_of_another_customer_is_not_found_here(page: Client, desk: rows.Desk) -> None:
    other = rows.case(desk.brand, needs=[]).customer
    one = Contact.objects.create(customer=other, email="x@example.net")
    assert page.get(f"/customers/{desk.customer.pk}/contacts/{one.pk}").status_code == 404
