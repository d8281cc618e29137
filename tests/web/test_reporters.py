"""The reporters' pages: who complains, what counts, who is muted and why; changed by few."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Reporter, ReporterChange
from abusedesk.records.shipped import load, shipped_reporters
from abusedesk.vocabulary.permission import REPORTERS
from tests.desk.vouching import pki
from tests.web import rows


@pytest.fixture
def keeper(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=REPORTERS))
    return page


@pytest.fixture
def cert(db: Any) -> Reporter:
    return Reporter.objects.create(
        key="cert.example", name="CERT Example", organisation="CERT", known=True, domains=["cert.example"],
        confirmed=3, rejected=1, last_seen=timezone.now(),
    )  # fmt: skip


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def given(**changed: str) -> dict[str, str]:
    plain = {"name": "CERT Example", "organisation": "CERT", "known": "on", "domains": "cert.example"}
    return {**plain, "addresses": "", "keys": "", **changed}


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_empty_page_says_where_reporters_come_from(page: Client) -> None:
    assert "abusedesk migrate" in text(page.get("/reporters"))
    assert "Nobody is muted" in text(page.get("/reporters?which=muted"))


def test_the_known_are_listed_with_what_was_made_of_them(page: Client, cert: Reporter) -> None:
    Reporter.objects.create(key="a@stranger.example", last_seen=timezone.now())
    shown = text(page.get("/reporters"))
    assert "CERT Example" in shown
    assert "75 %" in shown
    assert "stranger" not in shown
    assert "stranger" in text(page.get("/reporters?which=all"))


def test_every_known_one_is_on_some_page_once(page: Client, db: Any) -> None:
    names = [f"Watch {number % 40:02}" for number in range(120)]
    Reporter.objects.bulk_create(
        Reporter(key=f"w{number:03}.example", name=name, known=number % 2 == 0) for number, name in enumerate(names)
    )
    seen: list[str] = []
    found, after = page.get("/reporters", {"q": "watch"}), ""
    while True:
        seen += [one.key for one, _ in found.context["rows"]]
        after = found.context["next"]
        if not after:
            break
        found = page.get("/reporters", {"q": "watch", "after": after})
    assert sorted(seen) == sorted(Reporter.objects.values_list("key", flat=True))
    assert len(seen) == 120


@pytest.mark.parametrize("words", ["cert ex", "CERT.example", "CERT"])
def test_a_reporter_is_found_by_name_address_or_organisation(words: str, page: Client, cert: Reporter) -> None:
    assert "CERT Example" in text(page.get("/reporters", {"q": words}))
    assert "Nobody of that name" in text(page.get("/reporters", {"q": words + "x"}))


def test_everybody_is_paged(page: Client, db: Any) -> None:
    now = timezone.now()
    Reporter.objects.bulk_create(Reporter(key=f"u{one}@x.example", last_seen=now) for one in range(60))
    first = page.get("/reporters?which=all")
    assert len(first.context["rows"]) == 50
    assert len(page.get("/reporters", {"which": "all", "after": first.context["next"]}).context["rows"]) == 10


# --- one reporter ---------------------------------------------------------------------------------------------------


def test_a_reporter_shows_its_record_and_its_reports(page: Client, desk: rows.Desk) -> None:
    report, _ = rows.report(desk.case)
    shown = text(page.get(f"/reporters/{report.reporter_id}"))
    assert "EX-4711" in shown
    assert "Signed by example.net, which is known" in shown
    assert "Nobody changed anything" in shown


def test_a_reporter_of_the_release_says_when_it_was_checked(page: Client, cert: Reporter) -> None:
    assert "Came with the release" not in text(page.get(f"/reporters/{cert.pk}"))
    load()
    shown = text(page.get(f"/reporters/{Reporter.objects.get(key='shadowserver.org').pk}"))
    assert f"checked {shipped_reporters().date:%-d %b %Y}" in shown


def test_a_record_that_speaks_against_a_reporter_is_said(page: Client, cert: Reporter) -> None:
    Reporter.objects.update(rejected=9)
    assert "rejected 9 of the 12 reports" in text(page.get(f"/reporters/{cert.pk}"))


@pytest.mark.parametrize("path", ["new", "{pk}/edit", "{pk}/mute", "{pk}/keys", "{pk}/keys/remove"])
def test_reporters_are_changed_by_few(path: str, page: Client, cert: Reporter) -> None:
    assert page.post(f"/reporters/{path.format(pk=cert.pk)}").status_code == 403
    shown = text(page.get(f"/reporters/{cert.pk}"))
    assert "Mute it" not in shown
    assert "Add a key" not in shown


def test_muting_keeps_a_history_and_is_undone(keeper: Client, cert: Reporter) -> None:
    keeper.post(f"/reporters/{cert.pk}/mute", {"reason": "copies of old reports"})
    cert.refresh_from_db()
    assert (cert.muted, cert.muted_by, cert.muted_reason) == (True, "ann", "copies of old reports")
    assert "copies of old reports" in text(keeper.get(f"/reporters/{cert.pk}"))
    keeper.post(f"/reporters/{cert.pk}/mute", {"reason": "they fixed it"})
    cert.refresh_from_db()
    assert (cert.muted, cert.muted_reason) == (False, "")
    assert list(cert.changes.values_list("what", "reason")) == [
        ("no longer muted", "they fixed it"),
        ("muted", "copies of old reports"),
    ]


def test_nobody_is_muted_without_a_reason(keeper: Client, cert: Reporter) -> None:
    assert keeper.post(f"/reporters/{cert.pk}/mute", {"reason": " "}).status_code == 422
    cert.refresh_from_db()
    assert not cert.muted


# --- the record -----------------------------------------------------------------------------------------------------


def test_a_record_is_made_and_changed_and_each_change_is_kept(keeper: Client) -> None:
    keeper.post(
        "/reporters/new", given(addresses="Loop@mail.example.com", keys="S1._domainkey.cert.example v=DKIM1; p=x")
    )
    one = Reporter.objects.get()
    assert (one.key, one.known, one.domains) == ("cert.example", True, ["cert.example"])
    assert one.addresses == ["loop@mail.example.com"]
    assert one.keys == {"s1._domainkey.cert.example": "v=DKIM1; p=x"}
    changed = given(known="", domains="cert.example\nnews.cert.example", trusted_flagger="on")
    keeper.post(f"/reporters/{one.pk}/edit", changed)
    one.refresh_from_db()
    assert (one.known, one.trusted_flagger, one.keys) == (False, True, {})
    said = set(ReporterChange.objects.values_list("what", flat=True))
    assert {"made by hand", "known: no", "domains: +news.cert.example", "trusted flagger: yes"} <= said


def test_saving_what_is_there_changes_nothing(keeper: Client, cert: Reporter) -> None:
    keeper.post(f"/reporters/{cert.pk}/edit", given())
    assert not ReporterChange.objects.exists()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"domains": "co.uk"}, "is a public suffix"),
        ({"domains": "gmail.com"}, "Anybody can have an address"),
        ({"domains": "not a domain"}, "is no domain"),
        ({"domains": "taken.example"}, "stands on the record of Other"),
        ({"addresses": "nobody"}, "is no mail address"),
        ({"addresses": "only@taken.example"}, "stands on the record of Other"),
        ({"keys": "s1 p=x"}, "is no name and key record"),
        ({"name": ""}, "This field is required"),
        ({"domains": "\n".join(f"d{one}.example" for one in range(60))}, "as many as one record keeps"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(changed: dict[str, str], says: str, keeper: Client) -> None:
    Reporter.objects.create(key="o", name="Other", domains=["taken.example"], addresses=["only@taken.example"])
    refused = keeper.post("/reporters/new", given(**changed))
    assert refused.status_code == 422
    assert says in text(refused)
    assert Reporter.objects.count() == 1


def test_two_reporters_made_by_hand_may_have_one_name(keeper: Client) -> None:
    for _ in range(2):
        keeper.post("/reporters/new", given(domains=""))
    assert Reporter.objects.count() == 2


# --- its own keys ---------------------------------------------------------------------------------------------------


def test_keys_are_added_once_and_removed(keeper: Client, cert: Reporter) -> None:
    for _ in range(2):
        keeper.post(f"/reporters/{cert.pk}/keys", {"text": pki.public()})
    keeper.post(f"/reporters/{cert.pk}/keys", {"text": pki.pem()})
    cert.refresh_from_db()
    assert [one["kind"] for one in cert.certificates] == ["OpenPGP", "S/MIME"]
    fingerprint = cert.certificates[0]["fingerprint"]
    assert fingerprint in text(keeper.get(f"/reporters/{cert.pk}"))
    keeper.post(f"/reporters/{cert.pk}/keys/remove", {"key": fingerprint})
    cert.refresh_from_db()
    assert [one["kind"] for one in cert.certificates] == ["S/MIME"]
    assert cert.changes.filter(what=f"certificates: -{fingerprint[:16]}").exists()


def test_what_is_no_key_is_refused(keeper: Client, cert: Reporter) -> None:
    refused = keeper.post(f"/reporters/{cert.pk}/keys", {"text": "hello"})
    assert refused.status_code == 422
    assert "neither an OpenPGP public key nor a certificate" in text(refused)
