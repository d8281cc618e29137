"""What of a mail was signed: what nobody signed is taken out; a form that could have been changed counts for none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.signed import as_signed, clear_signed, signed_part

HEAD = (
    b"Received: from somewhere\r\nFrom: a@isp.example\r\nSubject: abuse\r\n"
    b'Content-Type: multipart/report;\r\n boundary="part"\r\n'
)
BODY = b"--part\r\n\r\none\r\n--part\r\n\r\n--inner\r\n\r\nx\r\n--inner--\r\n--part--\r\n"
MAIL = HEAD + b"\r\n" + BODY
ALL = ("from", "subject", "content-type")


def test_a_mail_of_which_all_that_tells_is_covered_stays_as_it_is() -> None:
    assert as_signed(MAIL, ALL) is MAIL


def test_a_field_that_is_not_covered_is_taken_out() -> None:
    assert as_signed(MAIL, ("From", "Content-Type")) == MAIL.replace(b"Subject: abuse\r\n", b"").replace(
        b"Received: from somewhere\r\n", b""
    )


def test_of_a_field_that_stands_twice_the_last_is_the_covered_one() -> None:
    reduced = as_signed(b"Subject: forged\r\n" + MAIL, ALL)
    assert reduced is not None
    assert b"forged" not in reduced
    assert b"Subject: abuse" in reduced


@pytest.mark.parametrize("second", [b"From: b@isp.example\r\n", b"Content-Type: text/plain\r\n"])
def test_two_authors_or_two_forms_count_for_none(second: bytes) -> None:
    assert as_signed(second + MAIL, ALL) is None
    assert as_signed(second + MAIL, (*ALL, "from", "content-type")) is None


def test_a_mail_without_an_author_counts_for_none() -> None:
    assert as_signed(MAIL.replace(b"From:", b"X-From:"), ALL) is None


def test_a_form_that_was_not_covered_counts_when_the_body_has_no_other() -> None:
    assert as_signed(MAIL, ("from", "subject")) is MAIL


@pytest.mark.parametrize("other", [b"multipart/report; boundary=inner", b"text/plain", b'multipart/mixed; boundary=""'])
def test_a_form_that_was_not_covered_and_could_be_another_counts_for_none(other: bytes) -> None:
    forged = MAIL.replace(b'multipart/report;\r\n boundary="part"', other)
    assert as_signed(forged, ("from", "subject")) is None


def test_a_plain_text_needs_no_covered_form() -> None:
    mail = b"From: a@isp.example\nContent-Type: text/plain\n\nhello\n-- \nme\n"
    assert as_signed(mail, ("from",)) is mail


@given(st.binary(max_size=300), st.lists(st.sampled_from(["from", "subject", "content-type", ""]), max_size=4))
def test_anything_is_cut_without_an_error(data: bytes, covered: list[str]) -> None:
    as_signed(b"From: x\n" + data, covered)
    signed_part(b"Content-Type: multipart/signed; boundary=x\n" + data)
    clear_signed(data)


# --- signed parts ---------------------------------------------------------------------------------------------------

SIGNED = (
    b'From: a@isp.example\nContent-Type: multipart/signed; protocol="application/pgp-signature"; boundary="b"\n\n'
    b"before\n--b\nContent-Type: text/plain\n\nhello\n"
    b"--b\nContent-Type: application/pgp-signature\n\nSIG\n--b--\nafter\n"
)


def test_the_signed_part_is_what_stands_between_the_delimiters_with_long_line_ends() -> None:
    part = signed_part(SIGNED)
    assert part is not None
    assert part.kind == "application/pgp-signature"
    assert part.content == b"Content-Type: text/plain\r\n\r\nhello"
    assert b"SIG" in part.signature


@pytest.mark.parametrize(
    "mail",
    [
        b"From: a@isp.example\n\nhello",
        SIGNED.replace(b"--b--", b"--b\n\nmore\n--b--"),
        SIGNED.replace(b"multipart/signed", b"multipart/mixed"),
        SIGNED.replace(b'boundary="b"', b"x=y"),
    ],
)
def test_what_is_not_one_part_and_its_signature_has_no_signed_part(mail: bytes) -> None:
    assert signed_part(mail) is None


def test_a_clear_signed_block_is_found_with_its_frame() -> None:
    block = (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n"
        b"-----BEGIN PGP SIGNATURE-----\n\ny\n-----END PGP SIGNATURE-----"
    )
    assert clear_signed(b"From: a\n\nhello\n" + block + b"\nbye\n") == block
    assert clear_signed(b"From: a\n\nhello\n") is None
