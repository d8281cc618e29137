"""A brand's policy as its page shows it: clause by clause, with values, rules, readings and the brand's own values."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from abusedesk.policy.author.show import short
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Clause, Interpretation, Pack, Parameter, Value, Version, parse_value
from abusedesk.policy.rule import Rule
from abusedesk.web import policy_words, words

State = Literal["past", "now", "coming"]

SHOWN = {
    "": "Everything",
    "values": "Values",
    "readings": "Readings",
    "automatic": "Acts by itself",
    "untested": "Without a case",
}
"""The filter chips: what is shown, and their words."""


class VersionRow(NamedTuple):
    """A version and from when until when it is in force; `since` is None where it never is."""

    version: Version
    since: datetime | None
    until: datetime | None
    state: State
    by_operator: bool


class Held(NamedTuple):
    """A value of a parameter and from when until when it holds."""

    text: str
    since: datetime | None
    until: datetime | None
    state: State


class ParameterRow(NamedTuple):
    """A parameter: what holds, what the pack says where the brand overrides it, and what held and will hold.

    `waiting` are values that no version takes up yet, with the dates that they are written for.
    """

    name: str
    label: str
    text: str
    overridden: str
    history: list[Held]
    waiting: list[tuple[datetime, str]]


class RuleRow(NamedTuple):
    """A rule in words; `bears` says that what it orders rests on this clause first."""

    id: str
    says: str
    moment: str
    condition: str
    orders: list[policy_words.Ordered]
    bears: bool
    only_in: tuple[str, ...]


class Breach(NamedTuple):
    """An abuse type that breaches a clause, with its categories."""

    name: str
    categories: tuple[str, ...]


class ClauseCard(NamedTuple):
    """One clause and all that rests on it."""

    id: str
    short: str
    title: str
    text: str
    informative: bool
    breaches: list[Breach]
    parameters: list[ParameterRow]
    rules: list[RuleRow]
    readings: list[Interpretation]
    orders_versions: bool
    wordings: list[Held]
    """Its words by version, where they are not the same in all; empty words before it was said at all."""

    @property
    def automatic(self) -> bool:
        """Whether a rule of the clause acts against a customer without a person."""
        return any(order.acts for rule in self.rules for order in rule.orders)


class Shown(NamedTuple):
    """A policy at an instant. `version` is None where none was in force; the first one is shown then."""

    pack: Pack
    version: Version | None
    since: datetime | None
    versions: list[VersionRow]
    cards: list[ClauseCard]
    safeguards: list[Clause]
    overrides: int
    rules: int


def shown(pack: Pack, settings: Settings, at: datetime) -> Shown:
    """The policy of a brand with these settings at an instant."""
    version = pack.version_at(at, settings)
    reader = _Reader(pack, settings, version or pack.versions[0], at)
    return Shown(
        pack,
        version,
        pack.since(version, settings) if version else None,
        version_rows(pack, settings, at),
        [reader.card(clause) for clause in pack.clauses.values() if clause.said_at(reader.version.since)],
        safeguards_of(pack),
        len(settings.overrides),
        len(reader.rules),
    )


def safeguards_of(pack: Pack) -> list[Clause]:
    """The product's own safeguards, each under the full id by which it is cited."""
    return [msgspec.structs.replace(clause, id=full) for full, clause in pack.safeguards.items()]


def version_rows(pack: Pack, settings: Settings, at: datetime) -> list[VersionRow]:
    """The versions, latest first, each with its span and whether it is past, in force or to come."""
    dates = [pack.since(version, settings) for version in pack.versions]
    rows = []
    for number, version in enumerate(pack.versions):
        since = dates[number]
        until = next((one for one in dates[number + 1 :] if one is not None), None)
        rows.append(VersionRow(version, since, until, _state(since, until, at), version.since is None))
    return rows[::-1]


def matching(cards: Iterable[ClauseCard], text: str, kind: str, untested: frozenset[str]) -> list[ClauseCard]:
    """The clauses that a filter leaves: every word of `text` stands in them, and they are of the `kind`."""
    wanted = text.lower().split()
    return [one for one in cards if _is_kind(one, kind, untested) and all(word in _all_words(one) for word in wanted)]


def _is_kind(card: ClauseCard, kind: str, untested: frozenset[str]) -> bool:
    return {
        "values": bool(card.parameters),
        "readings": bool(card.readings),
        "automatic": card.automatic,
        "untested": card.id in untested,
    }.get(kind, True)


