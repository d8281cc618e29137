"""What a reporter wrote, as it is passed on to the customer complained of: it names no reporter, and lures nobody.

A spammer who learns which address is a trap takes it off the list, and one who learns who complained may strike back.
So addresses, Message-IDs (by which a sender looks the recipient up) and the reporter's names are hidden; web addresses
are written so that no mail program makes a link of them.
"""

import re
from collections.abc import Iterable

_LABELS = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63}){1,10}"
_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,250}@[^<>\s]{1,250}>")
_ADDRESS = re.compile(rf"[\w.+~'-]{{1,64}}(?:@|%40)({_LABELS})")
_SCHEME = re.compile(r"(?i)\bh(tt)p(s?)(?=://)|\bf(t)p(?=://)")
_HOST = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.){1,10}[A-Za-z][A-Za-z0-9-]{1,62}(?![\w-])")
_IN_URL = re.compile(r"(?<=://)[^\s/?#]{1,255}")
_SHORTEST_NAME = 4
"""Shorter names are everyday words too often."""


def defanged(text: str) -> str:
    """The text with `hxxp://shop[.]example[.]com`: a person reads it, a mail program makes no link of it."""
    named = _SCHEME.sub(lambda match: f"hxxp{match[2]}" if match[1] else "fxp", text)
    named = _IN_URL.sub(lambda match: _split(match[0]), named)
    return _HOST.sub(lambda match: _split(match[0]), named)


def without_identities(text: str, names: Iterable[str], own: Iterable[str], hidden: str) -> str:
    """The text without mail addresses, Message-IDs and the names given, each replaced by `hidden`.

    `names` are those of the reporter: of people, organisations and domains. Addresses under the domains in `own`, which
    are the customer's, stay: there the customer has to look.
    """
    ours = {one.lower().rstrip(".") for one in own if "." in one}
    said = _MESSAGE_ID.sub(hidden, text)
    said = _ADDRESS.sub(lambda match: match[0] if _is_below(match[1], ours) else hidden, said)
    for name in sorted({one.strip() for one in names}, key=len, reverse=True):
        if len(name) >= _SHORTEST_NAME and not _is_below(name, ours):
            said = re.sub(rf"(?i)(?<![\w-])(?:[\w-]+\.)*{re.escape(name)}(?![\w-])", lambda _: hidden, said)
    return said


def _is_below(domain: str, known: set[str]) -> bool:
    name = domain.lower().rstrip(".")
    return any(name == one or name.endswith(f".{one}") for one in known)


def _split(host: str) -> str:
    return re.sub(r"(?<!\[)\.(?!\])", "[.]", host)
