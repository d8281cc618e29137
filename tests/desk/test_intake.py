"""From the bytes of a mail to the committed decision."""

from datetime import timedelta

import pytest
from django.db import connection

from abusedesk.desk import claim, intake
from abusedesk.records.models import (
    Assignment,
    Case,
    Charge,
    Decision,
    Event,
    Measure,
    Message,
    MessageKey,
    MessageSeen,
    Report,
    Review,
    Strike,
)
from tests.desk.estate import (
    LONG_AGO,
    NOW,
    Provider,
    complaint,
    known_reporter,
    provider,
    signed_complaint,
    take,
    with_addresses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


def test_an_unsigned_complaint_is_forwarded_and_reviewed_and_acts_no_further(jim: Provider) -> None:
    take(complaint())
    case = Case.objects.get()
    assert (case.service, case.abuse_type, case.needs) == (jim.service, "spam", ["review:low_assurance"])
    assert not Strike.objects.exists()
    assert not Measure.objects.exists()


def test_a_known_reporters_signature_makes_it_act(jim: Provider) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    report = Report.objects.get()
    assert report.assurance == "authenticated"
    assert "isp.example.net" in report.grade_reason
    assert Measure.objects.get().kind == "suspend"
    assert Charge.objects.get().amount == 2000


def test_a_forged_signature_does_not(jim: Provider) -> None:
    known_reporter("isp.example.net")
    forged = signed_complaint("isp.example.net").replace(b"192.0.2.1", b"192.0.2.2")
    take(forged)
    assert Report.objects.get().assurance == "unverified"
    assert not Measure.objects.exists()


def test_a_signature_of_another_domain_does_not(jim: Provider) -> None:
    known_reporter("isp.example.net")
    mail = signed_complaint("isp.example.net").replace(b"From: Feedback <fbl@isp.", b"From: Feedback <fbl@other.")
    take(mail)
    assert Report.objects.get().assurance == "unverified"


def test_two_independent_authenticated_reporters_corroborate_each_other(jim: Provider) -> None:
    known_reporter("isp.example.net")
    known_reporter("mail.example.com")
    take(signed_complaint("isp.example.net", note="a"), signed_complaint("mail.example.com", note="b", ip="192.0.2.2"))
    assert set(Report.objects.values_list("assurance", flat=True)) == {"corroborated"}
    assert Strike.objects.count() == 1


def test_two_voices_of_one_organisation_are_one(jim: Provider) -> None:
    known_reporter("isp.example.net", organisation="isp")
    known_reporter("mail.example.com", organisation="isp")
    take(signed_complaint("isp.example.net", note="a"), signed_complaint("mail.example.com", note="b", ip="192.0.2.2"))
    assert set(Report.objects.values_list("assurance", flat=True)) == {"authenticated"}


def test_many_forged_complaints_lead_to_nothing_that_hurts(jim: Provider) -> None:
    take(*(complaint(sender=f"u{one}@throw{one}.example.com", note=str(one)) for one in range(20)))
    assert Report.objects.count() == 20
    assert Case.objects.count() == 1
    assert not Strike.objects.exists()
    assert not Measure.objects.exists()
    assert not Charge.objects.exists()


def test_the_same_bytes_twice_are_one_message(jim: Provider) -> None:
    take(complaint(), complaint())
    take(complaint())
    assert (Message.objects.count(), Report.objects.count(), Decision.objects.count()) == (1, 1, 1)


def test_one_voice_repeating_an_event_is_one_report(jim: Provider) -> None:
    take(complaint(note="a"))
    take(complaint(note="b"))
    assert (Message.objects.count(), Report.objects.count(), Event.objects.count()) == (2, 1, 1)


def test_another_voice_on_the_same_event_is_heard_and_adds_no_event(jim: Provider) -> None:
    take(complaint(note="a"))
    take(complaint(note="b", sender="fbl@other.example.com"))
    assert Report.objects.count() == 2
    assert Case.objects.get().events == 1


def test_a_complaint_goes_to_who_held_the_address_then(jim: Provider) -> None:
    changed = NOW - timedelta(days=1)
    Assignment.objects.filter(service=jim.service, prefix="192.0.2.0/28").update(period=(LONG_AGO, changed))
    later = jim.another("s2", "192.0.2.0/28", since=changed)
    take(complaint(at="Sat, 28 Feb 2026 10:00:00 +0000"), complaint(note="2"))
    assert {(one.service, one.reports) for one in Case.objects.all()} == {(jim.service, 1), (later, 1)}


def test_the_longest_prefix_and_ipv6_count(jim: Provider) -> None:
    nested = jim.another("s2", "192.0.2.4/30")
    take(complaint(ip="192.0.2.5"), complaint(ip="IPv6:2001:db8:1::7", note="2"))
    assert {one.service for one in Case.objects.all()} == {nested, jim.service}


def test_what_nobody_held_is_one_review_and_no_case(jim: Provider) -> None:
    take(complaint(ip="203.0.113.77"))
    review = Review.objects.get()
    assert (review.reason, review.case_id, review.brand) == ("no_attribution", None, jim.brand)
    assert not Case.objects.exists()


def test_a_complaint_older_than_30_days_is_unverified_whoever_signed_it(jim: Provider) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", at="Thu, 1 Jan 2026 10:00:00 +0000"))
    report = Report.objects.get()
    assert report.assurance == "unverified"
    assert "30 days" in report.grade_reason


def test_two_brands_stand_side_by_side(jim: Provider) -> None:
    other = provider("sca", "scalibit", in_force_from=LONG_AGO)
    Assignment.objects.create(service=other.service, prefix="198.51.100.0/24", period=(LONG_AGO, None))
    take(complaint(), complaint(to="abuse@sca.example.org", ip="198.51.100.9"))
    needs = {case.brand.slug: case.needs for case in Case.objects.select_related("brand")}
    assert needs == {"jim": ["review:low_assurance"], "sca": ["review:verify_report"]}


def test_an_address_of_another_brand_is_nobodys(jim: Provider) -> None:
    other = provider("sca", "scalibit", in_force_from=LONG_AGO)
    Assignment.objects.create(service=other.service, prefix="198.51.100.0/24", period=(LONG_AGO, None))
    take(complaint(ip="198.51.100.9"))
    assert Review.objects.get().reason == "no_attribution"


def test_before_the_policy_is_in_force_a_person_is_asked() -> None:
    one = provider("sca", "scalibit")
    Assignment.objects.create(service=one.service, prefix="198.51.100.0/24", period=(LONG_AGO, None))
    take(complaint(to="abuse@sca.example.org", ip="198.51.100.9"))
    assert Review.objects.get().reason == "no_policy_in_force"


def test_what_cannot_be_read_is_put_up_for_a_person(jim: Provider) -> None:
    take(b"From: someone@example.com\r\nTo: abuse@jim.example.org\r\nSubject: hello\r\n\r\nPlease look into this.\r\n")
    assert Message.objects.get().outcome == "needs_review"
    assert Review.objects.get().message_id == Message.objects.get().pk


def test_a_crash_in_the_middle_leaves_nothing_and_the_next_worker_does_it_all(
    jim: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(intake, "mark_read", broken)
        with pytest.raises(KeyboardInterrupt):
            take(complaint())
    assert (Report.objects.count(), Decision.objects.count(), Case.objects.count()) == (0, 0, 0)
    assert intake.process_messages(NOW) == 0, "the lease of the dead worker still runs"
    assert intake.process_messages(NOW + claim.LEASE) == 1
    assert Decision.objects.count() == 1


def test_a_message_that_keeps_breaking_its_reader_goes_to_a_person(jim: Provider) -> None:
    take(complaint())
    MessageSeen.objects.update(read_at=None, attempts=3)
    intake.process_messages(NOW)
    assert Message.objects.get().outcome == "needs_review"


def test_a_change_of_holders_after_attribution_starts_the_batch_over(
    jim: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, late = intake._ready, []

    def move_away_once(*arguments: object) -> object:
        result = ready(*arguments)  # type: ignore[arg-type]
        if not late:
            late.append(jim.another("s2", "192.0.2.0/30"))
        return result

    monkeypatch.setattr(intake, "_ready", move_away_once)
    take(complaint())
    assert Case.objects.get().service == late[0]


def test_illegal_content_leaves_no_bytes_behind(jim: Provider) -> None:
    report = (
        b'{"xarf_version":"4.2.0","report_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8",'
        b'"timestamp":"2026-03-02T10:00:00Z","reporter":{"org":"E","contact":"a@example.net","domain":"example.net"},'
        b'"sender":{"org":"E","contact":"a@example.net","domain":"example.net"},"source_identifier":"192.0.2.1",'
        b'"category":"content","type":"csam","url":"http://192.0.2.1/x","classification":"baseline",'
        b'"detection_method":"hash_match"}'
    )
    take(report)
    message = Message.objects.get()
    assert (message.payload, message.subject) == (None, "")
    assert not MessageKey.objects.exists()
    assert Review.objects.get().restricted
    assert set(Event.objects.values_list("url", "evidence")) == {("", "")}


def test_payloads_lie_encrypted(jim: Provider) -> None:
    take(complaint(note="secret-word"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM records_message")
        assert b"secret-word" not in bytes(cursor.fetchone()[0])
