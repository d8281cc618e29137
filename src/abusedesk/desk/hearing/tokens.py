"""Tokens: the address that finds a ticket or a notice again, signed so that nobody can make one up.

`abuse+t-<ticket>-<signature>@…` is where customers answer, `abuse+r-<thread>-<signature>@…` where reporters do, and
`abuse+n-<notice>-<signature>@…` is where bounces go (VERP). It names a ticket, a thread or a notice, never a person.
Mail servers may change the case of an address, so case says nothing.
"""

import base64
import binascii
import hmac
import re
import uuid
from collections.abc import Iterable
from hashlib import sha256

from django.conf import settings

from abusedesk.records.models import Brand

_SIGNATURE = 16
"""Letters of 5 bits: 80 bits that nobody guesses."""

_DETAIL = re.compile(r"([tnr])-([a-z0-9]{4,40})-([a-z2-7]{16})")


def detail_of(address: str) -> str:
    """The detail of a mail address (RFC 5233): `4711` of `abuse+4711@example.net`; empty where it has none."""
    return address.rpartition("@")[0].partition("+")[2].lower()


def reply_address(brand: Brand, ticket: str) -> str:
    """Where an answer to a ticket's notices goes."""
    return _with_detail(answer_address(brand), f"t-{_signed('t', ticket.lower())}")


def thread_address(brand: Brand, thread: str) -> str:
    """Where a reporter answers."""
    return _with_detail(answer_address(brand), f"r-{_signed('r', thread.lower())}")


def bounce_address(brand: Brand, notice: uuid.UUID) -> str:
    """Where the bounces of a notice go."""
    return _with_detail(answer_address(brand), f"n-{_signed('n', _short(notice))}")


def answer_address(brand: Brand) -> str:
    """The brand's address that takes mail in: its sender's where that is one of them, else its first for abuse."""
    known = [address.lower() for address in brand.addresses.order_by("pk").values_list("address", flat=True)]
    if brand.sender.lower() in known or not known:
        return brand.sender
    return str(
        brand.addresses.order_by("pk").filter(kind="abuse").values_list("address", flat=True).first() or brand.sender
    )


def tickets_in(details: Iterable[str]) -> list[str]:
    """The tickets that details name with a signature of ours, as the table has them."""
    return [name.upper() for kind, name in _named(details) if kind == "t"]


def threads_in(details: Iterable[str]) -> list[str]:
    """The reporters' threads that details name with a signature of ours."""
    return [name.upper() for kind, name in _named(details) if kind == "r"]


def notices_in(details: Iterable[str]) -> list[uuid.UUID]:
    """The notices that details name with a signature of ours."""
    return [found for kind, name in _named(details) if kind == "n" and (found := _long(name)) is not None]


def _named(details: Iterable[str]) -> list[tuple[str, str]]:
    found = (_DETAIL.fullmatch(detail.lower()) for detail in details)
    return [(one[1], one[2]) for one in found if one and _is_ours(one[1], one[2], one[3])]


def _signed(kind: str, name: str) -> str:
    return f"{name}-{_signature(settings.SECRET_KEY, kind, name)}"


def _is_ours(kind: str, name: str, signature: str) -> bool:
    keys = map(str, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    return any(hmac.compare_digest(_signature(key, kind, name), signature) for key in keys)


def _signature(key: str, kind: str, name: str) -> str:
    made = hmac.new(key.encode(), f"abusedesk.answers:{kind}:{name}".encode(), sha256).digest()
    return base64.b32encode(made).decode().lower()[:_SIGNATURE]


def _with_detail(address: str, detail: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}+{detail}@{domain}"


def _short(notice: uuid.UUID) -> str:
    return base64.b32encode(notice.bytes).decode().rstrip("=").lower()


def _long(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(bytes=base64.b32decode(name.upper() + "=" * (-len(name) % 8)))
    except (binascii.Error, ValueError):
        return None
