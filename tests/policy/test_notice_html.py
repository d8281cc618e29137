"""A notice as HTML says what its text says, and nothing that anybody else put into it comes alive."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.notice import PLACEHOLDERS, render
from abusedesk.policy.notice_html import html_of
from abusedesk.policy.pack import load_pack

AT = "abuse+t-abc@jim.example.org"
VALUES = {name: f"<{name}>" for name in PLACEHOLDERS if name not in {"policy", "remediation"}} | {"abuse_type": "spam"}
OURS = {"html", "head", "meta", "title", "body", "div", "h1", "p", "strong", "br"}
WRITTEN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n"), max_size=400)


def told(html: str) -> str:
    """All letters that a reader sees of the body."""
    return "".join(unescape(re.sub(r"<[^>]*>", " ", html.partition("</h1>")[2])).split())


def body(text: str, answer_at: str = "") -> str:
    return html_of("Subject", text, "en", answer_at).partition("</h1>")[2]


@given(WRITTEN, WRITTEN)
def test_it_says_what_the_text_says_and_holds_no_mark_up_of_others(subject: str, text: str) -> None:
    html = html_of(subject, text, "en", "")
    assert told(html) == "".join(text.split())
    assert set(re.findall(r"<([a-zA-Z]\w*)", html)) <= OURS


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_every_notice_of_a_pack_reads_the_same_in_both(name: str) -> None:
    pack = load_pack(name)
    for language, template in pack.content.templates:
        subject, text = render(pack, pack.versions[0], template, language, VALUES)
        html = html_of(subject, text, language, "")
        assert told(html) == "".join(text.split())
        assert f'lang="{language}"' in html


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", '<img src="https://evil.example/x.png">', '"><b>', "</title><style>*{}</style>"],
)
def test_what_a_reporter_wrote_stays_words(hostile: str) -> None:
    html = html_of(f"About {hostile}", f"Dear,\n\nWhat it says:\n{hostile}\n\n{hostile}", hostile, AT)
    assert hostile not in html
    assert set(re.findall(r"<([a-zA-Z]\w*)", html)) <= OURS


def test_nothing_is_fetched() -> None:
    html = html_of("S", "See https://example.net/x.png and hxxp://example.org\n\nBye", "en", AT)
    assert not re.search(r"""(?i)(?:src|href|background)\s*=|url\(|@import|<link""", html)


def test_the_address_to_answer_at_is_the_one_link() -> None:
    html = body(f"Write to {AT} or to somebody@example.com.\n\nBye", AT)
    assert re.findall(r'href="([^"]*)"', html) == [f"mailto:{AT}"]


def test_a_label_becomes_a_heading_with_what_it_is_about() -> None:
    html = body("What it says:\nfirst\nsecond\n\nBye")
    assert "<strong>What it says:</strong>" in html
    assert re.search(r"<div [^>]*>first<br>\nsecond</div>", html)


def test_lines_that_were_wrapped_flow_and_lists_do_not() -> None:
    long = "we have received a complaint about your server, it concerns an address"
    assert f"{long}\nand was first seen" in body(f"{long}\nand was first seen\n\nBye")
    assert f"{long}<br>\nUSD 20" in body(f"{long}\nUSD 20\n\nBye")
    assert "short<br>\nand on" in body("short\nand on\n\nBye")


def test_chinese_flows_without_a_space() -> None:
    line = "我们收到了关于您的服务器的投诉涉及的地址和首次发现时间见下文请您尽快处理并告知"
    assert f"{line}我们" in body(f"{line}\n我们\n\n再见")


def test_numbered_steps_stay_lines_however_long_they_are() -> None:
    long = "1. Stop the sending at once and unbind the address from the domain complained of."
    made = html_of("s", f"What to do:\n{long}\n2. Close the way.\n\nend", "en", "")
    assert f"{long}<br>\n2. Close the way." in made
