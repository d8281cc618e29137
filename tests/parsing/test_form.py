"""The document of this desk's own forms."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.formats.form import MOST, NAME, Attached, Said, written
from abusedesk.parsing.read import read
from abusedesk.vocabulary.report import Notice

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def said(**more: object) -> Said:
    given = {"category": "content/phishing", "about": ("192.0.2.1", "https://www.example.net/login"), "occurred_at": AT}
    return Said(**{**given, **more})  # type: ignore[arg-type]


def test_what_was_said_is_one_report_with_each_place() -> None:
    reading = read(written(said(email="Ann@Example.com", reference="R1", description="It asks for passwords.")))
    assert (reading.outcome, reading.format, reading.reporter) == ("reported", NAME, "ann@example.com")
    report = reading.reports[0]
    assert (report.reference, report.summary) == ("R1", "It asks for passwords.")
    assert [(event.source, event.url) for event in report.events] == [
        ("192.0.2.1", None),
        ("www.example.net", "https://www.example.net/login"),
    ]
    assert {event.occurred_at for event in report.events} == {AT}


def test_the_elements_of_a_notice_stay() -> None:
    notice = Notice("Regulation (EU) 2022/2065 Article 16(2)", ("reasons",), ("bona_fide",))
    assert read(written(said(notice=notice))).reports[0].notice == notice


def test_files_do_not_change_what_is_read() -> None:
    alone, beside = read(written(said())), read(written(said(files=(Attached("a.log", "text/plain", b"\x00\xff"),))))
    assert alone == beside


def test_a_category_that_there_is_not_is_rejected() -> None:
    assert read(written(said(category="content/nonsense"))).outcome == "rejected"


def test_what_names_no_place_is_for_a_person() -> None:
    assert read(written(said(about=("over there",)))).outcome == "needs_review"


def test_it_names_so_many_places_and_no_more() -> None:
    many = tuple(f"host{index}.example.net" for index in range(MOST + 5))
    assert len(read(written(said(about=many))).events) == MOST


def test_a_form_in_a_mail_is_no_form() -> None:
    mail = b"From: ann@example.com\r\nTo: abuse@example.net\r\nSubject: x\r\n\r\n" + written(said())
    assert read(mail).format != NAME


@given(st.binary(max_size=300))
def test_nothing_that_claims_to_be_one_breaks_it(data: bytes) -> None:
    assert read(b'{"abusedesk": "form/1", ' + data).outcome in {"rejected", "needs_review", "not_a_report"}
