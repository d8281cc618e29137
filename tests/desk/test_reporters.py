"""Reporters: heard of once, noted with time and format, and counted as staff judge them."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abusedesk.channels import fetch
from abusedesk.desk.enact import Move, enact
from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.desk.reporters import mute, note_heard, unmute, wrong_with_domain
from abusedesk.desk.vouching.certificates import read_key
from abusedesk.policy.stimulus import Verification
from abusedesk.records.holders import holders
from abusedesk.records.models import Channel, Docket, Report, Reporter, Strike
from abusedesk.vocabulary.evidence import Evidence, grade
from tests.desk.estate import NOW, complaint, known_reporter, provider, signed_complaint, take, with_addresses
from tests.desk.vouching import pki
from tests.desk.vouching.nameserver import name_server, text_record
from tests.signing import PAIR, sealed

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
AT = "Mon, 2 Mar 2026 11:00:00 +0000"


def test_a_stranger_is_put_on_record_when_it_is_first_heard() -> None:
    with_addresses(provider())
    take(complaint())
    heard = Reporter.objects.get()
    assert (heard.key, heard.known, heard.first_seen, heard.last_seen) == ("fbl@isp.example.net", False, NOW, NOW)
    assert heard.formats == ["arf"]


def test_whoever_is_heard_again_is_noted_with_its_time_and_format() -> None:
    with_addresses(provider())
    take(complaint(), at=NOW)
    take(complaint(ip="192.0.2.2", note="2"), at=NOW + 2 * HOUR)
    heard = Reporter.objects.get()
    assert (heard.first_seen, heard.last_seen, heard.formats) == (NOW, NOW + 2 * HOUR, ["arf"])
    note_heard([(heard.pk, NOW + HOUR, "xarf4"), (None, NOW, "arf")])
    heard.refresh_from_db()
    assert (heard.last_seen, heard.formats) == (NOW + 2 * HOUR, ["arf", "xarf4"])


def test_the_stored_evidence_tells_the_grade_and_its_reason_again() -> None:
    with_addresses(provider())
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"), complaint(ip="192.0.2.2"), complaint(sender="x@example.com"))
    for report in Report.objects.all():
        assert grade(msgspec.convert(report.evidence, Evidence)) == (report.assurance, report.grade_reason)
    assert Report.objects.count() == 3


def _judge(report: Report, stimulus: Verification, key: str) -> None:
    docket = Docket.objects.get(service__isnull=False)
    enact([Move(docket.pk, stimulus, key, NOW + HOUR, "ann")], holders())


def test_what_staff_say_of_a_report_counts_for_its_reporter_and_is_taken_back() -> None:
    with_addresses(provider())
    reporter = known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    report = Report.objects.get()
    _judge(report, Verification(str(report.pk), "verified"), "one")
    reporter.refresh_from_db()
    assert (reporter.confirmed, reporter.rejected) == (1, 0)
    _judge(report, Verification(str(report.pk), rejected=True), "two")
    reporter.refresh_from_db()
    assert (reporter.confirmed, reporter.rejected) == (0, 1)


def test_a_forged_name_costs_its_owner_nothing() -> None:
    with_addresses(provider())
    reporter = known_reporter("isp.example.net")
    take(complaint())
    report = Report.objects.get()
    _judge(report, Verification(str(report.pk), rejected=True), "one")
    reporter.refresh_from_db()
    assert (reporter.confirmed, reporter.rejected) == (0, 0)


def test_what_comes_by_a_reporters_own_folder_is_authenticated(tmp_path: Path) -> None:
    made = with_addresses(provider())
    reporter = Reporter.objects.create(key="feed", name="Feed Example")
    channel = Channel.objects.create(
        kind="folder", name="cert-folder", brand=made.brand, options={"path": str(tmp_path)}, reporter=reporter
    )
    today = datetime.now(UTC)
    (tmp_path / "one.eml").write_bytes(complaint(sender="anybody@example.com", at=format_datetime(today - HOUR)))
    os.utime(tmp_path / "one.eml", ((today - HOUR).timestamp(),) * 2)
    assert fetch.ask_once(channel.pk) == (True, False)
    process_messages(today)
    report = Report.objects.get()
    assert (report.reporter, report.assurance) == (reporter, "authenticated")
    assert report.evidence["feed"] == "cert-folder"
    assert report.grade_reason == "authenticated: it came by cert-folder, which only Feed Example fills"


def test_a_message_under_an_api_key_is_its_holders() -> None:
    made = with_addresses(provider())
    holder = Reporter.objects.create(key="robot", name="Robot")
    receive_many([Incoming(complaint(), "api", NOW, brand=made.brand.pk, provenance={"reporter": str(holder.pk)})])
    process_messages(NOW)
    report = Report.objects.get()
    assert (report.reporter, report.assurance) == (holder, "authenticated")


@pytest.mark.parametrize(
    ("mail", "says"),
    [
        (lambda: pki.pgp_mime(pki.entity()), "signed with OpenPGP key"),
        (lambda: pki.smime(pki.entity()), "signed with S/MIME certificate"),
        (lambda: pki.smime(pki.entity(), opaque=True), "signed with S/MIME certificate"),
    ],
    ids=["OpenPGP", "S/MIME", "opaque S/MIME"],
)
def test_a_report_signed_by_a_key_on_the_record_is_believed_and_acts(mail: Callable[[], bytes], says: str) -> None:
    made = with_addresses(provider())
    keys = [read_key(text)._asdict() for text in (pki.public(), pki.pem())]
    Reporter.objects.create(key=pki.SENDER, name="CERT", known=True, certificates=keys)
    receive_many([Incoming(mail(), "test", NOW, brand=made.brand.pk)])
    process_messages(NOW)
    report = Report.objects.get()
    assert report.assurance == "authenticated"
    assert says in report.grade_reason
    assert Strike.objects.count() == 1


def test_a_report_that_a_trusted_forwarder_sealed_is_believed_by_the_settings_alone(settings: Any) -> None:
    with_addresses(provider())
    known_reporter("isp.example.net")
    mails = [
        sealed(complaint(note=str(one)), "lists.example.org", "dkim=pass header.d=isp.example.net") for one in range(2)
    ]
    with name_server({("s1._domainkey.lists.example.org", "TXT"): [text_record(PAIR.record)]}):
        take(mails[0])
        settings.CONFIGURATION = replace(settings.CONFIGURATION, dns=True, arc_forwarders=("lists.example.org",))
        take(mails[1])
    found = Report.objects.order_by("received_at", "pk").values_list("assurance", flat=True)
    assert sorted(found) == ["authenticated", "unverified"]


def test_spf_alone_is_kept_and_raises_nothing(settings: Any) -> None:
    with_addresses(provider())
    known_reporter("isp.example.net")
    settings.CONFIGURATION = replace(settings.CONFIGURATION, dns=True)
    with name_server({("isp.example.net", "TXT"): ['"v=spf1 ip4:203.0.113.0/24 -all"']}):
        door = {"peer": "203.0.113.9", "helo": "mx.isp.example.net"}
        mail = Incoming(complaint(), "test", NOW, envelope_from="fbl@isp.example.net", provenance=door)
        receive_many([mail])
        process_messages(NOW)
    report = Report.objects.get()
    assert (report.assurance, report.evidence["spf"]) == ("unverified", "pass")
    assert "SPF passes for isp.example.net" in report.grade_reason


def test_a_muted_reporter_is_heard_and_not_believed_until_it_is_believed_again() -> None:
    with_addresses(provider())
    reporter = known_reporter("isp.example.net")
    mute(reporter.pk, "ann", "sends old logs", NOW)
    take(signed_complaint("isp.example.net", note="1"))
    unmute(reporter.pk, "ann", "mended", NOW)
    take(signed_complaint("isp.example.net", note="2", ip="192.0.2.2"))
    found = dict(Report.objects.values_list("assurance", "grade_reason"))
    assert found["unverified"] == "unverified: fbl@isp.example.net is muted"
    assert "authenticated" in found
    assert reporter.changes.count() == 2


def test_two_reporters_behind_one_network_corroborate_nothing() -> None:
    with_addresses(provider())
    for number, domain in enumerate(("one.example", "two.example")):
        known_reporter(domain)
        hop = f"Received: from mx.{domain} (mx.{domain} [203.0.113.{number + 7}]) by mx.example.org; {AT}\r\n"
        take(hop.encode() + signed_complaint(domain, note=domain))
    assert set(Report.objects.values_list("assurance", flat=True)) == {"authenticated"}


def test_two_reporters_that_send_the_same_words_corroborate_nothing() -> None:
    with_addresses(provider())
    for domain in ("one.example", "two.example"):
        known_reporter(domain)
    same = [signed_complaint(domain) for domain in ("one.example", "two.example")]
    take(*same)
    assert set(Report.objects.values_list("assurance", flat=True)) == {"authenticated"}


def test_two_reporters_with_words_of_their_own_corroborate_each_other() -> None:
    with_addresses(provider())
    for domain in ("one.example", "two.example"):
        known_reporter(domain)
    take(signed_complaint("one.example", note="1"), signed_complaint("two.example", note="2"))
    assert set(Report.objects.values_list("assurance", flat=True)) == {"corroborated"}
    said = Report.objects.get(reporter__key="fbl@one.example").grade_reason
    assert said.startswith("corroborated: fbl@two.example, a voice independent of it")
    assert said.endswith("signed by one.example, a known reporter")


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ("cert.example", ""),
        ("com", "no domain"),
        ("co.uk", "public suffix"),
        ("mail.gmail.com", "Anybody"),
        ("a b", "no"),
    ],
)
def test_a_domain_that_others_share_is_nobodys_own(domain: str, says: str) -> None:
    assert says in wrong_with_domain(domain)
    assert bool(says) == bool(wrong_with_domain(domain))
