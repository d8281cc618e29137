"""How many DKIM signatures of complaints are verified per second, on one core, with the key at hand."""

import base64
import time
from datetime import UTC, datetime

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks import database
from benchmarks.ingest import _mail

MAILS = 2_000
DOMAIN = "loop.example.org"
_COVERED = [b"from", b"to", b"subject", b"date", b"mime-version", b"content-type"]


def measure() -> dict[str, dict[str, float | str]]:
    """Signatures verified per second, RSA of 2,048 bits."""
    database.ready()
    from abusedesk.desk.vouching.mailkeys import Author, Keys, signed_by  # noqa: PLC0415 - it needs the settings

    private, record = _key()
    keys = Keys({f"s1._domainkey.{DOMAIN}": record}, dns=False)
    author = Author(DOMAIN, (DOMAIN,))
    mails = [_signed(number, private) for number in range(MAILS)]
    started = time.perf_counter()
    held = sum(signed_by(mail, author, keys, lambda _: False).domain == DOMAIN for mail in mails)
    seconds = time.perf_counter() - started
    if held != MAILS:
        raise RuntimeError(f"only {held} of {MAILS} signatures held")
    return {"dkim_per_s": {"value": MAILS / seconds, "unit": "mails/s"}}


def _signed(number: int, private: bytes) -> bytes:
    mail = _mail(number, datetime.now(UTC)).replace("\n", "\r\n").encode()
    signature: bytes = dkim.sign(mail, b"s1", DOMAIN.encode(), private, include_headers=_COVERED)
    return signature + mail


def _key() -> tuple[bytes, str]:
    """A private key, and the DNS record of its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    return key.private_bytes(*pem, serialization.NoEncryption()), record
