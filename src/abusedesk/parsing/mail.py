"""Mail as a tree of parts, whatever state it came in: a fast parser first, the patient one next, plain text last."""

import codecs
import contextlib
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any

from fast_mail_parser import ParseError, parse_email_tree

from abusedesk.parsing import cms

HEADER_LIMIT = 64 * 1024
"""Bytes of a header block that any parser gets to see: decoding encoded words costs the square of their number."""

_ENCODED_WORDS = 600
_PATIENT_LIMIT = 4 * 1024 * 1024
_NESTING_LIMIT = 100
_SEALS = 2
_FIELD = re.compile(rb"[!-9;-~]{1,80}[ \t]{0,8}:")
_KNOWN_FIELD = re.compile(
    rb"(?im)^(?:from|to|subject|received|date|message-id|content-type|return-path|mime-version|delivered-to|sender"
    rb"|reply-to|x-arf|x-xarf|envelope-to)[ \t]*:"
)
_BOUNDARY = re.compile(rb"(?m)^--([\w'()+,./:=?-]{6,70})[ \t]{0,4}\r?\n(?=Content-|MIME-)")
_CHARSET = re.compile(r"""charset\s{0,4}=\s{0,4}["']?([\w.:+-]{1,40})""", re.IGNORECASE)
_WORD = re.compile(r"=\?([\w.:+*-]{1,40})\?([bBqQ])\?([^?\s]{0,400})\?=")
_SLOW_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})

Headers = dict[str, list[str]]


class Part:
    """One node of a mail: its type, its header fields (names in lower case) and its decoded bytes.

    `is_message` marks an embedded mail; its header fields are then those of the first child.
    """

    __slots__ = ("_node", "children", "content_type", "disposition", "filename", "headers", "is_message")

    def __init__(self, node: Any, content_type: str, headers: Headers, filename: str, disposition: str) -> None:
        self._node = node
        self.content_type = content_type
        self.headers = headers
        self.filename = filename
        self.disposition = disposition
        self.children: list[Part] = []
        self.is_message = False

    @property
    def content(self) -> bytes:
        """The part's bytes after its transfer encoding is undone; empty where that fails or there are none."""
        if isinstance(self._node, bytes):
            return self._node
        try:
            return self._node.content or b""
        except ParseError:
            return b""

    @property
    def text(self) -> str:
        """The part's bytes as text, by its own charset or the likeliest one."""
        return decode(self.content, self.headers.get("content-type", [""])[0])

    def first(self, field: str) -> str:
        """The first value of a header field, or an empty text."""
        return self.headers.get(field, [""])[0]

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in reading order."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))


def is_mail(data: bytes) -> bool:
    """Whether the bytes begin with a mail's header block."""
    head = data[:HEADER_LIMIT].lstrip(b"\r\n\xef\xbb\xbf \t")
    if head.startswith((b"From ", b">From ")):
        head = head[head.find(b"\n") + 1 :]
    if not _FIELD.match(head):
        return False
    return _KNOWN_FIELD.search(_header_block(head)) is not None


def parse(data: bytes) -> Part:
    """The mail in `data` as a tree. Never raises: what no parser takes is one part of plain text."""
    return _unsealed(_parsed(data), 0)


def _unsealed(root: Part, depth: int) -> Part:
    """The mail with the content of opaque S/MIME signatures in their place; what is encrypted stays closed."""
    if depth < _SEALS:
        for part in list(root.walk()):
            if part.content_type in cms.TYPES and (inner := cms.signed_content(part.content)):
                part.children = [_unsealed(_parsed(inner), depth + 1)]
                part.content_type = "multipart/signed"
    return root


def _parsed(data: bytes) -> Part:
    data = _normalised(data)
    if data.count(b"=?") <= _ENCODED_WORDS:
        with contextlib.suppress(ParseError, ValueError, RecursionError):
            return _mended(_from_fast(parse_email_tree(data, mode="lazy")), data)
    if data.count(b"oundary") <= _NESTING_LIMIT:
        with contextlib.suppress(Exception):
            return _from_stdlib(BytesParser(policy=compat32).parsebytes(data[:_PATIENT_LIMIT]))
    return _from_text(data)


def decode(data: bytes, content_type: str = "") -> str:
    """Bytes as text: by the charset that the Content-Type names, else UTF-8, else Windows-1252."""
    named = _CHARSET.search(content_type) if content_type else None
    for charset in (named.group(1) if named else "", _marked(data), "utf-8"):
        if charset and _is_usable(charset):
            with contextlib.suppress(UnicodeError, LookupError, ValueError):
                return data.decode(charset)
    return data.decode("cp1252", "replace")


