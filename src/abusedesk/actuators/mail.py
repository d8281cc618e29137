"""The mail server: takes letters, or a folder or list takes them where no server is configured.

Django's mail back-end opens the connection; the dialogue is held here, because the server's own words of acceptance are
the proof that a notice was served.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, formataddr
from hashlib import sha256

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from abusedesk.actuators.signature import signed
from abusedesk.problem import Problem

TABLE = "services.csv"
"""The name of the CSV that goes with a letter."""


class Delayed(Exception):  # noqa: N818 - it says what became of the letter
    """The letter could not be handed over now; another attempt may do better."""


class Slowed(Delayed):
    """The destination will not take it now: what goes elsewhere is not concerned."""


class Down(Delayed):
    """Not this letter but the server itself is the matter: the next letter would fare no better."""


class Refused(Exception):  # noqa: N818 - it says what became of the letter
    """The server will not take this letter for this address."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is sent. `envelope` is where bounces go, `reply_to` where answers go.

    `answers` is the Message-ID it follows on, `references` the whole chain where that is longer. `automatic` is what it
    says of itself by RFC 3834, section 5: `auto-generated`, `auto-replied`, or `no` where a person wrote it. `html`
    says the same as `text`; empty sends the text alone. `table` is a CSV that goes with it.
    """

    sender: str
    sender_name: str
    envelope: str
    to: str
    subject: str
    text: str
    message_id: str
    written_at: datetime
    answers: str = ""
    reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: str = "auto-generated"
    html: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who took the letter: `sent` by a mail server, or `outbox`; and the server's words."""

    state: str
    response: str = ""


class Post:
    """An open connection; letters go through it one after another."""

    def __init__(self, backend: BaseEmailBackend) -> None:
        self._backend = backend

    def send(self, letter: Letter) -> Accepted:
        """Hand over one letter. Raises Delayed or Refused."""
        message = _message(letter)
        if not isinstance(self._backend, EmailBackend):
            self._backend.send_messages([message])
            return Accepted("outbox")
        try:
            return Accepted("sent", _dialogue(_server(self._backend), letter, message))
        except smtplib.SMTPAuthenticationError as error:
            raise Down(f"the mail server does not let us in: {_told(error)}") from error
        except _NotNow as error:
            raise Slowed(f"the mail server does not take it now: {_told(error)}") from error
        except smtplib.SMTPResponseException as error:
            raise Delayed(f"the mail server does not take it now: {_told(error)}") from error
        except (OSError, smtplib.SMTPException) as error:
            self._backend.close()
            raise Down(f"the mail server does not answer: {_told(error)}") from error


class _NotNow(smtplib.SMTPResponseException):
    """A 4xx that is about the addressee or the letter, not about us."""


@contextmanager
def post() -> Iterator[Post]:
    """The configured way for mail, closed at the end. It is opened when the first letter goes."""
    backend = get_connection()
    try:
        yield Post(backend)
    finally:
        backend.close()


def _server(backend: EmailBackend) -> smtplib.SMTP:
    backend.open()
    if backend.connection is None:
        raise smtplib.SMTPServerDisconnected("no connection")
    return backend.connection


def _dialogue(server: smtplib.SMTP, letter: Letter, message: EmailMessage) -> str:
    mail = _on_the_wire(message, letter.sender)
    server.ehlo_or_helo_if_needed()
    server.rset()  # A letter that was refused half-way must not go on in the next.
    options = ["BODY=8BITMIME"] if server.has_extn("8bitmime") else []
    _expect(server.mail(letter.envelope, options), permanent=False)
    _expect(server.rcpt(letter.to), permanent=True)
    return _expect(server.data(mail), permanent=True)


def _on_the_wire(message: EmailMessage, sender: str) -> bytes:
    made = message.message()
    for number, part in enumerate(one for one in made.walk() if one.is_multipart()):
        # The same letter sent again after a crash is the same bytes.
        part.set_boundary(sha256(f"{number or ''}{made['Message-ID']}".encode()).hexdigest()[:40])
    written = made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    try:
        return signed(written, sender, settings.CONFIGURATION.dkim)
    except Problem as problem:
        raise Down(str(problem)) from problem


def _expect(reply: tuple[int, bytes], *, permanent: bool) -> str:
    code, text = reply
    words = f"{code} {text.decode(errors='replace')}"
    if code >= 500 and permanent:
        raise Refused(words)
    if code >= 400 and permanent:
        raise _NotNow(code, text.decode(errors="replace"))
    if code >= 400:
        raise smtplib.SMTPResponseException(code, text.decode(errors="replace"))
    return words


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return f"{error.smtp_code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
    return str(error) or type(error).__name__


def _message(letter: Letter) -> EmailMessage:
    headers = {
        "From": formataddr((letter.sender_name, letter.sender)),
        "Message-ID": letter.message_id,
        "Date": format_datetime(letter.written_at),
    }
    if (
        letter.automatic != "no"
    ):  # So that no robot answers it. What a person wrote may be answered by an absence notice.
        headers |= {"Auto-Submitted": letter.automatic, "X-Auto-Response-Suppress": "All"}
    if letter.reply_to:
        headers["Reply-To"] = letter.reply_to
    if letter.answers:
        headers |= {"In-Reply-To": letter.answers, "References": " ".join(letter.references) or letter.answers}
    subject = " ".join(letter.subject.split())
    message = EmailMultiAlternatives(subject, letter.text, letter.envelope, [letter.to], headers=headers)
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    if letter.table:
        message.attach(TABLE, letter.table, "text/csv")
    return message
