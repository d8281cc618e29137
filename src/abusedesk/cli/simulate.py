"""`abusedesk simulate FILE [--json]`: plays a scenario through the policy engine with a virtual clock.

Needs no database and no Django. Exit codes: 0 played, 2 the file or what it says cannot be used.
"""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.policy.simulate import Played

_INTERNAL = frozenset({"counts"})


def run(arguments: list[str]) -> int:
    """Plays one scenario and prints its effects."""
    parser = argparse.ArgumentParser(
        prog="abusedesk simulate", description="Play a scenario and show what the policy does."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a scenario in YAML")
    parser.add_argument("--json", action="store_true", help="one effect a line, as JSON")
    options = parser.parse_args(arguments)
    from abusedesk.policy.scenario import read_scenario
    from abusedesk.policy.simulate import play

    try:
        scenario = read_scenario(options.file)
        lines = _as_json(play(scenario)) if options.json else _as_timeline(play(scenario), scenario.name)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    except Problem as problem:
        print(f"abusedesk simulate: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def fields(played: "Played") -> dict[str, Any]:
    """An effect as the conformance format has it: every field that applies, times as RFC 3339."""
    effect = played.effect
    line: dict[str, Any] = {"at": _clock(played.at), "effect": type(effect).__struct_config__.tag}
    for name in effect.__struct_fields__:
        value = getattr(effect, name)
        if value is not None and name not in _INTERNAL and not (name == "upstream" and value is False):
            line[name] = _clock(value) if isinstance(value, datetime) else value
    return line


def _as_json(played: Any) -> list[str]:
    return [json.dumps(fields(one), ensure_ascii=False) for one in played]


def _as_timeline(played: Any, name: str) -> list[str]:
    lines = [name]
    day = ""
    for one in played:
        line = fields(one)
        at = line.pop("at")
        if at[:10] != day:
            day = at[:10]
            lines += ["", day]
        lines.append(f"  {at[11:].rstrip('Z')}  {_words(line)}")
    return lines


def _words(line: dict[str, Any]) -> str:
    """An effect as a phrase: what, about what, and by which clauses."""
    effect = line.pop("effect")
    clauses = ", ".join(line.pop("clauses"))
    where = " ".join(str(line.pop(name)) for name in ("service", "ip") if name in line)
    for name in ("case", "customer", "occurrence", "item_id"):
        line.pop(name, None)
    what = ", ".join(_phrase(name, value) for name, value in line.items())
    return f"{where or 'nobody':24} {effect:9} {what}  [{clauses}]"


def _phrase(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, tuple | list):
        return f"{name} {'+'.join(map(str, value))}"
    if name in {
        "measure",
        "item",
        "abuse_type",
        "flag",
        "mode",
        "amount",
        "currency",
        "answer",
        "reason",
        "name",
        "kind",
    }:
        return str(value)
    return f"{name} {value}"


def _clock(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