def _marked(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else ""


def _is_usable(charset: str) -> bool:
    with contextlib.suppress(LookupError, ValueError):
        return codecs.lookup(charset).name.replace("-", "_") not in _SLOW_CODECS
    return False


def _normalised(data: bytes) -> bytes:
    data = data.lstrip(b"\r\n\xef\xbb\xbf \t")
    if b"\r" in data[:4096] and b"\n" not in data[:4096]:
        data = data.replace(b"\r", b"\n")
    if data.startswith((b"From ", b">From ")):
        data = data[data.find(b"\n") + 1 :]
    head = _header_block(data)
    if len(head) <= HEADER_LIMIT:
        return data
    return head[: head.rfind(b"\n", 0, HEADER_LIMIT) + 1] + data[len(head) :]


def _header_block(data: bytes) -> bytes:
    end = data.find(b"\n\n", 0, HEADER_LIMIT)
    crlf = data.find(b"\n\r\n", 0, end if end >= 0 else HEADER_LIMIT)
    if crlf >= 0 or end >= 0:
        return data[: (crlf if crlf >= 0 else end) + 1]
    ends = [end for end in (data.find(b"\n\n"), data.find(b"\n\r\n")) if end >= 0]
    return data[: min(ends) + 1] if ends else data


def _mended(root: Part, data: bytes) -> Part:
    """A multipart whose boundary is missing or wrong falls apart by the one its body uses, or is plain text."""
    if any(not part.content_type.startswith("multipart/") for part in root.walk()):
        return root
    body = data[len(_header_block(data)) :]
    used = _BOUNDARY.search(body)
    if used:
        with contextlib.suppress(ParseError, ValueError, RecursionError):
            head = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="' + used.group(1) + b'"\n'
            root.children = _from_fast(parse_email_tree(head + body, mode="lazy")).children
    if all(part.content_type.startswith("multipart/") for part in root.walk()):
        root.children = [Part(body.strip(), "text/plain", {}, "", "")]
    return root


def _from_fast(node: Any) -> Part:
    root = _fast_part(node)
    pending = [(node, root)]
    while pending:
        node, part = pending.pop()
        for child in node.children:
            made = _fast_part(child)
            part.children.append(made)
            pending.append((child, made))
    return root


def _fast_part(node: Any) -> Part:
    headers: Headers = {}
    for name, values in node.headers.items():
        lower = name.lower()
        headers[lower] = headers[lower] + values if lower in headers else values
    part = Part(node, node.content_type.lower(), headers, node.filename or "", (node.disposition or "").lower())
    part.is_message = node.is_message
    return part


def _from_stdlib(message: Message) -> Part:
    headers: Headers = {}
    for name, value in message.items():
        headers.setdefault(name.lower(), []).append(decoded_words(" ".join(str(value).split())))
    content = b"" if message.is_multipart() else message.get_payload(decode=True)
    part = Part(
        content if isinstance(content, bytes) else b"",
        message.get_content_type(),
        headers,
        str(message.get_filename() or ""),
        str(message.get_content_disposition() or ""),
    )
    if message.is_multipart():
        part.is_message = message.get_content_maintype() == "message"
        part.children = [_from_stdlib(child) for child in message.get_payload() if isinstance(child, Message)]
    return part


def _from_text(data: bytes) -> Part:
    head = _header_block(data)
    headers: Headers = {}
    for name, value in fields(decode(head[:HEADER_LIMIT])):
        headers.setdefault(name, []).append(decoded_words(value))
    return Part(data[len(head) :] if headers else data, "text/plain", headers, "", "")


def fields(text: str) -> Iterator[tuple[str, str]]:
    """The header fields of a block of text, continuation lines joined, names in lower case."""
    name, value = "", ""
    for line in text.splitlines():
        if line[:1] in {" ", "\t"}:
            value = f"{value} {line.strip()}" if len(value) < HEADER_LIMIT else value
            continue
        if name:
            yield name, value
        name, colon, rest = line.partition(":")
        name, value = (name.strip().lower(), rest.strip()) if colon and " " not in name.strip() else ("", "")
    if name:
        yield name, value


def decoded_words(value: str) -> str:
    """A header value with its RFC 2047 words decoded; what cannot be decoded stays as it is."""
    return _WORD.sub(_decoded_word, value[:HEADER_LIMIT]) if "=?" in value else value


def _decoded_word(word: re.Match[str]) -> str:
    charset, encoding, text = word.groups()
    with contextlib.suppress(Exception):
        if encoding in "bB":
            return decode(codecs.decode(text.encode(), "base64"), f"charset={charset.split('*')[0]}")
        return decode(codecs.decode(text.replace("_", " ").encode(), "quopri"), f"charset={charset.split('*')[0]}")
    return word.group()
