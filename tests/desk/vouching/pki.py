"""Keys made for the tests of one run: an OpenPGP key, and an S/MIME certificate with what it signs."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pysequoia
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SENDER = "cert@cert.example.org"


@cache
def openpgp(name: str = "cert") -> Any:
    """A secret OpenPGP key."""
    return pysequoia.Tsk.generate(f"{name} <{name}@cert.example.org>")


def public(name: str = "cert") -> str:
    """The public half in its armor."""
    return str(openpgp(name).extract_certificate())


@cache
def certificate(kind: str = "rsa", days: int = 30) -> tuple[Any, x509.Certificate]:
    """A private key and its own certificate, good for so many days from ten days before `NOW`."""
    made: Any = (
        rsa.generate_private_key(65537, 2048) if kind.startswith("rsa") else ec.generate_private_key(ec.SECP256R1())
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, kind)])
    began = NOW - timedelta(days=10)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(made.public_key())
        .serial_number(7)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=days))
        .sign(made, hashes.SHA256())
    )
    return made, built


def pem(kind: str = "rsa", days: int = 30) -> str:
    """The certificate as PEM."""
    return certificate(kind, days)[1].public_bytes(serialization.Encoding.PEM).decode()


def entity(ip: str = "192.0.2.1") -> bytes:
    """A part that complains."""
    return (
        b"Content-Type: text/plain\r\n\r\nLogin attack from %b on port 22 at 2026-03-02 10:30:00 UTC.\r\n" % ip.encode()
    )


def pgp_mime(content: bytes, name: str = "cert") -> bytes:
    """A mail with a detached OpenPGP signature (RFC 3156)."""
    signature = pysequoia.sign(openpgp(name).signer(), content, mode=pysequoia.SignatureMode.DETACHED)
    return _multipart(content, "application/pgp-signature", b"", bytes(signature))


def clear_signed(text: bytes, name: str = "cert") -> bytes:
    """A mail whose text is clear-signed."""
    block = bytes(pysequoia.sign(openpgp(name).signer(), text, mode=pysequoia.SignatureMode.CLEAR))
    return _head(b"Content-Type: text/plain\r\n") + b"\r\n" + block


def smime(content: bytes, kind: str = "rsa", *, opaque: bool = False, days: int = 30, pss: bool = False) -> bytes:
    """A mail with an S/MIME signature (RFC 8551), beside the content or around it."""
    key, built = certificate(kind, days)
    rsa_padding = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH) if pss else None
    signing = pkcs7.PKCS7SignatureBuilder().set_data(content)
    signing = signing.add_signer(built, key, hashes.SHA256(), rsa_padding=rsa_padding)
    options = [pkcs7.PKCS7Options.Binary]
    options += [] if opaque else [pkcs7.PKCS7Options.DetachedSignature]
    signed = signing.sign(serialization.Encoding.DER, options)
    import base64

    encoded = base64.encodebytes(signed)
    transfer = b"Content-Transfer-Encoding: base64\r\n"
    if opaque:
        return _head(b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n" + transfer) + b"\r\n" + encoded
    return _multipart(content, "application/pkcs7-signature", transfer, encoded)


def _head(more: bytes) -> bytes:
    return b"From: <%b>\r\nSubject: report\r\nMIME-Version: 1.0\r\n" % SENDER.encode() + more


def _multipart(content: bytes, protocol: str, transfer: bytes, signature: bytes) -> bytes:
    kind = protocol.encode()
    head = _head(b'Content-Type: multipart/signed; protocol="%b"; micalg=sha-256; boundary="sig"\r\n' % kind)
    return (
        head + b"\r\n--sig\r\n" + content + b"\r\n--sig\r\nContent-Type: %b\r\n%b\r\n" % (kind, transfer)
        + signature + b"\r\n--sig--\r\n"
    )  # fmt: skip
