"""Addresses and host names in text: found, refanged, and judged fit to be the source of a complaint."""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = re.compile(rf"(?<![\w.-])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w-]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,8}[0-9a-fA-F]{0,4}(?![\w:]|\.\d)")
_ADDRESS = re.compile(f"{IPV4.pattern}|{IPV6.pattern}")
URL = re.compile(r"(?i)\b(?:h(?:tt|xx|\*\*|XX)ps?|s?ftp)://[^\s<>\"'`|\\^{}\u3000-\u303f\uff00-\uff0f]{3,2000}")
_DEFANGED_DOT = re.compile(r"(?i)\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\[\.|(?<=\w)\\\.)\s?")
_DEFANGED_SCHEME = re.compile(r"(?i)\bh(?:xx|\*\*|__|tt)p(s?)(?:\[:\]//|://|:\[//\]|\[://\])")
_DEFANGED_MARKS = ("hxx", "h**", "h__", "[:", ":[", "[/")
_HOST = re.compile(
    r"(?<![\w@.-])(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.){1,8}(?:[a-zA-Z]{2,24}|xn--[a-zA-Z0-9-]{2,59})(?![\w-]|\.\w)"
)

_MASKED = re.compile(r"(?i)(?:\d{1,3}|x{1,3})(?:\.(?:\d{1,3}|x{1,3})){3}")
"""An address whose digits were crossed out: it looks like a name under `.xxx` and is nobody's."""

_NOT_ANYONES = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("::/16"),
    IPv6Network("fc00::/7"),
    IPv6Network("fe80::/10"),
    IPv6Network("ff00::/8"),
)
"""Addresses that no customer holds. The documentation prefixes are left in: examples and tests speak of them."""


def refanged(text: str) -> str:
    """The text with `192.0.2[.]1` and `hxxp://` written as they were meant."""
    if "[" in text or "(" in text or "\\." in text or "{" in text:
        text = _DEFANGED_DOT.sub(".", text)
    lower = text.lower()
    return _DEFANGED_SCHEME.sub(r"http\1://", text) if any(mark in lower for mark in _DEFANGED_MARKS) else text


def address(text: str) -> str | None:
    """The address in its usual form, or None: brackets and the `IPv6:` tag of RFC 5321 are taken off."""
    text = text.strip().strip("[]<>()\"' ")
    if text[:5].lower() in {"ipv6:", "ipv4:"}:
        text = text[5:].strip()
    return _canonical(text)


def port(text: str) -> int | None:
    """A port number in plain digits, or None."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536 else None


def network(text: str) -> str | None:
    """A network such as `192.0.2.0/24` in its usual form, or None; one of a single address is that address."""
    text = text.strip()
    if "/" not in text or len(text) > 50:
        return None
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    return str(found) if found.num_addresses > 1 else str(found.network_address)


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    if len(text) > 45 or "%" in text:
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        return _padded(text)


def _padded(text: str) -> str | None:
    """`192.000.002.001`, as some devices log, is taken for decimal."""
    octets = text.split(".")
    if len(octets) == 4 and all(octet.isascii() and octet.isdigit() and len(octet) <= 3 for octet in octets):
        values = [int(octet) for octet in octets]
        return ".".join(map(str, values)) if max(values) < 256 else None
    return None


@lru_cache(maxsize=4096)
def is_holdable(text: str) -> bool:
    """Whether a customer could hold this address or network: not private, not loopback, not multicast."""
    found = ip_address(text.partition("/")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return is_holdable(str(found.ipv4_mapped))
    return not any(found.version == network.version and found in network for network in _NOT_ANYONES)


def addresses(text: str) -> Iterator[tuple[str, int, int]]:
    """Each address with the place where it begins and ends, in reading order."""
    for match in _ADDRESS.finditer(text):
        found = _canonical(match.group())
        if found is not None and (":" not in found or match.group().count(":") > 2 or "::" in match.group()):
            yield found, match.start(), match.end()


def urls(text: str) -> Iterator[str]:
    """Each URL, trailing punctuation of the sentence taken off."""
    for match in URL.finditer(text):
        yield match.group().rstrip(".,;:!?)]}>*'\"")


def hosts(text: str) -> Iterator[str]:
    """Each host name."""
    return (match.group().lower() for match in _HOST.finditer(text))


def is_host(text: str) -> bool:
    """Whether the whole text is one host name."""
    return len(text) < 254 and _HOST.fullmatch(text) is not None and _MASKED.fullmatch(text) is None


def is_masked(text: str) -> bool:
    """Whether the text is an address with digits crossed out."""
    return _MASKED.fullmatch(text.strip()) is not None and address(text) is None


def host_of(url: str) -> str | None:
    """The host of a URL as an address or a lower-case name, or None."""
    try:
        name = urlsplit(url if "://" in url else f"//{url}").hostname
    except ValueError:
        return None
    if not name:
        return None
    found = address(name)
    if found:
        return found
    name = name.rstrip(".").lower()
    return name if "." in name and len(name) < 254 and not name.startswith(".") and not is_masked(name) else None


def source(text: str) -> str | None:
    """An address, a host name, or the host of a URL, in its usual form; None for anything else."""
    text = text.strip()
    return address(text) or (text.lower().rstrip(".") if is_host(text.rstrip(".")) else _host_of_url(text))


def _host_of_url(text: str) -> str | None:
    return host_of(text) if "://" in text[:10] else None
