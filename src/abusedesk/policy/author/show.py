"""A pack as its readers want it: clause by clause, with the values in force, the rules and the interpretations."""

from datetime import datetime
from html import escape
from typing import NamedTuple

from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Clause, Interpretation, Pack, Version
from abusedesk.problem import Problem


class Section(NamedTuple):
    """One clause and all that rests on it: parameters as name and value, and its rules in plain words."""

    clause: Clause
    short: str
    parameters: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    interpretations: tuple[Interpretation, ...]


class Sheet(NamedTuple):
    """A pack at an instant."""

    title: str
    currency: str
    in_force: str
    sections: tuple[Section, ...]


def sheet(pack: Pack, at: datetime) -> Sheet:
    """The pack as it stands at an instant. Raises Problem where no version was in force then."""
    version = _version(pack, at)
    return Sheet(pack.title, pack.currency, _in_force(version), tuple(_sections(pack, version)))


def as_text(shown: Sheet) -> str:
    """A sheet for a terminal."""
    lines = [shown.title, shown.in_force]
    for section in shown.sections:
        lines += ["", f"{section.short}  {section.clause.title}", f"    “{section.clause.text}”"]
        lines += [f"    {name} = {value}" for name, value in section.parameters]
        lines += [f"    - {says}" for says in section.rules]
        lines += [f"    ? {one.question} {one.choice}." for one in section.interpretations]
    return "\n".join(lines)


def as_html(shown: Sheet) -> str:
    """A sheet as one page for the public, with nothing to load and nothing to run."""
    body = "\n".join(_section_html(section) for section in shown.sections)
    return _PAGE.format(title=escape(shown.title), in_force=escape(shown.in_force), body=body)


def _version(pack: Pack, at: datetime) -> Version:
    version = pack.version_at(at, Settings())
    if version is not None:
        return version
    first = pack.versions[0]
    if first.since is None:
        return first
    raise Problem(f"{pack.name} has no version in force on {at:%Y-%m-%d}; its first is in force from {first.since:%F}")


def _in_force(version: Version) -> str:
    if version.since is None:
        return f"Version {version.id}, in force where the operator says since when (in_force_from)"
    return f"Version {version.id}, in force from {version.since:%Y-%m-%d}"


def _sections(pack: Pack, version: Version) -> list[Section]:
    values = pack.terms(version, Settings()).used
    rules = [rule for rule, versions in pack.content.rules if not versions or version.id in versions]
    return [
        Section(
            clause,
            short(pack, clause_id),
            tuple((name, values[name]) for name, one in pack.parameters.items() if one.clause == clause_id),
            tuple(rule.says for rule in rules if clause_id in rule.clauses),
            tuple(one for one in pack.interpretations if one.clause == clause_id),
        )
        for clause_id, clause in pack.clauses.items()
    ]


def short(pack: Pack, clause_id: str) -> str:
    """A clause's id as the pack itself writes it."""
    return clause_id.removeprefix(f"{pack.name}:")


def _section_html(section: Section) -> str:
    parts = [f"<h2>{escape(section.short)} · {escape(section.clause.title)}</h2>"]
    parts.append(f"<blockquote>{escape(section.clause.text)}</blockquote>")
    parts += _list("Values", [f"{name.replace('_', ' ')}: {value}" for name, value in section.parameters])
    parts += _list("How it is applied", section.rules)
    parts += _list("How it is read", [f"{one.question} {one.choice}." for one in section.interpretations])
    return f"<section>{''.join(parts)}</section>"


def _list(heading: str, items: list[str] | tuple[str, ...]) -> list[str]:
    listed = "".join(f"<li>{escape(one)}</li>" for one in items)
    return [f"<h3>{heading}</h3><ul>{listed}</ul>"] if items else []


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }}
h1 {{ font-size: 1.5rem }} h2 {{ font-size: 1.1rem; margin: 0 }} h3 {{ font-size: .9rem; margin: .75rem 0 0 }}
section {{ border-top: 1px solid #bbb; padding: 1rem 0; break-inside: avoid }}
blockquote {{ margin: .5rem 0; padding-left: 1rem; border-left: 3px solid #bbb }}
ul {{ margin: .25rem 0 }}
@media print {{ body {{ max-width: none; margin: 0; font-size: 10pt }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{in_force}</p>
{body}
</body>
</html>
"""
