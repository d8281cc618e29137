"""OpenPGP and S/MIME: a key on the record that signed what was read, and nothing else."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.vouching.certificates import OPENPGP, SMIME, Key, Proof, proof_of, read_key
from abusedesk.problem import Problem
from tests.desk.vouching import pki
from tests.desk.vouching.pki import NOW, SENDER, entity

PGP = read_key(pki.public())


def proof(mail: bytes, *keys: Key) -> Proof | None:
    return proof_of(mail, SENDER, keys, NOW)


# --- OpenPGP --------------------------------------------------------------------------------------------------------


def test_a_detached_signature_by_a_key_on_the_record_holds() -> None:
    found = proof(pki.pgp_mime(entity()), PGP)
    assert found is not None
    assert found.key == PGP
    assert found.mail == b"From: <cert@cert.example.org>\r\nMIME-Version: 1.0\r\n" + entity()


def test_a_clear_signed_text_holds_without_what_stands_around_it() -> None:
    mail = pki.clear_signed(b"attack from 192.0.2.1\n").replace(b"\r\n\r\n", b"\r\n\r\nand from 192.0.2.9\r\n", 1)
    found = proof(mail, PGP)
    assert found is not None
    assert b"192.0.2.1" in found.mail
    assert b"192.0.2.9" not in found.mail
    assert b"Subject" not in found.mail


def test_a_key_that_is_not_on_the_record_is_no_key() -> None:
    assert proof(pki.pgp_mime(entity(), "forger"), PGP) is None
    assert proof(pki.clear_signed(b"x\n", "forger"), PGP) is None
    assert proof(pki.pgp_mime(entity())) is None


def test_the_right_one_of_several_keys_is_found() -> None:
    other = read_key(pki.public("other"))
    found = proof(pki.pgp_mime(entity()), other, PGP)
    assert found is not None
    assert found.key == PGP


def test_what_was_changed_after_signing_does_not_hold() -> None:
    assert proof(pki.pgp_mime(entity()).replace(b"192.0.2.1", b"192.0.2.9"), PGP) is None


# --- S/MIME ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize("opaque", [False, True])
def test_a_signature_by_a_certificate_on_the_record_holds(kind: str, opaque: bool) -> None:
    key = read_key(pki.pem(kind))
    found = proof(pki.smime(entity(), kind, opaque=opaque), key)
    assert found is not None
    assert found.key.kind == SMIME
    assert found.mail.endswith(entity())


def test_a_signature_with_pss_padding_holds() -> None:
    assert proof(pki.smime(entity(), pss=True), read_key(pki.pem())) is not None


def test_another_certificate_and_a_changed_part_do_not_hold() -> None:
    key = read_key(pki.pem())
    assert proof(pki.smime(entity(), "ec"), key) is None
    assert proof(pki.smime(entity()).replace(b"192.0.2.1", b"192.0.2.9"), key) is None


def test_a_certificate_counts_while_it_is_valid() -> None:
    key, mail = read_key(pki.pem()), pki.smime(entity())
    assert proof_of(mail, SENDER, [key], NOW + timedelta(days=19)) is not None
    assert proof_of(mail, SENDER, [key], NOW + timedelta(days=21)) is None


def test_a_signature_made_by_openssl_holds(tmp_path: Path) -> None:
    key, built = pki.certificate("rsa", 30)
    none = serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)
    )
    (tmp_path / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "part").write_bytes(entity())
    command = ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-in", "part"]
    for form in (["-nodetach"], []):
        made = subprocess.run(
            [*command, "-signer", "cert.pem", "-inkey", "key.pem", *form],
            cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        if made.returncode:
            pytest.skip("no openssl that knows CMS")
        mail = b"From: <cert@cert.example.org>\n" + made.stdout
        assert proof(mail, read_key(pki.pem())) is not None, form


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_is_known_by_its_kind_and_fingerprint() -> None:
    assert (PGP.kind, len(PGP.fingerprint)) == (OPENPGP, 40)
    assert PGP.name == f"OpenPGP key {PGP.fingerprint[:16]}"
    assert read_key(pki.pem()).name.startswith("S/MIME certificate ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello", "neither an OpenPGP public key nor a certificate"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----", "cannot be read"),
        (str(pki.openpgp()), "secret key"),
    ],
)
def test_what_is_no_public_key_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(Problem, match=says) as raised:
        read_key(text)
    assert "\n" not in str(raised.value)


# --- hostile mail ---------------------------------------------------------------------------------------------------


@given(st.binary(max_size=400))
def test_no_signature_breaks_the_reader(noise: bytes) -> None:
    keys = [PGP, read_key(pki.pem())]
    protocol = b"application/pgp-signature"
    for kind in (protocol, b"application/pkcs7-signature"):
        mail = pki._multipart(entity(), kind.decode(), b"", noise)
        assert proof_of(mail, SENDER, keys, NOW) is None
    sealed = b"From: a\r\nContent-Type: application/pkcs7-mime\r\n\r\n" + noise
    assert proof_of(sealed, SENDER, keys, NOW) is None
    block = b"From: a\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\n\n" + noise + b"\n-----BEGIN PGP SIGNATURE-----\n"
    assert proof_of(block + b"\nx\n-----END PGP SIGNATURE-----", SENDER, keys, NOW) is None
