"""What notices carry is set on a page of the brand, by whom the channels are kept."""

from datetime import timedelta

import pytest
from django.test import Client

from abusedesk.policy.pack import Parameter
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.records.models import Brand
from abusedesk.records.packs import pack_of
from tests.web import rows

PLACE = "/brands/jimcloud/notices"


@pytest.fixture
def admin(client: Client, desk: rows.Desk) -> Client:
    client.force_login(rows.staff("root", is_superuser=True))
    return client


def test_the_page_shows_what_holds_as_it_comes(page: Client, desk: rows.Desk) -> None:
    text = page.get(PLACE).content.decode()
    checked = {name for name in ("html_notices", "show_identities", "ticket_serves") if _is_checked(text, name)}
    assert checked == {"html_notices", "ticket_serves"}
    assert 'value="24"' in text
    assert "Save</button>" not in text
    shown = page.get("/brands/jimcloud").content.decode()
    assert PLACE in shown
    assert "before a deadline" in shown


def _is_checked(text: str, name: str) -> bool:
    return "checked" in text.partition(f'name="{name}"')[2].partition(">")[0]


def test_it_is_saved_and_leaves_the_other_settings(admin: Client) -> None:
    Brand.objects.update(settings={"blast_radius": 5})
    assert admin.post(PLACE, {"remind_hours": "3", "show_identities": "on", "digest_from": "7"}).status_code == 302
    assert Brand.objects.get().settings == {
        "blast_radius": 5,
        "html_notices": False,
        "show_identities": True,
        "ticket_serves": False,
        "remind_before": "PT3H",
        "digest_from": 7,
        "verify_page": "",
    }


def test_never_is_never(admin: Client) -> None:
    admin.post(PLACE, {"remind_hours": "0", "digest_from": "5"})
    assert 'value="0"' in admin.get(PLACE).content.decode()
    assert "<dd>none</dd>" in admin.get("/brands/jimcloud").content.decode()


@pytest.mark.parametrize("hours", ["-1", "241", "soon", ""])
def test_what_is_no_time_is_refused(admin: Client, hours: str) -> None:
    assert admin.post(PLACE, {"remind_hours": hours}).status_code == 422
    assert "remind_before" not in Brand.objects.get().settings


def test_a_policy_with_a_word_of_its_own_is_said_with_its_clause(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Parameter(REMIND_BEFORE, "jimcloud:8", "duration", ((None, timedelta()),))
    monkeypatch.setitem(pack_of(Brand.objects.get()).content.parameters, REMIND_BEFORE, own)
    text = admin.get(PLACE).content.decode()
    assert "The policy itself says" in text
    assert "jimcloud:8" in text


def test_not_everybody_may_change_it(page: Client, desk: rows.Desk) -> None:
    assert page.post(PLACE, {"remind_hours": "1"}).status_code == 403
