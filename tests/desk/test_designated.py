"""Mail to designated addresses: its own file, and on to the policy only as far as its kind may."""

from datetime import timedelta

import pytest

from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive, receive_many
from abusedesk.desk.watch import fire_due
from abusedesk.records.models import (
    BrandAddress,
    Case,
    Channel,
    Deadline,
    Effect,
    FileEntry,
    LegalFile,
    Measure,
    Message,
    MessageKey,
    Report,
    Review,
    SenderDay,
    Strike,
    TicketEntry,
)
from tests.desk.estate import (
    LONG_AGO,
    NOW,
    Provider,
    complaint,
    known_reporter,
    provider,
    signed_complaint,
    with_addresses,
)

pytestmark = pytest.mark.django_db

KINDS = ("legal", "dsa", "authority", "copyright", "dmca")

LETTER = """\
From: {sender}
To: {to}
Subject: {subject}
Date: Mon, 2 Mar 2026 11:00:00 +0000
Message-ID: <{name}@example.com>
{more}Content-Type: text/plain

{text}
"""
REQUEST = "Please preserve all records of the customer who held 192.0.2.1 on 1 March 2026 and send us the name."
NOTICE = """I own the copyright in the film "Example". The file http://192.0.2.1/film.mkv infringes it.
I have a good faith belief that the use is not authorized by the copyright owner, its agent, or the law.
/s/ Ann Example, 1 Example Street, +1 555 0100, ann@example.com"""


@pytest.fixture
def jim() -> Provider:
    made = with_addresses(provider())
    for kind in KINDS:
        BrandAddress.objects.create(brand=made.brand, address=f"{kind}@jim.example.org", kind=kind)
    return made


def letter(
    to: str,
    text: str = REQUEST,
    subject: str = "Our request",
    *,
    name: str = "1",
    more: str = "",
    sender: str = "ann@example.com",
) -> bytes:
    mail = LETTER.format(to=to, text=text, subject=subject, name=name, more=more, sender=sender)
    return mail.replace("\n", "\r\n").encode()


def take(*mails: bytes) -> None:
    receive_many([Incoming(mail, "test", NOW + timedelta(seconds=index)) for index, mail in enumerate(mails)])
    process_messages(NOW + timedelta(minutes=1))


@pytest.mark.parametrize("kind", KINDS)
def test_each_address_opens_a_file_of_its_own_kind(jim: Provider, kind: str) -> None:
    take(letter(f"{kind}@jim.example.org"))
    file = LegalFile.objects.get()
    assert (file.kind, file.state, file.sender, file.subject) == (kind, "open", "ann@example.com", "Our request")
    assert file.reference == f"{kind.upper()}-2026-0001"
    assert not Review.objects.exists()


def test_files_are_numbered_by_brand_kind_and_year(jim: Provider) -> None:
    take(letter("dsa@jim.example.org", name="a"), letter("dsa@jim.example.org", name="b"))
    take(letter("dsa@jim.example.org", name="c"), letter("legal@jim.example.org", name="d"))
    assert set(LegalFile.objects.values_list("reference", flat=True)) == {
        "DSA-2026-0001", "DSA-2026-0002", "DSA-2026-0003", "LEGAL-2026-0001",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["legal", "authority"])
def test_a_letter_or_request_is_never_a_report_by_itself(jim: Provider, kind: str) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", to=f"{kind}@jim.example.org"))
    assert not Report.objects.exists()
    assert not Case.objects.exists()
    assert (LegalFile.objects.get().service, LegalFile.objects.get().customer) == (jim.service, jim.customer)


def test_a_signed_complaint_to_the_dsa_address_is_a_report_that_takes_no_measure(jim: Provider) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", to="dsa@jim.example.org"))
    report = Report.objects.get()
    assert report.assurance == "unverified"
    assert "DSA notice" in report.grade_reason
    assert not Measure.objects.exists()
    assert not Strike.objects.exists()


def test_a_copyright_notice_is_a_case_and_a_file_that_says_what_is_missing(jim: Provider) -> None:
    take(letter("copyright@jim.example.org", NOTICE, "Copyright infringement notice"))
    file, report = LegalFile.objects.get(), Report.objects.get()
    assert Case.objects.get().abuse_type == "infringement"
    assert "material" in file.notice["present"]
    assert "perjury" in file.notice["missing"]
    assert report.notice == file.notice
    assert not Strike.objects.exists()


def test_what_a_copyright_address_hears_of_attacks_stays_in_its_file(jim: Provider) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", to="copyright@jim.example.org"))
    assert not Report.objects.exists()
    assert LegalFile.objects.get().kind == "copyright"


def test_a_dsa_notice_says_which_elements_it_has(jim: Provider) -> None:
    take(letter("dsa@jim.example.org", "Something there is bad."))
    assert set(LegalFile.objects.get().notice["missing"]) >= {"location", "bona_fide"}


def test_a_copyright_notice_to_scalibit_has_a_deadline_and_no_strike() -> None:
    sca = with_addresses(provider("sca", "scalibit", in_force_from=LONG_AGO))
    BrandAddress.objects.create(brand=sca.brand, address="copyright@sca.example.org", kind="copyright")
    known_reporter("example.com")
    take(letter("copyright@sca.example.org", NOTICE, "Copyright infringement notice"))
    due = NOW + timedelta(hours=48)
    assert Deadline.objects.get().due == due
    assert {one.kind for one in Effect.objects.filter(payload__to="customer")} == {"notice"}
    Channel.objects.update(watermark=due + timedelta(hours=1))
    fire_due(due + timedelta(minutes=1))
    assert not Strike.objects.exists()
    assert [(one.kind, one.decided) for one in Measure.objects.all()] == [("suspend", "proposed")]


