"""A DKIM key pair made for the tests of one run, and mails signed with it."""

import base64
from functools import cached_property

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class Pair:
    """An RSA key pair; `record` is its DNS record."""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def private(self) -> bytes:
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )

    @cached_property
    def record(self) -> str:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


PAIR = Pair()


def signed(mail: bytes, domain: str) -> bytes:
    """The mail with a signature of a domain, selector `s1`."""
    signature: bytes = dkim.sign(
        mail, b"s1", domain.encode(), PAIR.private, include_headers=[b"from", b"to", b"subject"]
    )
    return signature + mail
