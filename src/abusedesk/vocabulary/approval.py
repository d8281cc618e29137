"""How a brand's proposals are answered: who may, how many of them, when they are reminded, and what ends by itself.

Read from the brand's setting `approvals`; as people write a chain, it is a line such as
`terminate: approvers, policy publishers`, `charge above 500.00: 2` or `charge liquidated_damages above 500.00: 2`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.measure import MEASURES
from abusedesk.vocabulary.money import format_amount, parse_amount
from abusedesk.vocabulary.permission import GROUPS
from abusedesk.vocabulary.request import REQUESTS

SETTING = "approvals"
"""The brand's setting."""

ANYBODY = ""
"""A step of a chain that everybody who may approve can take."""

REMIND_AFTER = timedelta(hours=24)
MOST_STEPS = 5

Verdict = Literal["approve", "reject"]

_CHARGE = r"charge(?:\s+(?!above\b)(?P<item>[a-z][a-z0-9_]*))?\s+above\s+(?P<above>[\d.]+)"
_LINE = re.compile(rf"\s*(?:{_CHARGE}|(?P<name>[a-z_]+))\s*:\s*(?P<needs>.+?)\s*")
_ITEM = re.compile(r"[a-z][a-z0-9_]*")


class Rule(NamedTuple):
    """A chain: whose yes it takes, in this order, for a measure, a request, or charges above so many minor units.

    Of charges `name` is their item, or empty for those of any.
    """

    name: str
    above: int | None
    steps: tuple[str, ...]

    def covers(self, name: str, amount: int) -> bool:
        """Whether it is about a proposal of a name, of an amount, or of both."""
        if self.above is None:
            return self.name == name
        return amount > self.above and self.name in {"", name}


class Terms(NamedTuple):
    """What a brand says. `remind_after` is zero where nobody is reminded; `expire_after` None where nothing expires."""

    remind_after: timedelta = REMIND_AFTER
    expire_after: timedelta | None = None
    approvers_only: bool = False
    rules: tuple[Rule, ...] = ()

    def steps(self, name: str, amount: int) -> tuple[str, ...]:
        """Whose yes a proposal takes, in order: those of the longest chain that covers it, else of one person."""
        chains = [one.steps for one in self.rules if one.covers(name, amount)]
        return max(chains, key=len, default=(ANYBODY,))


def read_terms(settings: Mapping[str, Any]) -> Terms:
    """A brand's terms. Raises ValueError, saying what is wrong, for what cannot be meant."""
    given = settings.get(SETTING, {})
    if not isinstance(given, dict):
        raise ValueError("approvals is no mapping")  # noqa: TRY004 - a setting that is wrong, not a slip of the code
    return Terms(
        parse_duration(str(given["remind_after"])) if "remind_after" in given else REMIND_AFTER,
        parse_duration(str(given["expire_after"])) if given.get("expire_after") else None,
        given.get("approvers_only") is True,
        tuple(map(_rule, given.get("chains", []))),
    )


def chains_in(text: str) -> list[dict[str, Any]]:
    """The chains that lines of text say, as the setting has them. Raises ValueError naming the line that is wrong."""
    chains = [_chain_in(line) for line in text.splitlines() if line.strip()]
    for one in chains:
        _rule(one)
    return chains


def lines_of(rules: Iterable[Rule]) -> str:
    """Chains as people write them, one a line."""
    return "\n".join(f"{_about(one)}: {_needs(one.steps)}" for one in rules)


def _about(rule: Rule) -> str:
    if rule.above is None:
        return rule.name
    return f"charge {f'{rule.name} ' if rule.name else ''}above {format_amount(rule.above)}"


def _needs(steps: tuple[str, ...]) -> str:
    return str(len(steps)) if set(steps) == {ANYBODY} else ", ".join(steps)


def _chain_in(line: str) -> dict[str, Any]:
    read = _LINE.fullmatch(line)
    if read is None:
        raise ValueError(
            f"{line.strip()!r} is no chain; write `terminate: approvers, policy publishers`, `restore: 2` or "
            "`charge fine above 100.00: 2`"
        )
    needs = read["needs"]
    named = int(needs) if needs.isascii() and needs.isdigit() else [one.strip() for one in needs.split(",")]
    if read["above"] is not None:
        item = {"charge": read["item"]} if read["item"] else {}
        return {**item, "charge_above": read["above"], "needs": named}
    return {"request" if read["name"] in REQUESTS else "measure": read["name"], "needs": named}


def _rule(given: Any) -> Rule:
    if not isinstance(given, dict) or "needs" not in given:
        raise ValueError(f"{given!r} is no chain: it names no needs")
    steps = _steps(given["needs"])
    if "charge_above" in given:
        item = str(given.get("charge") or "")
        if item and not _ITEM.fullmatch(item):
            raise ValueError(f"{item!r} is no name of a charge such as liquidated_damages")
        return Rule(item, parse_amount(str(given["charge_above"])), steps)
    if "charge" in given:
        raise ValueError(f"a chain for the charge {given['charge']!r} needs a sum: charge_above")
    name = str(given.get("measure") or given.get("request") or "")
    if name not in {*MEASURES, *REQUESTS}:
        known = ", ".join((*MEASURES, *REQUESTS))
        raise ValueError(f"a chain cannot be for {name!r}; it is for one of {known}, or for a charge above an amount")
    return Rule(name, None, steps)


def _steps(needs: Any) -> tuple[str, ...]:
    number = needs if isinstance(needs, int) else len(needs)
    if not 1 <= number <= MOST_STEPS:
        raise ValueError(f"a chain needs 1 to {MOST_STEPS} people, not {number}")
    if isinstance(needs, int):
        return (ANYBODY,) * number
    unknown = next((one for one in needs if one not in GROUPS), None)
    if unknown is not None:
        raise ValueError(f"there is no group {unknown!r}; there are {', '.join(GROUPS)}")
    return tuple(needs)
