"""An inventory's webhook: signed or refused, and harmless when it is sent twice."""

import hashlib
import hmac
from typing import Any

import pytest
from django.test import Client

from abusedesk.records.models import Inventory
from tests.web import rows

SECRET = "a secret that nobody guesses"
BODY = b'{"event": "updated", "model": "ipaddress"}'


@pytest.fixture
def inventory(db: Any) -> Inventory:
    return Inventory.objects.create(brand=rows.brand(), kind="netbox", name="netbox", hook_secret=SECRET)


def call(one: Inventory, client: Client, body: bytes = BODY, secret: str = SECRET) -> Any:
    signature = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return client.post(
        f"/hooks/inventory/{one.pk}", body, content_type="application/json", headers={"X-Hook-Signature": signature}
    )


def wanted(one: Inventory) -> Any:
    one.refresh_from_db()
    return one.wanted_at


def test_a_signed_call_asks_for_a_comparison(inventory: Inventory) -> None:
    assert call(inventory, Client(enforce_csrf_checks=True)).status_code == 202
    assert wanted(inventory) is not None


def test_a_wrong_signature_is_refused(inventory: Inventory, client: Client) -> None:
    response = call(inventory, client, secret="another")
    assert response.status_code == 403
    assert wanted(inventory) is None


def test_a_second_call_does_not_put_the_first_off(inventory: Inventory, client: Client) -> None:
    call(inventory, client)
    first = wanted(inventory)
    call(inventory, client)
    assert wanted(inventory) == first


def test_one_without_a_secret_takes_no_call(inventory: Inventory, client: Client) -> None:
    Inventory.objects.update(hook_secret="")
    assert call(inventory, client, secret="").status_code == 403


def test_one_that_is_switched_off_is_not_there(inventory: Inventory, client: Client) -> None:
    Inventory.objects.update(enabled=False)
    assert call(inventory, client).status_code == 404


def test_a_body_without_end_is_refused(inventory: Inventory, client: Client) -> None:
    assert call(inventory, client, b"x" * 3_000_000).status_code == 413


def test_only_a_post_is_a_call(inventory: Inventory, client: Client) -> None:
    assert client.get(f"/hooks/inventory/{inventory.pk}").status_code == 405