# --- which address wins ---------------------------------------------------------------------------------------------


def test_of_several_addresses_the_most_restrictive_wins(jim: Provider) -> None:
    take(letter("abuse@jim.example.org, dsa@jim.example.org, authority@jim.example.org"))
    assert LegalFile.objects.get().kind == "authority"


def test_further_recipients_of_the_envelope_count(jim: Provider) -> None:
    one = Incoming(
        letter("x@example.net"), "lmtp", NOW, recipient="abuse@jim.example.org", beside=("legal@jim.example.org",)
    )
    assert Message.objects.get(pk=receive(one).message_id).designation == "legal"


def test_an_address_of_another_brand_does_not_count(jim: Provider) -> None:
    other = provider("scali", "scalibit")
    BrandAddress.objects.create(brand=other.brand, address="authority@scali.example.org", kind="authority")
    one = Incoming(letter("authority@scali.example.org"), "lmtp", NOW, recipient="abuse@jim.example.org")
    found = Message.objects.get(pk=receive(one).message_id)
    assert (found.brand_id, found.designation) == (jim.brand.pk, "abuse")


def test_a_blind_copy_to_an_authority_address_is_a_message_of_its_own(jim: Provider) -> None:
    mail = complaint()
    first = receive(Incoming(mail, "lmtp", NOW, recipient="abuse@jim.example.org"))
    second = receive(Incoming(mail, "lmtp", NOW, recipient="authority@jim.example.org"))
    assert (first.new, second.new) == (True, True)
    process_messages(NOW)
    assert LegalFile.objects.get().kind == "authority"
    assert Report.objects.get().message_id == first.message_id


# --- what continues a file ------------------------------------------------------------------------------------------


def test_what_follows_on_a_mail_goes_to_its_file(jim: Provider) -> None:
    take(letter("legal@jim.example.org"))
    LegalFile.objects.update(state="answered")
    take(letter("legal@jim.example.org", name="2", more="In-Reply-To: <1@example.com>\n"))
    assert LegalFile.objects.get().state == "open"
    assert FileEntry.objects.count() == 2


def test_what_follows_in_the_same_batch_goes_along(jim: Provider) -> None:
    take(
        letter("legal@jim.example.org"),
        letter("legal@jim.example.org", name="2", more="References: <1@example.com>\n"),
    )
    assert LegalFile.objects.get().entries.count() == 2


def test_the_number_in_the_subject_is_enough_at_any_address(jim: Provider) -> None:
    take(letter("authority@jim.example.org"))
    take(letter("abuse@jim.example.org", name="9", subject="Re: AUTHORITY-2026-0001"))
    assert LegalFile.objects.get().entries.count() == 2
    assert set(Message.objects.values_list("designation", flat=True)) == {"authority"}
    assert not Review.objects.exists()


def test_nothing_to_an_authority_address_goes_into_a_file_that_all_read(jim: Provider) -> None:
    take(letter("legal@jim.example.org"))
    take(
        letter(
            "authority@jim.example.org", name="2", subject="Re: LEGAL-2026-0001", more="References: <1@example.com>\n"
        )
    )
    assert set(LegalFile.objects.values_list("kind", flat=True)) == {"legal", "authority"}


def test_a_number_of_another_brands_file_means_nothing(jim: Provider) -> None:
    provider("scali", "scalibit")
    take(letter("legal@jim.example.org"))
    take(letter("abuse@scali.example.org", name="2", subject="LEGAL-2026-0001"))
    assert LegalFile.objects.get().entries.count() == 1


# --- what stays as everywhere ---------------------------------------------------------------------------------------


def test_a_bounce_to_a_legal_address_opens_no_file(jim: Provider) -> None:
    bounce = letter("legal@jim.example.org", "User unknown 550 5.1.1", "Undelivered Mail Returned to Sender",
                    sender="MAILER-DAEMON@example.com")  # fmt: skip
    take(bounce)
    assert not LegalFile.objects.exists()
    assert Message.objects.get().outcome == "not_a_report"


def test_of_illegal_content_only_the_fact_stays(jim: Provider) -> None:
    text = "Child sexual abuse material (CSAM) is hosted at http://192.0.2.1/a.jpg since 1 March 2026."
    take(letter("dsa@jim.example.org", text, "CSAM"))
    assert LegalFile.objects.get().subject == ""
    assert "nothing of it was kept" in FileEntry.objects.get().text
    assert Review.objects.get().restricted
    assert not MessageKey.objects.exists()


def test_an_authoritys_letter_about_it_is_kept_for_restricted_readers(jim: Provider) -> None:
    text = "We investigate child sexual abuse material (CSAM) at http://192.0.2.1/a.jpg. Who was the customer?"
    take(letter("authority@jim.example.org", text, "CSAM"))
    assert MessageKey.objects.count() == 1
    assert not Report.objects.exists()
    assert LegalFile.objects.get().kind == "authority"


def test_its_sender_is_counted_nowhere(jim: Provider) -> None:
    known_reporter("example.com")
    take(letter("authority@jim.example.org"))
    assert not SenderDay.objects.exists()


def test_a_customers_answer_copied_to_legal_is_in_the_ticket_and_in_a_file(jim: Provider) -> None:
    from abusedesk.desk.hearing.tokens import reply_address
    from abusedesk.desk.perform.notice import ticket_of

    take(complaint())
    ticket = ticket_of(Case.objects.get(), NOW)
    to = f"{reply_address(jim.brand, ticket.token)}, legal@jim.example.org"
    take(letter(to, "We cleaned it.", "Re: your notice", sender="jo@example.com"))
    assert TicketEntry.objects.filter(author="customer").count() == 1
    assert LegalFile.objects.get().kind == "legal"
