"""The two mails of the form, in the languages that it speaks. Nothing that anybody wrote on it stands in them."""

from typing import NamedTuple

ENGLISH, CHINESE = "en", "zh-Hans"
LANGUAGES = {ENGLISH: "English", CHINESE: "简体中文"}


class Words(NamedTuple):
    """Subject and text of a mail."""

    subject: str
    text: str


_CONFIRM = {
    ENGLISH: Words(
        "Please confirm your report to {brand}",
        """\
Somebody, probably you, filled in the report form of {brand} and gave this address.

To send the report off, open this page and press the button on it:

{link}

The link works once, within {hours} hours. Without it nothing is received and everything that was written is deleted. If it
was not you, do nothing.

{brand}
""",
    ),
    CHINESE: Words(
        "请确认您向 {brand} 提交的举报",
        """\
有人（可能是您本人）填写了 {brand} 的举报表单，并留下了此邮箱地址。

若要提交该举报，请打开下面的页面并点击页面上的按钮：

{link}

该链接仅可使用一次，有效期为 {hours} 小时。未经确认，我们不会收到任何内容，所填内容将被删除。如非您本人操作，无需理会。

{brand}
""",
    ),
}
_RECEIPT = {
    ENGLISH: Words(
        "We received your report {reference}",
        """\
{brand} received your report at {at} UTC. Its number is {reference}.

Machines read it first; whether anything follows for a customer is decided under our published policy, where that asks for it
by a person. How far it has come is shown here:

{link}

Whoever has this link can see that page. It says nothing of who our customer is.

{brand}
""",
    ),
    CHINESE: Words(
        "我们已收到您的举报 {reference}",
        """\
{brand} 已于 {at}（UTC）收到您的举报，编号为 {reference}。

举报首先由系统自动读取；是否对客户采取措施，依据我们公布的政策决定，政策要求时由人工决定。处理进度可在此查看：

{link}

持有此链接的人均可查看该页面。页面不会显示我们的客户是谁。

{brand}
""",
    ),
}


def confirmation(language: str, brand: str, link: str, hours: int) -> Words:
    """The mail that asks whether it was they."""
    return _filled(_CONFIRM[language], brand=brand, link=link, hours=str(hours))


def receipt(language: str, brand: str, link: str, reference: str, at: str) -> Words:
    """The mail that says that it was received (Regulation (EU) 2022/2065 Article 16(4) for notices under it)."""
    return _filled(_RECEIPT[language], brand=brand, link=link, reference=reference, at=at)


def _filled(words: Words, **values: str) -> Words:
    return Words(words.subject.format(**values), words.text.format(**values))
