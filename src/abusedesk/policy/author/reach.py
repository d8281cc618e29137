"""Whether a rule's condition can ever hold: it is tried on every value that matters of each fact it reads.

A condition only compares. So a whole number matters only by its order among the numbers compared with it, and a text
only by which of the compared words it is.
"""

import re
from collections.abc import Sequence
from itertools import chain, combinations, product
from math import prod

from abusedesk.policy.known_facts import declared_at
from abusedesk.policy.pack import Pack
from abusedesk.policy.rule import MakeCharge, Rule, SetFlag, TopUp
from abusedesk.policy.source import nearest
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.measure import MEASURES

_MAX_TRIED = 20_000
_MAX_SET = 4
_WORD = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')
_COMPARED = re.compile(r"""\b([a-z_]+)\s*(?:==|!=)\s*["']([^"']*)["']""")
_LISTED = re.compile(r"\b([a-z_]+)\s+in\s+\[([^\]]*)\]")
_HELD = re.compile(r"""["']([^"']*)["']\s+in\s+([a-z_]+)""")


def unknown_words(rule: Rule, pack: Pack) -> list[str]:
    """What is wrong with words that a fact never has, each with the nearest one that it may have."""
    text = rule.condition.text if rule.condition is not None else ""
    pairs = [(fact, word) for fact, word in _COMPARED.findall(text)]
    pairs += [(fact, one or other) for fact, listed in _LISTED.findall(text) for one, other in _WORD.findall(listed)]
    pairs += [(fact, word) for word, fact in _HELD.findall(text)]
    domains = _words(pack)
    return [
        f"{fact} is never {word!r}{nearest(word, domains[fact])}"
        for fact, word in pairs
        if fact in domains and word not in domains[fact]
    ]


def can_hold(rule: Rule, pack: Pack) -> bool:
    """False only where no value of any fact makes the condition true; true where there are too many to try."""
    condition = rule.condition
    if condition is None:
        return True
    choices = [_choices(name, rule, pack) for name in condition.names]
    if prod(len(one) for one in choices) > _MAX_TRIED:
        return True
    return any(condition.weigh(values)[0] for values in product(*choices))


def may_hold(rule: Rule, fact: str, value: str) -> bool:
    """Whether a rule's condition leaves it open, or says, that it acts for one value of a fact."""
    condition = rule.condition
    if condition is None or fact not in condition.names:
        return True
    return condition.weigh(tuple(value if name == fact else None for name in condition.names))[0] is not False


def _choices(name: str, rule: Rule, pack: Pack) -> Sequence[object]:
    if name in pack.parameters:
        return [value for _, value in pack.parameters[name].values]
    kind = declared_at(rule.on).get(name, "bool")
    if kind == "bool":
        return (True, False)
    if kind == "int":
        return _numbers(rule, pack)
    words = _words(pack).get(name) or _literals(rule)
    return (
        _sets(_literals(rule)) if kind == "texts" else sorted({*words} | ({"?"} if name not in _words(pack) else set()))
    )


def _numbers(rule: Rule, pack: Pack) -> list[int]:
    """Every number that is compared, with enough neighbours for the facts to differ among themselves."""
    condition = rule.condition
    names = condition.names if condition is not None else ()
    named = {int(one) for one in re.findall(r"\b\d+\b", condition.text if condition is not None else "")}
    held = {value for name in names if name in pack.parameters for _, value in pack.parameters[name].values}
    fixed = {0, *named, *(value for value in held if isinstance(value, int))}
    return sorted({max(0, one + step) for one in fixed for step in range(-len(names), len(names) + 1)})


def _literals(rule: Rule) -> set[str]:
    return {one or other for one, other in _WORD.findall(rule.condition.text if rule.condition is not None else "")}


def _sets(words: set[str]) -> list[tuple[str, ...]]:
    listed = sorted(words)
    sizes = range(len(listed) + 1) if len(listed) <= _MAX_SET else (0, 1, len(listed))
    return list(chain.from_iterable(combinations(listed, size) for size in sizes))


def _words(pack: Pack) -> dict[str, frozenset[str]]:
    """The texts whose every value is known."""
    orders = [order for rule in pack.rules for order in rule.orders]
    types = frozenset(pack.content.abuse_types)
    domains = {
        "abuse_type": types,
        "unanswered_types": types,
        "category": CATEGORIES,
        "measure": frozenset(MEASURES),
        "standing": frozenset(MEASURES),
        "ip_flags": frozenset(one.flag for one in orders if isinstance(one, SetFlag)),
        "proposed_items": frozenset(one.item for one in orders if isinstance(one, MakeCharge | TopUp)),
    }
    service_types = frozenset(pack.content.service_types)
    return {**domains, "service_type": service_types} if service_types else domains
