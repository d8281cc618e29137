"""What reporters are told is set on a page of the brand, by whom the channels are kept."""

import pytest
from django.test import Client

from abusedesk.records.models import Brand
from tests.web import rows


@pytest.fixture
def admin(client: Client, desk: rows.Desk) -> Client:
    client.force_login(rows.staff("root", is_superuser=True))
    return client


def test_the_page_shows_what_holds(page: Client, desk: rows.Desk) -> None:
    text = page.get("/brands/jimcloud/reporters").content.decode()
    assert 'value="known"' in text.partition("checked")[0].rpartition("<input")[2]
    assert "Save</button>" not in text
    assert "/brands/jimcloud/reporters" in page.get("/brands/jimcloud").content.decode()


def test_it_is_saved_and_leaves_the_other_settings(admin: Client) -> None:
    Brand.objects.update(settings={"blast_radius": 5})
    given = {"acknowledge": "everybody", "receipts_an_hour": "3", "follows_en": " We look at it within a day. "}
    assert admin.post("/brands/jimcloud/reporters", given).status_code == 302
    settings = Brand.objects.get().settings
    assert settings["blast_radius"] == 5
    assert settings["acknowledge"] == "everybody"
    assert settings["what_follows"] == {"en": "We look at it within a day."}


def test_a_value_that_is_none_is_refused(admin: Client) -> None:
    assert admin.post("/brands/jimcloud/reporters", {"acknowledge": "sometimes"}).status_code == 422
    assert "acknowledge" not in Brand.objects.get().settings


def test_not_everybody_may_change_it(page: Client, desk: rows.Desk) -> None:
    assert page.post("/brands/jimcloud/reporters", {"acknowledge": "off"}).status_code == 403
