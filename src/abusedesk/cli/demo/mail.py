"""The demo's reporters write: ARF, XARF, Shadowserver and plain mails, signed like real ones. All words are our own."""

import base64
import csv
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SELECTOR = "demo"
_SIGNED = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]


class Keys:
    """The DKIM keys of the demo's reporters, made at first need and kept, so that a second run signs the same bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, bytes] = {}

    def private(self, domain: str) -> bytes:
        """The signing key of a domain as PEM."""
        if domain not in self._known:
            self._known[domain] = self._kept(self._folder / f"{domain}.pem")
        return self._known[domain]

    def record(self, domain: str) -> dict[str, str]:
        """What the domain would publish in the DNS, by name, to be pinned."""
        key = serialization.load_pem_private_key(self.private(domain), None)
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {f"{SELECTOR}._domainkey.{domain}": f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"}

    def _kept(self, file: Path) -> bytes:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            key = rsa.generate_private_key(65537, 2048)
            file.touch(mode=0o600)
            file.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        return file.read_bytes()


def signed(mail: bytes, domain: str, keys: Keys) -> bytes:
    """The mail with a DKIM signature of a domain in front."""
    signer = _Undated(mail)
    signature = signer.sign(SELECTOR.encode(), domain.encode(), keys.private(domain), include_headers=_SIGNED)
    return bytes(signature) + mail


class _Undated(dkim.DKIM):  # type: ignore[misc]
    """Signs without the time of signing (`t=`, optional by RFC 6376), so that a second run signs the same bytes."""

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: Any, **more: Any) -> Any:
        """The signature's header without the time."""
        return super().gen_header([field for field in fields if field[0] != b"t"], *rest, **more)


def plain(
    sender: str, to: str, subject: str, body: str, at: datetime, *, more: Mapping[str, str] | None = None
) -> bytes:
    """A mail of text alone."""
    head = _head(sender, to, subject, at, more or {})
    encoded = base64.encodebytes(body.encode()).decode()
    kind = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n"
    return _crlf(f"{head}MIME-Version: 1.0\n{kind}\n{encoded}")


def arf(sender: str, to: str, ip: str, spam: "Spam", at: datetime) -> bytes:
    """A feedback report on one mail (RFC 5965)."""
    boundary = f"part_{_identity(sender, to, ip, at)[:16]}"
    head = _head(sender, to, f"FW: {spam.subject}", at, {})
    human = f"This is an abuse report for a mail that came from {ip} on {format_datetime(spam.at)}.\n"
    report = (
        "Feedback-Type: abuse\nUser-Agent: ExampleLoop/3.2\nVersion: 1\n"
        f"Source-IP: {ip}\nArrival-Date: {format_datetime(spam.at)}\nOriginal-Mail-From: <{spam.sender}>\n"
        f"Reported-Domain: {spam.sender.rpartition('@')[2]}\nIncidents: {spam.incidents}\n"
    )
    original = (
        f"Received: from {spam.helo} ({spam.helo} [{ip}]) by mx.example.com with ESMTP; {format_datetime(spam.at)}\n"
        f"From: {spam.sender}\nTo: undisclosed@example.com\nSubject: {spam.subject}\nDate: {format_datetime(spam.at)}\n"
        f"Message-ID: <{_identity(spam.sender, ip, spam.at)}@{spam.helo}>\n\n{spam.text}\n"
    )
    parts = [("text/plain; charset=us-ascii", human), ("message/feedback-report", report), ("message/rfc822", original)]
    kind = f'Content-Type: multipart/report; report-type=feedback-report; boundary="{boundary}"\n'
    return _crlf(f"{head}MIME-Version: 1.0\n{kind}\n{_joined(parts, boundary)}")


class Spam(NamedTuple):
    """The mail that an ARF report is about."""

    sender: str
    subject: str
    text: str
    at: datetime
    incidents: int = 1

    @property
    def helo(self) -> str:
        """What the server called itself."""
        return f"mail.{self.sender.rpartition('@')[2]}"


