"""The public form: for anybody, confirmed by mail, and in nobody's way."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail, signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform.effects import perform_effects
from abusedesk.desk.public_form import door
from abusedesk.records.models import Brand, Channel, Effect, LegalFile, Measure, Message, Report, Review, Submission
from abusedesk.web import public_form
from tests.web import rows

SAID = {
    "category": "content/phishing",
    "about": "192.0.2.10\nhttps://192.0.2.10/login",
    "occurred_at": "2026-11-01T10:00",
    "description": "It asks for passwords.",
    "evidence": "GET /login 200",
    "email": "ann@example.com",
}
NOTICE = SAID | {"about": "https://192.0.2.10/login", "name": "Ann Example", "good_faith": "on"}


@pytest.fixture
def open_form(desk: rows.Desk) -> Brand:
    door.switch(desk.brand, on=True)
    return desk.brand


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """People take their time; tests do not."""
    monkeypatch.setattr(public_form, "_QUICK", timedelta())


def sent(client: Client, path: str = "/report/jimcloud", **given: Any) -> Any:
    filled = (NOTICE if path.endswith("illegal-content") else SAID) | {"begun": public_form.begun_now()} | given
    return client.post(f"{path}?lang=en", filled)


def mailed() -> list[Any]:
    """The mails that the worker has sent so far."""
    perform_effects("w", timezone.now() + timedelta(seconds=1))
    return list(mail.outbox)


def link_in(letter: Any) -> str:
    return re.search(r"http://testserver(\S+)", letter.body)[1]  # type: ignore[index]


def confirmed(client: Client) -> str:
    """Confirms the last mail; returns where the state is shown."""
    return str(client.post(link_in(mailed()[-1]))["Location"])


# --- switched on and off --------------------------------------------------------------------------------------------


def test_it_is_closed_until_somebody_opens_it(client: Client, desk: rows.Desk) -> None:
    assert client.get("/report/jimcloud").status_code == 404
    assert client.get("/report/nobody").status_code == 404


def test_it_is_opened_and_closed_in_the_console(client: Client, desk: rows.Desk) -> None:
    keeper = Client()
    keeper.force_login(rows.staff("dee", is_superuser=True))
    keeper.post("/brands/jimcloud/form", {"form": "on"})
    assert client.get("/report/jimcloud").status_code == 200
    assert "form-jimcloud" in keeper.get("/channels").content.decode()
    keeper.post("/brands/jimcloud/form", {"form": "off"})
    assert client.get("/report/jimcloud").status_code == 404


def test_its_channel_holds_no_deadline_back(open_form: Brand) -> None:
    channel = Channel.objects.get()
    assert (channel.kind, channel.carries_answers, channel.always_current) == ("form", False, True)


# --- from the form to the report ------------------------------------------------------------------------------------


def test_nothing_is_received_until_it_is_confirmed(client: Client, open_form: Brand) -> None:
    before = Message.objects.count()
    assert sent(client)["Location"] == "/report/jimcloud/sent?lang=en"
    letter = mailed()[-1]
    assert letter.to == ["ann@example.com"]
    assert client.get(link_in(letter)).status_code == 200
    assert client.get(link_in(letter)).status_code == 200
    assert Message.objects.count() == before


def test_no_mail_goes_out_within_the_request(client: Client, open_form: Brand) -> None:
    sent(client)
    assert mail.outbox == []
    assert Effect.objects.get().state == "pending"


def test_what_is_confirmed_becomes_an_unverified_report(client: Client, open_form: Brand, desk: rows.Desk) -> None:
    sent(client)
    state = confirmed(client)
    process_messages(timezone.now())
    report = Report.objects.exclude(pk=desk.report.pk).get()
    assert (report.format, report.assurance, report.summary) == ("form", "unverified", "It asks for passwords.")
    assert report.reporter is not None
    assert report.reporter.key == "ann@example.com"
    assert Message.objects.get(pk=report.message_id).channel == "form-jimcloud"
    assert not Measure.objects.exclude(decided="proposed").exists()
    assert report.reference in client.get(state).content.decode()


def test_a_known_reporters_address_on_the_form_counts_for_nothing(
    client: Client, open_form: Brand, desk: rows.Desk
) -> None:
    from abusedesk.records.models import Reporter

    Reporter.objects.create(key="abuse@known.example", domains=["known.example"], known=True)
    sent(client, email="abuse@known.example")
    confirmed(client)
    process_messages(timezone.now())
    assert Report.objects.exclude(pk=desk.report.pk).get().assurance == "unverified"


def test_a_receipt_names_the_number_and_the_page_of_the_state(client: Client, open_form: Brand) -> None:
    sent(client)
    state = confirmed(client)
    receipt = mailed()[-1]
    made = Submission.objects.get()
    assert made.reference in receipt.subject
    assert link_in(receipt) in state
    assert client.get(link_in(receipt)).status_code == 200


def test_what_was_said_is_kept_in_one_place_only(client: Client, open_form: Brand) -> None:
    sent(client)
    confirmed(client)
    made = Submission.objects.get()
    assert (made.document, made.key, made.address) == (None, None, "")


def test_nothing_that_was_written_stands_in_a_mail(client: Client, open_form: Brand) -> None:
    sent(client, name="Buy cheap pills", description="Buy cheap pills at https://shop.example")
    confirmed(client)
    assert not [letter for letter in mailed() if "pills" in letter.body + letter.subject]


def test_the_state_says_how_far_it_is_and_names_nobody(client: Client, open_form: Brand, desk: rows.Desk) -> None:
    sent(client)
    state = confirmed(client)
    assert "received, not read yet" in client.get(state).content.decode()
    process_messages(timezone.now())
    shown = client.get(state).content.decode()
    assert "being looked at" in shown
    assert desk.customer.name not in shown
    assert desk.service.label not in shown
    Report.objects.exclude(pk=desk.report.pk).update(rejected_at=timezone.now())
    Review.objects.update(closed_at=timezone.now())
    assert "dealt with" in client.get(state).content.decode()


# --- the link -------------------------------------------------------------------------------------------------------


def test_a_link_is_used_once(client: Client, open_form: Brand) -> None:
    sent(client)
    link = link_in(mailed()[-1])
    assert client.post(link).status_code == 302
    count = Message.objects.count()
    assert client.post(link).status_code == 410
    assert Message.objects.count() == count


def test_a_link_ends_after_a_day(client: Client, open_form: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(client)
    link = link_in(mailed()[-1])
    monkeypatch.setattr(door, "CONFIRMED_WITHIN", timedelta(seconds=-1))
    assert client.post(link).status_code == 410
    assert Message.objects.filter(channel="form-jimcloud").count() == 0


@pytest.mark.parametrize("page", ["confirm", "state"])
def test_a_link_cannot_be_made_up(page: str, client: Client, open_form: Brand) -> None:
    sent(client)
    made = Submission.objects.get()
    forged = signing.dumps(str(made.pk), salt="another")
    other = door.token_of(made) if page == "confirm" else door.token_of(made, "abusedesk.form.confirm")
    for token in (forged, other, "x", f"{door.token_of(made)}x"):
        assert client.post(f"/report/jimcloud/{page}/{token}").status_code in {405, 410}
        assert client.get(f"/report/jimcloud/{page}/{token}").status_code == 410


def test_a_link_works_after_the_form_was_closed(client: Client, open_form: Brand) -> None:
    sent(client)
    link = link_in(mailed()[-1])
    door.switch(open_form, on=False)
    assert client.post(link).status_code == 302


def test_a_link_of_one_brand_is_none_of_another(client: Client, open_form: Brand) -> None:
    door.switch(rows.brand("other", "Other"), on=True)
    sent(client)
    link = link_in(mailed()[-1]).replace("/jimcloud/", "/other/")
    assert client.post(link).status_code == 410


def test_what_nobody_confirms_is_forgotten(client: Client, open_form: Brand) -> None:
    sent(client)
    door.forget(timezone.now() + timedelta(hours=25))
    made = Submission.objects.get()
    assert (made.document, made.address) == (None, "")
    door.forget(timezone.now() + timedelta(hours=49))
    assert not Submission.objects.exists()


# --- limits ---------------------------------------------------------------------------------------------------------


def test_nobodys_mailbox_is_filled(client: Client, open_form: Brand) -> None:
    for index in range(3):
        assert sent(client, email=f"ann+{index}@example.com").status_code == 302
    response = sent(client, email="a.n.n@example.com")
    assert response.status_code == 429
    assert "It asks for passwords." in response.content.decode()
    assert Effect.objects.count() == 3


def test_who_confirms_may_go_on(client: Client, open_form: Brand) -> None:
    for _ in range(4):
        assert sent(client).status_code == 302
        confirmed(client)


def test_a_network_has_its_share(client: Client, open_form: Brand) -> None:
    for index in range(20):
        client.post("/report/jimcloud", SAID | {"begun": public_form.begun_now(), "email": f"a{index}@example.com"},
                    REMOTE_ADDR=f"192.0.2.{index}")  # fmt: skip
    more = SAID | {"begun": public_form.begun_now(), "email": "z@example.com"}
    assert client.post("/report/jimcloud", more, REMOTE_ADDR="192.0.2.200").status_code == 429
    assert client.post("/report/jimcloud", more, REMOTE_ADDR="198.51.100.1").status_code == 302


def test_a_forwarded_address_counts_only_from_a_proxy_of_ours(client: Client, open_form: Brand) -> None:
    client.post("/report/jimcloud", SAID | {"begun": public_form.begun_now()}, HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert Submission.objects.get().network == "127.0.0.0/24"


def test_a_stop_or_dry_run_is_not_about_these_mails(client: Client, open_form: Brand) -> None:
    Brand.objects.update(dry_run=True, held_since=timezone.now())
    sent(client)
    assert len(mailed()) == 1


def test_an_address_that_bounces_asks_nobody(client: Client, open_form: Brand) -> None:
    from abusedesk.desk.hearing import bounces
    from abusedesk.parsing.answers import Bounce
    from abusedesk.records.models import Notice

    sent(client)
    mailed()
    bounce = Bounce("failed", "5.1.1", "ann@example.com", "unknown user")
    notice = Notice.objects.select_related("effect__decision", "brand", "case").get()
    bounces.write([bounces.Returned(notice.pk, timezone.now(), notice, bounce)], timezone.now())
    assert Notice.objects.get().state == "bounced"
    assert not Review.objects.exists()


# --- what is wrong is said beside its field, and nothing is lost -----------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("about", "over there", "“over there” is no address"),
        ("about", "", "required"),
        ("email", "ann@", "valid email"),
        ("email", "ann@example.com\nBcc: all@example.net", "valid email"),
        ("occurred_at", "2030-01-01T10:00", "still to come"),
        ("category", "content/csam", "Select a valid choice"),
        ("description", "", "required"),
        ("description", "a\x00b", "Null characters"),
    ],
)
def test_bad_input_is_shown_beside_its_field(
    field: str, value: str, says: str, client: Client, open_form: Brand
) -> None:
    response = sent(client, **{field: value})
    text = response.content.decode()
    assert response.status_code == 422
    assert says in text
    assert f'id="id_{field}_error"' in text
    kept = "GET /login 200" if field != "evidence" else "It asks for passwords."
    assert kept in text
    assert not Submission.objects.exists()


def test_too_many_or_too_large_files_are_refused(client: Client, open_form: Brand) -> None:
    small = [SimpleUploadedFile(f"{index}.txt", b"x") for index in range(6)]
    assert "at most 5" in sent(client, attached=small).content.decode()
    large = SimpleUploadedFile("big.log", b"x" * (2 * 1024 * 1024 + 1))
    assert "big.log is larger than 2 MB" in sent(client, attached=large).content.decode()


def test_what_is_far_too_large_is_not_even_read(client: Client, open_form: Brand) -> None:
    response = client.post("/report/jimcloud", b"x" * (public_form.LARGEST + 1), content_type="text/plain")
    assert response.status_code == 413


def test_files_come_along(client: Client, open_form: Brand, desk: rows.Desk) -> None:
    from abusedesk.parsing.formats.form import said_in
    from abusedesk.records.payload import read_payload

    sent(client, attached=[SimpleUploadedFile("a.log", b"\x00\xff", "text/plain")])
    confirmed(client)
    kept = said_in(read_payload(Message.objects.get(channel="form-jimcloud")) or b"")
    assert kept is not None
    assert (kept.files[0].name, kept.files[0].content) == ("a.log", b"\x00\xff")


def test_the_trap_catches_and_lets_people_through(client: Client, open_form: Brand) -> None:
    response = sent(client, website="https://spam.example")
    text = response.content.decode()
    assert (response.status_code, "spam.example" in text, "It asks for passwords." in text) == (422, False, True)
    assert not Submission.objects.exists()


def test_what_is_quicker_than_people_is_asked_again(
    client: Client, open_form: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_form, "_QUICK", timedelta(seconds=2))
    assert "quicker than people" in sent(client).content.decode()
    assert "open too long" in sent(client, begun="forged").content.decode()
    assert not Submission.objects.exists()


def test_a_form_of_another_site_is_refused(open_form: Brand) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert sent(strict).status_code == 403


def test_no_parameter_leads_elsewhere(client: Client, open_form: Brand) -> None:
    filled = SAID | {"begun": public_form.begun_now(), "next": "https://elsewhere.example"}
    response = client.post("/report/jimcloud?next=https://elsewhere.example&lang=en", filled)
    assert response["Location"] == "/report/jimcloud/sent?lang=en"


def test_a_customers_address_and_anybodys_are_answered_alike(client: Client, open_form: Brand) -> None:
    ours, others = sent(client), sent(client, about="203.0.113.9", email="bo@example.com")
    assert (ours.status_code, ours["Location"]) == (others.status_code, others["Location"])


# --- notices under the Digital Services Act --------------------------------------------------------------------------


def test_a_dsa_notice_is_a_report_with_its_elements_and_a_file(
    client: Client, open_form: Brand, desk: rows.Desk
) -> None:
    sent(client, "/report/jimcloud/illegal-content")
    confirmed(client)
    process_messages(timezone.now())
    report = Report.objects.exclude(pk=desk.report.pk).get()
    assert report.notice["present"] == ["reasons", "location", "notifier", "bona_fide"]
    file = LegalFile.objects.get()
    assert (file.kind, file.sender, file.customer) == ("dsa", "ann@example.com", desk.customer)


@pytest.mark.parametrize("field", ["name", "email", "good_faith", "about", "description"])
def test_a_dsa_notice_needs_what_the_law_names(field: str, client: Client, open_form: Brand) -> None:
    response = sent(client, "/report/jimcloud/illegal-content", **{field: ""})
    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()


def test_the_location_is_exact(client: Client, open_form: Brand) -> None:
    response = sent(client, "/report/jimcloud/illegal-content", about="192.0.2.10")
    assert "is no web address" in response.content.decode()


def test_the_sexual_abuse_of_children_may_be_told_without_a_name(client: Client, open_form: Brand) -> None:
    told = {"category": "content/csam", "name": "", "email": ""}
    response = sent(client, "/report/jimcloud/illegal-content", **told)
    assert "/report/jimcloud/state/" in response["Location"]
    process_messages(timezone.now())
    assert Review.objects.get().restricted
    assert mailed() == []
    assert client.get(response["Location"]).status_code == 200


def test_files_with_it_are_refused(client: Client, open_form: Brand) -> None:
    told = {"category": "content/csam", "attached": SimpleUploadedFile("a.jpg", b"x")}
    assert "Never send such content" in sent(client, "/report/jimcloud/illegal-content", **told).content.decode()


def test_the_nameless_are_few(client: Client, open_form: Brand) -> None:
    told = {"category": "content/csam", "name": "", "email": ""}
    for index in range(3):
        sent(client, "/report/jimcloud/illegal-content", **told, description=f"{index}")
    assert sent(client, "/report/jimcloud/illegal-content", **told).status_code == 429


# --- language and headers -------------------------------------------------------------------------------------------


def test_it_speaks_chinese_to_those_who_do(client: Client, open_form: Brand) -> None:
    assert "举报滥用行为" in client.get("/report/jimcloud", HTTP_ACCEPT_LANGUAGE="zh-CN,zh;q=0.9").content.decode()
    wrong = client.post("/report/jimcloud?lang=zh-Hans", {**SAID, "about": "那里", "begun": public_form.begun_now()})
    assert "不是 IP 地址" in wrong.content.decode()
    assert 'lang="zh-Hans"' in wrong.content.decode()
    client.post("/report/jimcloud?lang=zh-Hans", {**SAID, "begun": public_form.begun_now()})
    assert "请确认" in mailed()[-1].subject


def test_both_languages_say_the_same_things() -> None:
    from abusedesk.web.public_words import CATEGORIES, ILLEGAL, NAMES, SAY

    assert SAY["en"].keys() == SAY["zh-Hans"].keys()
    fields = [
        set(re.findall(r"{\w+}", SAY["en"][key])) ^ set(re.findall(r"{\w+}", SAY["zh-Hans"][key])) for key in SAY["en"]
    ]
    assert not any(fields)
    assert all({*CATEGORIES, *ILLEGAL} <= names.keys() for names in NAMES.values())


def test_pages_are_kept_by_nobody_and_tell_no_other_site(client: Client, open_form: Brand) -> None:
    response = client.get("/report/jimcloud")
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "same-origin"
    assert "<script" not in response.content.decode()
