"""The brand's signature on what it sends: DKIM (RFC 6376) by a key of the sender's own domain, as DMARC wants it.

Keys lie as files in the data folder, `dkim/<domain>/<selector>.pem`, readable for the desk's user alone. The newest of
a domain signs: to change a key, make another, publish it, and remove the old one when nothing it signed is on its way.
"""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from abusedesk.problem import Problem

BITS = 2048
SIGNED = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"in-reply-to", b"references", b"auto-submitted",
    b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
"""The headers that the signature covers. From is covered once more than it stands, so that none can be added."""


class Key(NamedTuple):
    """A key of a domain: its selector, and the file in which it lies."""

    domain: str
    selector: str
    file: Path

    @property
    def name(self) -> str:
        """Where its public half stands in the DNS."""
        return f"{self.selector}._domainkey.{self.domain}"


def keys(folder: Path) -> list[Key]:
    """Every key there is, by domain, the one that signs first."""
    found = [Key(one.parent.name, one.stem, one) for one in folder.glob("*/*.pem")]
    found.sort(key=lambda one: one.selector, reverse=True)
    return sorted(found, key=lambda one: one.domain)


def key_for(sender: str, folder: Path) -> Key | None:
    """The key that signs for a mail address: its domain's own newest one."""
    domain = sender.rpartition("@")[2].lower()
    if not domain or "/" in domain or domain.startswith("."):
        return None
    return next(
        iter(sorted((Key(domain, one.stem, one) for one in (folder / domain).glob("*.pem")), reverse=True)), None
    )


def make(domain: str, folder: Path, now: datetime) -> Key:
    """A new key, under a selector named after the instant. Raises Problem where it cannot be kept."""
    selector = f"desk{now.astimezone(UTC):%Y%m%d%H%M%S}"
    key = Key(domain.lower(), selector, folder / domain.lower() / f"{selector}.pem")
    secret = rsa.generate_private_key(65537, BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    try:
        key.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key.file.touch(0o600, exist_ok=False)
        key.file.write_bytes(secret)
    except OSError as error:
        raise Problem(f"{key.file}: the key cannot be kept there ({error.strerror})") from None
    return key


def record(key: Key) -> str:
    """What has to stand in the DNS under the key's name (RFC 6376 section 3.6.1). Raises Problem for a broken file."""
    try:
        public = serialization.load_pem_private_key(_read(key), None).public_key()
    except (ValueError, TypeError) as error:
        raise Problem(f"{key.file} is no private key ({error}); make another with `abusedesk dkim new`") from None
    written = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(written).decode()}"


def signed(mail: bytes, sender: str, folder: Path) -> bytes:
    """The mail with its sender's signature on top, or as it is where the sender's domain has no key.

    Raises Problem for a key that cannot be used: a mail that should be signed does not go out without.
    """
    key = key_for(sender, folder)
    if key is None:
        return mail
    present = {line.partition(b":")[0].lower() for line in mail.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    covered = [b"from", *(one for one in SIGNED if one in present)]
    try:
        top = dkim.sign(
            mail, key.selector.encode(), key.domain.encode(), _read(key), include_headers=covered,
            canonicalize=(b"relaxed", b"relaxed"),
        )  # fmt: skip
    except (dkim.DKIMException, ValueError) as error:
        raise Problem(f"{key.file} cannot sign ({error}); make another with `abusedesk dkim new`") from None
    return bytes(top) + mail


def _read(key: Key) -> bytes:
    try:
        return key.file.read_bytes()
    except OSError as error:
        raise Problem(f"{key.file} cannot be read ({error.strerror}); make it readable for this user") from None
