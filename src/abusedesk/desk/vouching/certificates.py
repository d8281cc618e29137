"""OpenPGP (RFC 9580) and S/MIME (RFC 8551): whether a key that is on the reporter's record signed what was read.

Nothing is fetched: a key that is not on the record is no key. What is signed is read again without the rest of the
mail, so that a genuine block in forged surroundings vouches for nothing but itself.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from email.parser import BytesParser
from typing import Any, NamedTuple

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, Hash, HashAlgorithm

from abusedesk.parsing import cms
from abusedesk.parsing.signed import PART_LIMIT, SignedPart, clear_signed, signed_part
from abusedesk.problem import Problem

log = structlog.get_logger()

OPENPGP, SMIME = "OpenPGP", "S/MIME"
KEYS = 5
"""How many keys of one reporter are tried on one message, the newest on its record first."""

_HASHES: dict[bytes, Callable[[], HashAlgorithm]] = {
    bytes.fromhex("608648016503040201"): SHA256,
    bytes.fromhex("608648016503040202"): SHA384,
    bytes.fromhex("608648016503040203"): SHA512,
}
_PSS = bytes.fromhex("2a864886f70d01010a")


class Key(NamedTuple):
    """A key on a record: `kind` is OpenPGP or S/MIME, `text` its armored or PEM form."""

    kind: str
    fingerprint: str
    text: str

    @property
    def name(self) -> str:
        """How the key is called where evidence is shown."""
        noun = "OpenPGP key" if self.kind == OPENPGP else "S/MIME certificate"
        return f"{noun} {self.fingerprint[:16]}"


class Proof(NamedTuple):
    """A signature that holds: by which key, and the mail made of nothing but what it covers."""

    key: Key
    mail: bytes


def read_key(text: str) -> Key:
    """An OpenPGP public key or an X.509 certificate as a key. Raises Problem with what is wrong with it."""
    if "BEGIN PGP" in text:
        return _read_openpgp(text)
    if "BEGIN CERTIFICATE" in text:
        return _read_certificate(text)
    raise Problem("this is neither an OpenPGP public key nor a certificate: paste the whole block with its BEGIN line")


def _read_openpgp(text: str) -> Key:
    import pysequoia  # noqa: PLC0415 - only an installation whose reporters have such keys pays for it

    if "PGP PRIVATE KEY" in text:
        raise Problem("this block holds a secret key; paste the public one, and tell its owner")
    try:
        certificate = pysequoia.Cert.from_bytes(text.encode())
    except Exception as error:
        raise Problem(f"this OpenPGP key cannot be read: {_line(error)}") from None
    if certificate.is_revoked:
        raise Problem("this OpenPGP key was revoked by its owner; ask for the new one")
    return Key(OPENPGP, certificate.fingerprint.upper(), text.strip())


def _read_certificate(text: str) -> Key:
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except ValueError as error:
        raise Problem(f"this certificate cannot be read: {_line(error)}") from None
    if not isinstance(
        certificate.public_key(), rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    ):
        raise Problem("this certificate's key is of a kind that is not used for mail; RSA, EC and Ed25519 are")
    return Key(SMIME, certificate.fingerprint(hashes.SHA256()).hex().upper(), text.strip())


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def proof_of(data: bytes, sender: str, keys: Iterable[Key], at: datetime) -> Proof | None:
    """The first key whose signature on a part of the mail holds at an instant."""
    kept = list(keys)[:KEYS]
    if not kept or len(data) > 2 * PART_LIMIT:
        return None
    try:
        return next(_proofs(data, sender, kept, at), None)
    except Exception as error:  # the OpenPGP library and the parsers of certificates raise many things
        log.info("signature cannot be read", error=_line(error))
        return None


def _proofs(data: bytes, sender: str, keys: list[Key], at: datetime) -> Iterator[Proof]:
    openpgp = [one for one in keys if one.kind == OPENPGP]
    smime = [one for one in keys if one.kind == SMIME]
    part = signed_part(data)
    if part is not None and part.kind == "application/pgp-signature" and openpgp:
        yield from _detached(part, sender, openpgp)
    if part is not None and part.kind.endswith("pkcs7-signature") and smime:
        yield from _by_certificates(part.content, _decoded(part.signature), sender, smime, at)
    block = clear_signed(data) if openpgp and part is None else None
    if block is not None:
        yield from _clear(block, sender, openpgp)
    sealed = _sealed(data) if smime and part is None else None
    if sealed is not None and (content := cms.signed_content(sealed)) is not None:
        yield from _by_certificates(content, sealed, sender, smime, at)


def _envelope(sender: str, entity: bytes) -> bytes:
    """A signed entity as a mail: the sender, and nothing else that was not signed."""
    return b"From: <%s>\r\nMIME-Version: 1.0\r\n" % sender.encode("ascii", "replace") + entity


def _detached(part: SignedPart, sender: str, keys: list[Key]) -> Iterator[Proof]:
    import pysequoia  # noqa: PLC0415 - as above

    signature = pysequoia.Sig.from_bytes(_decoded(part.signature))
    for key in keys:
        if _openpgp_holds(key, part.content, signature) is not None:
            yield Proof(key, _envelope(sender, part.content))


def _clear(block: bytes, sender: str, keys: list[Key]) -> Iterator[Proof]:
    for key in keys:
        text = _openpgp_holds(key, block, None)
        if text is not None:
            yield Proof(key, _envelope(sender, b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text))


def _openpgp_holds(key: Key, data: bytes, signature: Any) -> bytes | None:
    """What the key signed, or None where it did not."""
    import pysequoia  # noqa: PLC0415 - as above

    certificate = pysequoia.Cert.from_bytes(key.text.encode())
    try:
        checked = pysequoia.verify(bytes=data, store=lambda _ids: [certificate], signature=signature)
    except RuntimeError:
        return None
    names = [str(one.certificate).upper() for one in checked.valid_sigs]
    return checked.bytes if key.fingerprint in names else None


def _by_certificates(content: bytes, signed: bytes, sender: str, keys: list[Key], at: datetime) -> Iterator[Proof]:
    found = cms.signers(signed)
    for key in keys:
        certificate = x509.load_pem_x509_certificate(key.text.encode())
        in_time = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
        if in_time and any(_signer_holds(certificate, one, content) for one in found):
            yield Proof(key, _envelope(sender, content))


def _signer_holds(certificate: x509.Certificate, signer: cms.Signer, content: bytes) -> bool:
    made = _HASHES.get(signer.hashed_by)
    if made is None:
        return False
    if signer.attributes is not None and signer.digest != _digest(made(), content):
        return False
    try:
        _verify(certificate.public_key(), signer, content if signer.attributes is None else signer.attributes, made())
    except InvalidSignature:
        return False
    return True


def _digest(algorithm: HashAlgorithm, content: bytes) -> bytes:
    digest = Hash(algorithm)
    digest.update(content)
    return digest.finalize()


def _verify(key: Any, signer: cms.Signer, covered: bytes, algorithm: HashAlgorithm) -> None:
    """Raises InvalidSignature where the key did not make the signature."""
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
        key.verify(signer.signature, covered, pss if signer.signed_by == _PSS else padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signer.signature, covered, ec.ECDSA(algorithm))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signer.signature, covered)
    else:
        raise InvalidSignature


def _decoded(entity: bytes) -> bytes:
    """The bytes of a MIME part, its transfer encoding undone."""
    return bytes(BytesParser().parsebytes(entity.lstrip(b"\r\n")).get_payload(decode=True) or b"")


def _sealed(data: bytes) -> bytes | None:
    """The bytes of a mail that is an opaque S/MIME signature as a whole; None for any other."""
    if b"pkcs7-mime" not in data[:65536].lower():
        return None
    mail = BytesParser().parsebytes(data)
    return bytes(mail.get_payload(decode=True) or b"") if mail.get_content_type() in cms.TYPES else None
