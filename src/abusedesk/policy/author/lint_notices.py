"""Faults of notices: what is named and not there, there and not named, or asks for what nobody fills in."""

from collections.abc import Iterator
from difflib import get_close_matches

from abusedesk.policy.author.finding import Finding, error
from abusedesk.policy.author.reach import may_hold
from abusedesk.policy.notice import PLACEHOLDERS, placeholders
from abusedesk.policy.own_notices import OWN
from abusedesk.policy.pack import Pack
from abusedesk.policy.rule import MakeStrike, Order, OrderMeasure, Rule, SendNotice, StartDeadline
from abusedesk.policy.source import Node

SENT_BY_THE_PRODUCT = "blast_radius"
"""The notice to staff that `safeguard:blast_radius` sends, whatever the rules say."""
_OF_AN_OCCURRENCE = frozenset({"occurrence", "report", "strike"})
_COUNTED = frozenset({"suspend", "block_port", "rate_limit", "null_route"})


def languages(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Each notice that is sent, and what is asked for each abuse type, is there in each language."""
    for name, place in _sent(pack, keys).items():
        missing = [one for one in pack.content.languages if (one, name) not in pack.content.templates]
        if missing:
            files = ", ".join(f"notices/{one}/{name}.txt" for one in missing)
            yield error(place, f"the notice {name!r} is sent and not there in {', '.join(missing)}; write {files}")
    for name, one in pack.content.abuse_types.items():
        missing = [language for language in pack.content.languages if language not in one.remediation]
        if missing:
            text = f"the abuse type {name!r} does not say in {', '.join(missing)} what is asked of the customer"
            yield error(keys["abuse_types"].keys[name], f"{text}; add it under remediation")


def templates(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """No file is there that nobody sends, and none asks for a value that there is not."""
    sent = _sent(pack, keys)
    folder = keys["rules"].file.removesuffix("pack.yaml")
    for (language, name), text in pack.content.templates.items():
        file = f"{folder}notices/{language}/{name}.txt"
        first = Node(None, file, 1, 1)
        if language not in pack.content.languages:
            yield error(first, f"the pack does not speak {language!r}; add it to languages, or remove the file")
        elif name not in sent and name != SENT_BY_THE_PRODUCT and name not in OWN:
            yield error(first, f"no rule sends the notice {name!r}; name it in one, or remove the file")
        subject, _, body = text.partition("\n")
        if not subject.strip() or not body.strip():
            lacks = "text" if subject.strip() else "subject"
            yield error(
                first, f"the notice has no {lacks}: the first line is the subject, after an empty line the text"
            )
        filled = OWN.get(name, PLACEHOLDERS)
        yield from (_unknown(file, text, one, filled) for one in sorted(placeholders(text) - {*filled}))


def _unknown(file: str, text: str, word: str, filled: tuple[str, ...]) -> Finding:
    before = text.partition(f"{{{word}}}")[0]
    place = Node(None, file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    close = get_close_matches(word, filled, n=1)
    known = f"did you mean {{{close[0]}}}?" if close else f"there are {', '.join(f'{{{one}}}' for one in filled)}"
    return error(place, f"nothing fills in {{{word}}}; {known}")


def _sent(pack: Pack, keys: dict[str, Node]) -> dict[str, Node]:
    """The notices that rules send, each with the first place that names it."""
    sent: dict[str, Node] = {}
    for rule, node in zip(pack.rules, keys["rules"].value, strict=True):
        for order, place in zip(rule.orders, node.value["then"].value, strict=True):
            if isinstance(order, SendNotice):
                sent.setdefault(order.template, place.value["template"])
            if isinstance(order, OrderMeasure) and order.kind in _COUNTED and order.sanction:
                sent.setdefault(SENT_BY_THE_PRODUCT, place)
    return sent


def undue(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Notices that say until when to answer, for an abuse type that no rule gives a time to: they are never sent."""
    timed = [rule for rule in pack.rules if any(_sets_reply(one) for one in rule.orders)]
    counted = [rule for rule in pack.rules if any(isinstance(one, MakeStrike) for one in rule.orders)]
    for rule, node in zip(pack.rules, keys["rules"].value, strict=True):
        for order, place in zip(rule.orders, node.value["then"].value, strict=True):
            if isinstance(order, SendNotice) and rule.on in _OF_AN_OCCURRENCE and _says_due(pack, order.template):
                told = _reached(pack, [rule]) & (
                    _reached(pack, counted) if rule.on == "strike" else {*pack.content.abuse_types}
                )
                lacking = sorted(told - _reached(pack, timed))
                if lacking:
                    text = f"no rule gives {', '.join(lacking)} a reply deadline, so the notice {order.template!r}"
                    yield error(place.value["template"], f"{text} cannot say {{due}} and is not sent; mend either")


def _sets_reply(order: Order) -> bool:
    return isinstance(order, StartDeadline) and order.name == "reply"


def _reached(pack: Pack, rules: list[Rule]) -> set[str]:
    """The abuse types for which one of some rules may act."""
    return {one for one in pack.content.abuse_types if any(may_hold(rule, "abuse_type", one) for rule in rules)}


def _says_due(pack: Pack, template: str) -> bool:
    texts = [text for (_, name), text in pack.content.templates.items() if name == template]
    return any("due" in placeholders(text) for text in texts)
