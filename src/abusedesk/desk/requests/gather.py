"""Gathering: asks the DNS about a domain that wants to send mail, all at once and within a fixed time.

Only the configured resolver is spoken to, never a server of the domain. What is asked follows records that strangers
wrote, so every chain of them has an end: SPF by the limits of RFC 7208, redirects and selectors by ours.
"""

import asyncio
import base64
import time
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import dkim
import dkim.crypto
import spf
import structlog
from publicsuffixlist import PublicSuffixList

from abusedesk.desk import names
from abusedesk.desk.requests.facts import Gathered, Key, Pointed, Records
from abusedesk.desk.requests.grade import tags_of
from abusedesk.desk.vouching.paths import plain

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

log = structlog.get_logger()

TOTAL_S = 10.0
"""So long all questions about one domain may take together."""

LIFETIME_S = 3.0
AT_ONCE = 20
VALUES = 10
"""So many values of one record are looked at."""

REDIRECTS = 3
SELECTORS = ("default", "mail", "dkim", "selector1", "selector2", "s1", "s2", "k1", "google", "smtp")
"""Where keys usually are; a customer may name another."""

LONGEST = 4096

T = TypeVar("T")


def gather(
    domain: str, selector: str, addresses: Iterable[str], further: int = 0, resolver: "Resolver | None" = None
) -> Gathered:
    """What the DNS says, by the machine's resolver or another one.

    Never within a running event loop. Raises DNSException where there is no resolver.
    """
    return asyncio.run(_gather(domain, selector, list(addresses), further, resolver or names.resolver()))


async def _gather(domain: str, selector: str, addresses: list[str], further: int, resolver: "Resolver") -> Gathered:
    asker = _Asker(resolver)
    selectors = [selector] if selector else list(SELECTORS)
    above = PublicSuffixList().privatesuffix(domain) or domain
    pointed, records, keys, own, registered, mx = await asyncio.gather(
        _all(_pointed(asker, domain, ip) for ip in addresses),
        _spf(asker, domain),
        _all(_key(asker, domain, one) for one in selectors),
        _dmarc(asker, domain),
        _dmarc(asker, above),
        asker.ask(domain, "MX"),
    )
    own_holds = own != () or above == domain
    return Gathered(
        domain=domain,
        addresses=tuple(pointed),
        further=further,
        spf=records,
        spf_end=await _end(asker, records),
        selector=selector,
        keys=tuple(keys),
        dmarc=own if own_holds else registered,
        dmarc_at=domain if own_holds or not registered else above,
        mx=mx,
    )


