"""A DKIM key pair made for the tests of one run, and mails signed with it."""

import base64
import hashlib
from functools import cached_property

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import parse_pem_private_key

_SIGNED = [b"from", b"to", b"subject", b"date", b"mime-version", b"content-type"]


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
    signature: bytes = dkim.sign(mail, b"s1", domain.encode(), PAIR.private, include_headers=_SIGNED)
    return signature + mail


def sealed(mail: bytes, domain: str, saw: str, number: int = 1) -> bytes:
    """The mail as a forwarder passes it on: what it saw, its signature and its seal (RFC 8617), selector `s1`."""
    return _Sealer(mail, domain.encode(), str(number).encode(), saw.encode()).sealed() + mail


class _Sealer(dkim.ARC):  # type: ignore[misc]
    """Makes an ARC set of given results; dkimpy's own signing reads them from a header, by a further library."""

    def __init__(self, mail: bytes, domain: bytes, number: bytes, saw: bytes) -> None:
        super().__init__(mail)
        self._domain, self._number, self._saw = domain, number, saw
        self.hasher = hashlib.sha256
        self._policy = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")

    def sealed(self) -> bytes:
        """The three header fields, the seal first."""
        cv = b"none" if self._number == b"1" else b"pass"
        body = base64.b64encode(hashlib.sha256(self._policy.canonicalize_body(self.body)).digest())
        _, before = self.sorted_arc_headers()
        covered = [header for _, header in before]
        results = b"i=%s; %s; %s\r\n" % (self._number, self._domain, self._saw)
        covered.insert(0, self._put(b"ARC-Authentication-Results", results))
        shown = [(b"c", b"relaxed/relaxed"), (b"h", b":".join(_SIGNED)), (b"bh", body)]
        covered.insert(0, self._sign(b"ARC-Message-Signature", shown, _SIGNED))
        names = [name.lower() for name, _ in reversed(covered)]
        covered.insert(0, self._sign(b"ARC-Seal", [(b"cv", cv)], names))
        return b"".join(b"%s: %s" % header for header in covered[:3])

    def _sign(self, name: bytes, more: list[tuple[bytes, bytes]], covering: list[bytes]) -> tuple[bytes, bytes]:
        common = [(b"i", self._number), (b"a", b"rsa-sha256"), (b"d", self._domain), (b"s", b"s1")]
        fields = [*common, *more, (b"b", b"0" * 60)]
        key = parse_pem_private_key(PAIR.private)
        return self._put(name, self.gen_header(fields, covering, self._policy, name, key))

    def _put(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        self.headers = self._policy.canonicalize_headers([(name, value)]) + self.headers
        return name, value
