"""The elements of legal notices, present and missing."""

import pytest

from abusedesk.parsing.legal import COPYRIGHT, ILLEGAL_CONTENT
from abusedesk.parsing.read import read
from abusedesk.vocabulary.report import Notice

FULL = """From: agent@rights.example.net
Subject: DMCA notice of copyright infringement

The copyrighted work is the book "Example".
The infringing material is at https://files.example.org/d/81.pdf
Contact: agent@rights.example.net, phone: +1 555 0100
I have a good faith belief that the use is not authorized.
The notice is accurate, and under penalty of perjury I am authorized to act for the owner.
/s/ Jane Example
"""
ELEMENTS = {
    "signature": "/s/ Jane Example\n",
    "good_faith": "I have a good faith belief that the use is not authorized.\n",
    "perjury": "The notice is accurate, and under penalty of perjury I am authorized to act for the owner.\n",
    "contact": "Contact: agent@rights.example.net, phone: +1 555 0100\n",
}


def notice_of(mail: str) -> Notice | None:
    (report,) = read(mail.encode()).reports
    return report.notice


def test_a_whole_copyright_notice_has_all_six_elements() -> None:
    assert notice_of(FULL) == Notice(
        COPYRIGHT, ("signature", "work", "material", "contact", "good_faith", "perjury"), ()
    )


@pytest.mark.parametrize("element", ELEMENTS)
def test_an_element_left_out_is_missed_and_the_report_stands(element: str) -> None:
    found = notice_of(FULL.replace(ELEMENTS[element], ""))
    assert found is not None
    assert found.missing == (element,)


def test_a_notice_under_the_digital_services_act_is_held_against_its_own_elements() -> None:
    mail = """From: notifier@ngo.example.net
Subject: Notice under Article 16 of Regulation (EU) 2022/2065

Exact location (URL): https://forum.example.org/thread/81
Reasons: the page is illegal, a fraudulent investment offer, a scam.
Name: Jane Example
"""
    assert notice_of(mail) == Notice(ILLEGAL_CONTENT, ("reasons", "location", "notifier"), ("bona_fide",))


def test_a_port_scan_is_no_legal_notice() -> None:
    mail = "From: a@example.net\nSubject: port scan from 198.51.100.7\n\nPlease stop the port scan from 198.51.100.7\n"
    assert notice_of(mail) is None