async def _all(tasks: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    return list(await asyncio.gather(*tasks))


class _Asker:
    """Questions of one check: each asked once, some at a time, none after the time is over."""

    def __init__(self, resolver: "Resolver") -> None:
        self._resolver = resolver
        self._until = time.monotonic() + TOTAL_S
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[tuple[str, str], asyncio.Task[tuple[Any, ...] | None]] = {}
        self.loop = asyncio.get_running_loop()

    async def ask(self, name: str, kind: str) -> Records:
        """The values of a record as text; the strings of a text record joined."""
        found = await self.records(name, kind)
        return None if found is None else tuple(_text(one) for one in found)

    async def records(self, name: str, kind: str) -> tuple[Any, ...] | None:
        """The records of a name, none where there are none, None where nobody answered."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._resolved(*key))
        return await self._asked[key]

    async def _resolved(self, name: str, kind: str) -> tuple[Any, ...] | None:
        import dns.exception  # noqa: PLC0415 - only an installation that may ask the DNS pays for it
        import dns.resolver  # noqa: PLC0415

        async with self._turn:
            left = min(LIFETIME_S, self._until - time.monotonic())
            if left <= 0:
                return None
            try:
                answer = await self._resolver.resolve(name, kind, lifetime=left, search=False)
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                return ()
            except (dns.exception.DNSException, OSError, ValueError):
                return None
        return tuple(answer)[:VALUES]


def _text(record: Any) -> str:
    strings = getattr(record, "strings", None)
    text = str(record) if strings is None else b"".join(strings).decode("utf-8", "replace")
    return " ".join(text.replace("\0", "").split())[:LONGEST]


# --- reverse names --------------------------------------------------------------------------------------------------


async def _pointed(asker: _Asker, domain: str, ip: str) -> Pointed:
    import dns.reversename  # noqa: PLC0415

    reverse = dns.reversename.from_address(ip).to_text(omit_final_dot=True)
    pointers, result = await asyncio.gather(asker.ask(reverse, "PTR"), _spf_of(asker, domain, ip))
    if not pointers:
        return Pointed(ip, pointers, (), result)
    called = tuple(one.rstrip(".").lower() for one in pointers)
    forward = await _all(asker.ask(one, "AAAA" if ":" in ip else "A") for one in called)
    back = tuple(one for one, found in zip(called, forward, strict=True) if found and ip in found)
    is_silent = not back and any(found is None for found in forward)
    return Pointed(ip, called, None if is_silent else back, result)


# --- SPF ------------------------------------------------------------------------------------------------------------


async def _spf(asker: _Asker, domain: str) -> Records:
    found = await asker.ask(domain, "TXT")
    return None if found is None else tuple(one for one in found if (f"{one.lower()} ").startswith("v=spf1 "))


async def _end(asker: _Asker, records: Records) -> Records:
    """The record by which it ends: an `all` of its own, or that of where it redirects (RFC 7208, 6.1)."""
    for _ in range(REDIRECTS):
        target = _redirect(records[0]) if records else ""
        if not target:
            break
        records = await _spf(asker, target)
    return records[:1] if records else records


def _redirect(record: str) -> str:
    terms = record.lower().split()
    if any(term.lstrip("+-~?") == "all" for term in terms):
        return ""
    target = next((term.partition("=")[2] for term in terms if term.startswith("redirect=")), "")
    return names.public_name(target)


async def _spf_of(asker: _Asker, domain: str, ip: str) -> str:
    """What SPF says of an address that sends for the domain; evaluated beside the loop, asked within it."""
    return await asyncio.to_thread(_evaluated, asker, domain, ip)


def _evaluated(asker: _Asker, domain: str, ip: str) -> str:
    try:
        return str(_Query(asker, i=ip, s=f"postmaster@{domain}", h=domain).check()[0])
    except Exception as error:  # pyspf raises whatever a hostile record makes its helpers raise
        log.info("SPF cannot be evaluated", domain=domain, error=repr(error))
        return "temperror"


class _Query(spf.query):  # type: ignore[misc]
    """An evaluation that asks by the check's own resolver, and counts what is void itself (RFC 7208, 4.6.4)."""

    def __init__(self, asker: _Asker, **about: str) -> None:
        super().__init__(**about)
        self._asker = asker

    def dns(self, name: str, kind: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002
        asked = asyncio.run_coroutine_threadsafe(self._asker.records(str(name), kind), self._asker.loop)
        found = asked.result()
        if found is None:
            raise spf.TempError(f"DNS {name}")
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many void lookups")
        return [plain(kind, one) for one in found]


# --- DKIM -----------------------------------------------------------------------------------------------------------


async def _key(asker: _Asker, domain: str, selector: str) -> Key:
    found = await asker.ask(f"{selector}._domainkey.{domain}", "TXT")
    if not found:
        return Key(selector, None if found is None else "")
    return key_of(selector, found[0])


def key_of(selector: str, text: str) -> Key:
    """A key record as RFC 6376, 3.6.1 has it."""
    tags = tags_of(text)
    algorithm = tags.get("k", "rsa").lower()
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        return Key(selector, text, algorithm, problem="is no key record")
    if not tags["p"]:
        return Key(selector, text, algorithm, problem="is revoked")
    if algorithm == "ed25519":
        return Key(selector, text, algorithm, 256)
    try:
        data = base64.b64decode("".join(tags["p"].split()), validate=True)
        bits = int(dkim.crypto.parse_public_key(data)["modulus"]).bit_length()
    except Exception:  # dkimpy's reader of ASN.1 raises whatever hostile bytes make it raise
        return Key(selector, text, algorithm, problem="cannot be read")
    return Key(selector, text, algorithm, bits)


async def _dmarc(asker: _Asker, domain: str) -> Records:
    found = await asker.ask(f"_dmarc.{domain}", "TXT")
    return None if found is None else tuple(one for one in found if tags_of(one).get("v") == "DMARC1")
