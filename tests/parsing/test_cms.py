"""What lies in an opaque signature is read; what is damaged, cut or nested too deep is left closed."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing import cms
from abusedesk.parsing.read import read

SAMPLES = Path(__file__).parent / "samples"


def sealed(name: str) -> bytes:
    """The bytes of the signature in a sample."""
    text = (SAMPLES / name).read_text()
    return base64.b64decode(re.split(r"\n\n", text, maxsplit=1)[1])


@pytest.mark.parametrize("name", ["smime-opaque-der.eml", "smime-opaque-ber.eml"])
def test_content_is_taken_out_of_both_encodings(name: str) -> None:
    assert b"198.51.100.181" in (cms.signed_content(sealed(name)) or b"")


def test_what_is_encrypted_stays_closed() -> None:
    assert cms.signed_content(sealed("smime-encrypted.eml")) is None


@given(st.sampled_from(["smime-opaque-der.eml", "smime-opaque-ber.eml"]), st.integers(0, 400), st.binary(max_size=8))
def test_damage_never_raises(name: str, place: int, inserted: bytes) -> None:
    data = sealed(name)
    assert isinstance(cms.signed_content(data[:place] + inserted + data[place + 3 :]), bytes | None)


def test_open_lengths_nested_without_end_are_refused() -> None:
    assert cms.signed_content(b"\x30\x80" * 100_000) is None


def test_a_signature_in_a_signature_is_opened_so_often_and_no_more() -> None:
    mail = (SAMPLES / "smime-opaque-der.eml").read_bytes()
    assert [event.source for event in read(mail).events] == ["198.51.100.181"]
