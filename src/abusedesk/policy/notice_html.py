"""A notice as HTML, made of the very text that stands beside it in the mail: the same words, and nothing to fetch.

Styles stand inline, for many readers drop all else. Of what somebody else wrote nothing is marked up and no link is
made; the one link is the address to answer at. A paragraph whose first line ends with a colon is shown as a heading and
what it is about; lines that were wrapped for plain text flow again.
"""

import re
from html import escape
from itertools import pairwise
from unicodedata import east_asian_width

_FONT = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans','PingFang SC','Microsoft YaHei',sans-serif"
_BODY = f"margin:0;padding:16px;{_FONT};font-size:16px;line-height:1.5"
_PARAGRAPH = "margin:0 0 16px;overflow-wrap:anywhere"
_TOLD = "margin:0 0 16px;padding:8px 12px;border-left:3px solid #8a8a84;overflow-wrap:anywhere"
_SMALL = "margin:24px 0 0;padding-top:12px;border-top:1px solid #8a8a84;font-size:14px;overflow-wrap:anywhere"
_SUBJECT = "margin:0 0 16px;font-size:20px;line-height:1.3;overflow-wrap:anywhere"

_WRAPPED = 60
"""A line that is wider, in columns, was wrapped where the next one goes on in the middle of a sentence."""

_GOES_ON = re.compile(r"[a-zäöüß(0-9]")
_ITEM = re.compile(r"\d+\. ")
_HEADING = re.compile(r".{1,100}[:\uff1a]")
_CJK_MIDDLE = re.compile(r"[\u3400-\u9fff\uff0c\u3001\uff1b]$")


def html_of(subject: str, text: str, language: str, answer_at: str) -> str:
    """The notice as an HTML document; `answer_at` is the mail address in it that becomes a link."""
    paragraphs = [one.splitlines() for one in re.split(r"\n{2,}", text.strip()) if one.strip()]
    last = len(paragraphs) - 1
    shown = [_paragraph(lines, answer_at, is_last=number == last > 0) for number, lines in enumerate(paragraphs)]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(subject)}</title>'
    )
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="{escape(language)}"><head>{head}</head>',
            f'<body style="{_BODY}"><div style="max-width:640px;margin:0 auto">',
            f'<h1 style="{_SUBJECT}">{escape(subject)}</h1>',
            *shown,
            "</div></body></html>\n",
        ]
    )


def _paragraph(lines: list[str], answer_at: str, *, is_last: bool) -> str:
    if is_last:
        return f'<p style="{_SMALL}">{_lines(lines, answer_at)}</p>'
    if len(lines) > 1 and _HEADING.fullmatch(lines[0].strip()):
        heading = f'<p style="margin:0 0 4px"><strong>{escape(lines[0].strip())}</strong></p>'
        return f'{heading}\n<div style="{_TOLD}">{_lines(lines[1:], answer_at)}</div>'
    return f'<p style="{_PARAGRAPH}">{_lines(lines, answer_at)}</p>'


def _lines(lines: list[str], answer_at: str) -> str:
    joined = [_marked(lines[0], answer_at)]
    for before, line in pairwise(lines):
        joined += [_between(before, line), _marked(line, answer_at)]
    return "".join(joined)


def _between(before: str, line: str) -> str:
    if _ITEM.match(line):
        return "<br>\n"
    if _width(before) >= _WRAPPED and _CJK_MIDDLE.search(before):
        return ""
    return "\n" if _width(before) >= _WRAPPED and _GOES_ON.match(line) else "<br>\n"


def _width(line: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)


def _marked(line: str, answer_at: str) -> str:
    text = escape(line)
    if not answer_at:
        return text
    address = escape(answer_at)
    return text.replace(address, f'<a href="mailto:{address}">{address}</a>')
