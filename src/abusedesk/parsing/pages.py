"""The words of an HTML page, without a tree: a page that nests a hundred thousand deep stalls every parser of trees."""

import re
from html import unescape

PAGE_LIMIT = 1024 * 1024
"""Characters of a page that are looked at."""

_UNSEEN = ("script", "style", "head", "!--")
_BLOCK = re.compile(r"(?i)<(?:/?(?:p|div|br|tr|li|ul|ol|table|h[1-6]|blockquote|pre|hr|dt|dd)|/title)\b[^<>]{0,2000}>")
_CELL = re.compile(r"(?i)</?(?:td|th)\b[^<>]{0,2000}>")
_TAG = re.compile(r"</?[a-zA-Z!?][^<>]{0,2000}>")
_LINK = re.compile(r"""(?i)\bhref\s{0,3}=\s{0,3}["']?(https?://[^\s"'<>]{1,2000})""")
_BLANKS = re.compile(r"[ \t\xa0]+")


def words(page: str) -> str:
    """What a reader sees, line by line; the targets of links that are not written out stand below."""
    page = page[:PAGE_LIMIT]
    for name in _UNSEEN:
        page = _without(page, name)
    text = unescape(_TAG.sub("", _CELL.sub(" ", _BLOCK.sub("\n", page.replace("\r", " ")))))
    lines = [line for line in (_BLANKS.sub(" ", line).strip() for line in text.split("\n")) if line]
    links = [unescape(link) for link in _LINK.findall(page)]
    return "\n".join([*lines, *(link for link in dict.fromkeys(links) if link not in text)][:20_000])


def _without(page: str, name: str) -> str:
    """The page without such elements; one that never ends takes the rest with it."""
    opening, closing = f"<{name}", "-->" if name == "!--" else f"</{name}"
    lower, kept, place = page.lower(), [], 0
    if len(lower) != len(page):
        return page
    while (start := lower.find(opening, place)) >= 0:
        if name == "head" and lower[start : start + 7] == "<header":
            kept.append(page[place : start + 7])
            place = start + 7
            continue
        kept.append(page[place:start])
        end = lower.find(closing, start)
        place = len(page) if end < 0 else end + len(closing)
    return "".join([*kept, page[place:]])
