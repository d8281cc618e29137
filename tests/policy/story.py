"""Short stories for tests: a world of three services, a timeline of one-line entries, and the effects as phrases."""

from datetime import datetime
from pathlib import Path

from abusedesk.policy.decision import AnyEffect
from abusedesk.policy.scenario import Scenario, parse_scenario
from abusedesk.policy.simulate import play
from abusedesk.vocabulary.instant import format_instant

IP, IP2, IP3 = "192.0.2.10", "192.0.2.11", "198.51.100.20"
_WORLD = """
world:
  customers:
    - {id: c1, since: 2022-06-10T00:00:00Z}
    - {id: c2, since: 2022-06-10T00:00:00Z, reseller: r1}
    - {id: vip, since: 2022-06-10T00:00:00Z, protected: true}
  services:
    - {id: s1, customer: c1, type: vps, since: 2022-06-10T00:00:00Z, mail_port: true}
    - {id: s2, customer: c2, type: vps, since: 2022-06-10T00:00:00Z, mail_port: true}
    - {id: kept, customer: vip, type: vps, since: 2022-06-10T00:00:00Z, mail_port: true}
    - {id: gone, customer: c1, type: vps, since: 2022-06-10T00:00:00Z, until: 2026-02-02T12:00:00Z, mail_port: true}
  assignments:
    - {prefix: 192.0.2.8/29, service: s1, since: 2022-06-10T00:00:00Z}
    - {prefix: 198.51.100.16/28, service: s2, since: 2022-06-10T00:00:00Z}
    - {prefix: 203.0.113.0/28, service: kept, since: 2022-06-10T00:00:00Z}
    - {prefix: 203.0.113.64/28, service: gone, since: 2022-06-10T00:00:00Z}
    - {prefix: 192.0.2.128/32, service: s1, since: 2022-06-10T00:00:00Z, until: 2026-02-02T11:00:00Z}
    - {prefix: 192.0.2.128/32, service: s2, since: 2026-02-02T11:00:00Z}
"""


def story(policy: str, *entries: str, until: str = "02-28 00:00", settings: str = "", world: str = _WORLD) -> Scenario:
    """A scenario of February 2026. An entry is `02-02 10:00 report: {…}`, one of the format's entries."""
    lines = "\n".join(f"  - {{at: {_instant(entry[:11])}, {entry[12:]}}}" for entry in entries)
    timeline = f"timeline:\n{lines}" if entries else "timeline: []"
    parameters = f"parameters: {settings}" if settings else ""
    since = "in_force_from: 2022-06-07T00:00:00Z\n" if policy == "scalibit" else ""
    text = f"policy: {policy}\n{since}{parameters}\n{world}\n{timeline}\nuntil: {_instant(until)}\n"
    return parse_scenario(text, Path("story.yaml"))


def report(name: str, category: str, ip: str = IP, **fields: object) -> str:
    """A report entry's text."""
    given = "".join(f", {key}: {str(value).lower()}" for key, value in fields.items())
    return f"report: {{id: {name}, category: {category}, ips: [{ip}]{given}}}"


def told(scenario: Scenario, *kinds: str) -> list[str]:
    """The effects of some kinds as phrases with their instants, such as `02-02 10:00 suspend automatic refund s1`."""
    return [
        f"{one.at:%m-%d %H:%M} {phrase(one.effect)}"
        for one in play(scenario)
        if type(one.effect).__struct_config__.tag in kinds
    ]


def cited(scenario: Scenario, wanted: str) -> tuple[str, ...]:
    """The clauses of the one effect whose phrase with its instant is wanted."""
    found = [one.effect.clauses for one in play(scenario) if f"{one.at:%m-%d %H:%M} {phrase(one.effect)}" == wanted]
    assert len(found) == 1, wanted
    return found[0]


def phrase(effect: AnyEffect) -> str:
    """What an effect says, in a few words."""
    return _PHRASES[str(type(effect).__struct_config__.tag)].format(effect=effect, **_parts(effect))


def _parts(effect: AnyEffect) -> dict[str, str]:
    due = getattr(effect, "due", None)
    return {
        "where": effect.ip or effect.service or "nobody",
        "refund": {True: "refund", False: "no-refund", None: ""}[getattr(effect, "refund", None)],
        "due": format_instant(due)[5:16].replace("T", " ") if due else "",
        "what": getattr(effect, "item", None) or getattr(effect, "measure", None) or "",
    }


_PHRASES = {
    "strike": "strike {effect.abuse_type} {effect.number} {effect.service}",
    "points": "points {effect.points} {effect.abuse_type} {effect.service}",
    "annul": "annul {effect.abuse_type} {effect.service}",
    "notify": "notify {effect.to} {effect.template} {where}",
    "deadline": "{effect.name} by {due} {effect.service}",
    "measure": "{effect.measure} {effect.mode} {refund} {where}",
    "lift": "lift {effect.measure} {where}",
    "charge": "{effect.item} {effect.amount} {effect.mode} {where}",
    "withdraw": "withdraw {what} {where}",
    "flag": "flag {effect.flag} {where}",
    "answer": "{effect.request} {effect.answer}",
    "review": "review {effect.reason} {effect.service}",
}


def _instant(text: str) -> str:
    return f"{datetime.strptime(f'2026-{text}', '%Y-%m-%d %H:%M'):%Y-%m-%dT%H:%M:%S}Z"  # noqa: DTZ007