def _all_words(card: ClauseCard) -> str:
    parts = [card.short, card.title, card.text]
    parts += [one.label + one.text for one in card.parameters] + [one.name for one in card.breaches]
    parts += [part for rule in card.rules for part in (rule.says, rule.id, *(order.text for order in rule.orders))]
    parts += [part for one in card.readings for part in (one.question, one.choice, *one.alternatives)]
    return "\n".join(parts).lower()


def _state(since: datetime | None, until: datetime | None, at: datetime) -> State:
    if since is None or since > at:
        return "coming"
    return "past" if until is not None and until <= at else "now"


class _Reader:
    """Gathers what rests on each clause of one pack under one version."""

    def __init__(self, pack: Pack, settings: Settings, version: Version, at: datetime) -> None:
        self.pack, self.settings, self.version, self.at = pack, settings, version, at
        self.rules = [
            (rule, versions) for rule, versions in pack.content.rules if not versions or version.id in versions
        ]
        self.values = {name: self._value(one, version) for name, one in pack.parameters.items()}
        self.words = {
            name: policy_words.value(one.kind, self.values[name], pack.currency)
            for name, one in pack.parameters.items()
        }

    def card(self, clause: Clause) -> ClauseCard:
        """A clause with all that rests on it; the rules that it bears stand first."""
        rules = [self._rule(rule, versions, clause.id) for rule, versions in self.rules if clause.id in rule.clauses]
        return ClauseCard(
            clause.id,
            short(self.pack, clause.id),
            clause.title_at(self.version.since),
            clause.at(self.version.since),
            clause.informative,
            [
                Breach(one.name, one.categories)
                for one in self.pack.content.abuse_types.values()
                if clause.id in one.breaches.values()
            ],
            [self._parameter(one) for one in self.pack.parameters.values() if one.clause == clause.id],
            sorted(rules, key=lambda row: not row.bears),
            [one for one in self.pack.interpretations if one.clause == clause.id],
            any(one.clause == clause.id for one in self.pack.versions),
            self._wordings(clause),
        )

    def _wordings(self, clause: Clause) -> list[Held]:
        """The words that the pack's versions give it, where that ever changes."""
        return self._held(lambda version: clause.at(version.since) if clause.said_at(version.since) else "")

    def _rule(self, rule: Rule, versions: frozenset[str], clause: str) -> RuleRow:
        condition = rule.condition.text if rule.condition is not None else ""
        orders = [policy_words.ordered(order, self.words) for order in rule.orders]
        moment = policy_words.moment(rule)
        return RuleRow(rule.id, rule.says, moment, condition, orders, rule.ground == clause, tuple(sorted(versions)))

    def _parameter(self, one: Parameter) -> ParameterRow:
        overridden = one.name in self.settings.overrides
        said = self._in_words(one, one.at(self.version.since))
        return ParameterRow(
            one.name,
            words.sentence(words.plain(one.name)),
            self.words[one.name],
            said if overridden else "",
            self._history(one),
            self._waiting(one),
        )

    def _value(self, one: Parameter, version: Version) -> Value:
        said = one.at(version.since)
        if one.name not in self.settings.overrides:
            return said
        own = parse_value(one.kind, self.settings.overrides[one.name])
        return {**said, **own} if isinstance(said, dict) and isinstance(own, dict) else own

    def _in_words(self, one: Parameter, value: Value) -> str:
        return policy_words.value(one.kind, value, self.pack.currency)

    def _history(self, one: Parameter) -> list[Held]:
        """What the pack's versions made of it, where that ever changes."""
        return self._held(lambda version: self._in_words(one, one.at(version.since)))

    def _held(self, said: Callable[[Version], str]) -> list[Held]:
        """What holds under each version, from when until when; nothing where it is the same under all."""
        held: list[Held] = []
        for row in reversed(version_rows(self.pack, self.settings, self.at)):
            text = said(row.version)
            if held and held[-1].text == text:
                held[-1] = held[-1]._replace(until=row.until)
            else:
                held.append(Held(text, row.since, row.until, "past"))
        dated = [row._replace(state=_state(row.since, row.until, self.at)) for row in held]
        return dated if len(dated) > 1 else []

    def _waiting(self, one: Parameter) -> list[tuple[datetime, str]]:
        newest = self.pack.versions[-1].since
        return [
            (since, self._in_words(one, value))
            for number, (since, value) in enumerate(one.values)
            if since is not None and number and (newest is None or since > newest)
        ]