def xarf(organisation: str, contact: str, source: str, pair: str, at: datetime, **particulars: object) -> bytes:
    """A XARF v4 report as JSON."""
    category, _, kind = pair.partition("/")
    who = {"org": organisation, "contact": contact, "domain": contact.rpartition("@")[2]}
    report = {
        "xarf_version": "4.2.0",
        "report_id": str(uuid5(NAMESPACE_URL, f"{contact}/{source}/{pair}/{at.isoformat()}")),
        "timestamp": zulu(at),
        "reporter": who,
        "sender": who,
        "source_identifier": source,
        "category": category,
        "type": kind,
        **particulars,
    }
    return json.dumps(report, indent=2, ensure_ascii=False).encode()


def xarf_mail(sender: str, to: str, subject: str, report: bytes, at: datetime, *, words: str) -> bytes:
    """A XARF report as the attachment of a mail."""
    attached = (
        'application/json; name="xarf.json"\nContent-Disposition: attachment; filename="xarf.json"\n'
        "Content-Transfer-Encoding: base64"
    )
    parts = [("text/plain; charset=utf-8", words), (attached, base64.encodebytes(report).decode())]
    return _mixed(_head(sender, to, subject, at, {}), parts)


def feed_mail(sender: str, to: str, name: str, rows: Sequence[Mapping[str, object]], at: datetime) -> bytes:
    """A feed as Shadowserver sends it: a CSV, zipped, attached to a mail. `name` is the CSV's."""
    archive = f"{name.removesuffix('.csv')}.zip"
    words = f"Your daily report {name} with {len(rows)} rows is attached. All times are UTC.\n"
    attached = (
        f'application/zip; name="{archive}"\nContent-Disposition: attachment; filename="{archive}"\n'
        "Content-Transfer-Encoding: base64"
    )
    zipped = base64.encodebytes(_zip(name, _csv(rows), at)).decode()
    parts = [("text/plain; charset=utf-8", words), (attached, zipped)]
    return _mixed(_head(sender, to, f"Report {name.removesuffix('.csv')}", at, {}), parts)


def _mixed(head: str, parts: Sequence[tuple[str, str]]) -> bytes:
    boundary = f"part_{_identity(head)[:16]}"
    kind = f'Content-Type: multipart/mixed; boundary="{boundary}"\n'
    return _crlf(f"{head}MIME-Version: 1.0\n{kind}\n{_joined(parts, boundary)}")


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _zip(name: str, text: str, at: datetime) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, at.timetuple()[:6]), text)
    return out.getvalue()


def _head(sender: str, to: str, subject: str, at: datetime, more: Mapping[str, str]) -> str:
    address = sender.rpartition("<")[2].rstrip(">")
    domain = address.rpartition("@")[2]
    lines = {
        "Received": f"from mail.{domain} ([IPv6:{_server_of(domain)}]) by mx.example.net; {format_datetime(at)}",
        "From": sender,
        "To": to,
        "Subject": _word(subject),
        "Date": format_datetime(at),
        "Message-ID": f"<{_identity(sender, to, subject, at)}@{domain}>",
        **more,
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _server_of(domain: str) -> str:
    """The address of a domain's mail server, each in a network of its own: whoever shares one is no second voice."""
    return f"2001:db8:{0xA000 + zlib.crc32(domain.encode()) % 0x5FFF:x}::25"


def _word(text: str) -> str:
    """A header as RFC 2047 words where it is not ASCII."""
    if text.isascii():
        return text
    pieces = [text[start : start + 12] for start in range(0, len(text), 12)]
    return " ".join(f"=?utf-8?b?{base64.b64encode(piece.encode()).decode()}?=" for piece in pieces)


def _joined(parts: Sequence[tuple[str, str]], boundary: str) -> str:
    return (
        "".join(f"--{boundary}\nContent-Type: {kind}\n\n{content}\n" for kind, content in parts) + f"--{boundary}--\n"
    )


def _identity(*of: object) -> str:
    return uuid5(NAMESPACE_URL, "/".join(map(str, of))).hex


def zulu(at: datetime) -> str:
    """An instant as XARF writes it, to the second."""
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
