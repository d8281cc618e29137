"""A pack as its readers want it: clause by clause, with the values in force, the rules and the readings."""

from datetime import datetime
from typing import NamedTuple

from abusedesk.policy.author import wording
from abusedesk.policy.author.diff import Change, as_of, diff, version_on
from abusedesk.policy.author.difference import short as bare
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Clause, Interpretation, Pack, Parameter, Version


class Dated(NamedTuple):
    """A value in words and the date from which a version has it; None is since ever. `held` marks the one in force."""

    since: datetime | None
    text: str
    held: bool


class ShownValue(NamedTuple):
    """A value of a clause: its name in words, what it is now, and all that it was and will be."""

    name: str
    label: str
    text: str
    history: tuple[Dated, ...]


class Section(NamedTuple):
    """One clause and all that rests on it: parameters as name and value, and its rules in plain words."""

    clause: Clause
    short: str
    parameters: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    interpretations: tuple[Interpretation, ...]
    values: tuple[ShownValue, ...] = ()
    depth: int = 0
    """How many clauses it stands under: `1.a` stands under `1`, where there is one."""


class ShownVersion(NamedTuple):
    """A version of the policy; `since` is None where that is the operator's to say.

    `changes` are what it says otherwise than the one before.
    """

    id: str
    since: datetime | None
    held: bool
    changes: tuple[Change, ...]


class Sheet(NamedTuple):
    """A pack at an instant."""

    title: str
    currency: str
    in_force: str
    sections: tuple[Section, ...]
    name: str = ""
    at: datetime | None = None
    versions: tuple[ShownVersion, ...] = ()

    @property
    def changed(self) -> datetime | None:
        """Since when the version in force is; None where that is the operator's to say."""
        return next((one.since for one in self.versions if one.held), None)


NO_SETTINGS = Settings()


def sheet(pack: Pack, at: datetime, settings: Settings = NO_SETTINGS) -> Sheet:
    """The pack as it stands at an instant, with an operator's date and values where they are given.

    Raises Problem where no version was in force then.
    """
    version = pack.version_at(at, settings) or version_on(pack, at)
    since = pack.since(version, settings)
    return Sheet(
        pack.title,
        pack.currency,
        _in_force(version, since),
        tuple(_sections(pack, version, settings)),
        pack.name,
        at,
        tuple(_versions(pack, version, settings)),
    )


def short(pack: Pack, clause_id: str) -> str:
    """A clause's id as the pack itself writes it."""
    return clause_id.removeprefix(f"{pack.name}:")


def _in_force(version: Version, since: datetime | None) -> str:
    if since is None:
        return f"Version {version.id}, in force where the operator says since when (in_force_from)"
    return f"Version {version.id}, in force from {since:%Y-%m-%d}"


def _sections(pack: Pack, version: Version, settings: Settings) -> list[Section]:
    used = pack.terms(version, settings).used
    rules = [rule for rule, versions in pack.content.rules if not versions or version.id in versions]
    as_said = {key: one.as_of(version.since) for key, one in pack.clauses.items() if one.said_at(version.since)}
    ids = [bare(one) for one in as_said]
    return [
        Section(
            clause,
            short(pack, clause_id),
            tuple((name, used[name]) for name, one in pack.parameters.items() if one.clause == clause_id),
            tuple(rule.says for rule in rules if clause_id in rule.clauses),
            tuple(one for one in pack.interpretations if one.clause == clause_id),
            tuple(
                _value(pack, one, version, overridden=name in settings.overrides, used=used[name])
                for name, one in pack.parameters.items()
                if one.clause == clause_id
            )
            + _holidays(pack, clause_id),
            sum(bare(clause_id).startswith(f"{other}.") for other in ids),
        )
        for clause_id, clause in as_said.items()
    ]


def _holidays(pack: Pack, clause_id: str) -> tuple[ShownValue, ...]:
    """The holidays among the values of the clause that they stand under."""
    held = pack.content.holidays
    if held.clause != clause_id:
        return ()
    text = ", ".join(map(str, held.days))
    return (ShownValue("holidays", "public holidays", text, (Dated(None, text, held=True),)),)


def _value(pack: Pack, parameter: Parameter, version: Version, *, overridden: bool, used: str) -> ShownValue:
    held = parameter.at(version.since)
    text = used if overridden else wording.value(parameter.kind, held, pack.currency)
    dates = [(one.since, parameter.at(one.since)) for one in pack.versions]
    history: list[Dated] = []
    for since, value in dates:
        said = wording.value(parameter.kind, value, pack.currency)
        if not history or history[-1].text != said:
            history.append(Dated(since, said, held=False))
    current = max((place for place, one in enumerate(history) if _begun(one.since, version.since)), default=0)
    marked = tuple(one._replace(held=place == current) for place, one in enumerate(history))
    return ShownValue(parameter.name, wording.named(parameter.name), text, marked)


def _begun(since: datetime | None, now: datetime | None) -> bool:
    return since is None or (now is not None and since <= now)


def _versions(pack: Pack, held: Version, settings: Settings) -> list[ShownVersion]:
    shown = []
    before: Pack | None = None
    for version in pack.versions:
        stands = as_of(pack, version.since) if version.since is not None else None
        changes = diff(before, stands) if before is not None and stands is not None else []
        told = tuple(one for one in changes if one.kind != "version")
        shown.append(ShownVersion(version.id, pack.since(version, settings), version is held, told))
        before = stands
    return shown
