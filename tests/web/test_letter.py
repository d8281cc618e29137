"""Staff write to a customer or a reporter: a draft is kept, looked at, and sent once."""

from uuid import uuid4

import pytest
from django.test import Client

from abusedesk.records.models import Draft, Effect
from tests.web import rows


def address(desk: rows.Desk) -> str:
    return f"/cases/{desk.case.pk}/letter"


def letters() -> list[dict[str, object]]:
    return list(Effect.objects.filter(key__startswith="letter:").values_list("payload", flat=True))


def test_the_case_leads_there(page: Client, desk: rows.Desk) -> None:
    text = page.get(f"/cases/{desk.case.pk}").content.decode()
    assert f'href="{address(desk)}"' in text
    assert f'href="{address(desk)}/{desk.report.pk}"' in text
    assert desk.customer.email in page.get(address(desk)).content.decode()


def test_it_is_shown_as_it_goes_out_and_kept(page: Client, desk: rows.Desk) -> None:
    text = page.post(address(desk), {"do": "look", "text": "Hi <b>there</b>", "token": uuid4().hex}).content.decode()
    assert "Hi &lt;b&gt;there&lt;/b&gt;\n\n-- \nJimCloud" in text
    assert letters() == []
    assert Draft.objects.get().text == "Hi <b>there</b>"
    assert "Hi &lt;b&gt;there" in page.get(address(desk)).content.decode()


def test_it_is_sent_once(page: Client, desk: rows.Desk) -> None:
    given = {"do": "send", "text": "Hi there", "token": uuid4().hex}
    assert page.post(address(desk), given).status_code == 302
    page.post(address(desk), given)
    [payload] = letters()
    assert payload["text"] == "Hi there\n\n-- \nJimCloud\n"
    assert payload["by"] == "ann"
    assert not Draft.objects.exists()


def test_nothing_is_no_letter(page: Client, desk: rows.Desk) -> None:
    assert page.post(address(desk), {"do": "send", "text": " ", "token": uuid4().hex}).status_code == 422
    assert letters() == []


@pytest.mark.parametrize("token", ["", "x", "1" * 500])
def test_a_made_up_form_is_refused(page: Client, desk: rows.Desk, token: str) -> None:
    assert page.post(address(desk), {"do": "send", "text": "Hi", "token": token}).status_code == 404


def test_what_is_typed_is_kept_without_a_press(page: Client, desk: rows.Desk) -> None:
    answer = page.post(address(desk), {"do": "keep", "text": "Hi"})
    assert answer.content == b"Kept as a draft."
    assert Draft.objects.get().by == "ann"


def test_the_reporter_is_written_to_where_it_is_known(page: Client, desk: rows.Desk) -> None:
    to = f"{address(desk)}/{desk.report.pk}"
    text = page.get(to).content.decode()
    assert "Say nothing of who the customer is" in text
    page.post(to, {"do": "send", "text": "Which lines?", "token": uuid4().hex})
    [payload] = letters()
    assert (payload["to"], payload["address"]) == ("reporter", desk.message.sender)


def test_a_report_about_another_case_is_none_of_this(page: Client, desk: rows.Desk) -> None:
    other = rows.case(desk.brand, needs=[])
    assert page.get(f"/cases/{other.pk}/letter/{desk.report.pk}").status_code == 404


def test_a_customer_without_an_address_is_said_to_have_none(page: Client, desk: rows.Desk) -> None:
    desk.customer.email = ""
    desk.customer.save()
    text = page.get(address(desk)).content.decode()
    assert "The customer has no mail address" in text
    assert "<textarea" not in text
