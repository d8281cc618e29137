"""`abusedesk simulate FILE [--json]`: plays a scenario through the policy engine with a virtual clock.

Needs no database and no Django. Exit codes: 0 played, 2 the file or what it says cannot be used.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.policy.simulate import Played


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


def _as_json(played: "Iterable[Played]") -> list[str]:
    from abusedesk.policy.effect_fields import fields

    return [json.dumps(fields(*one), ensure_ascii=False) for one in played]


def _as_timeline(played: "Iterable[Played]", name: str) -> list[str]:
    from abusedesk.policy.effect_fields import fields

    lines = [name]
    day = ""
    for one in played:
        line = fields(*one)
        at = line.pop("at")
        if at[:10] != day:
            day = at[:10]
            lines += ["", day]
        lines.append(f"  {at[11:].rstrip('Z')}  {_words(line)}")
    return lines


def _words(line: dict[str, Any]) -> str:
    """An effect as a phrase: what, about what, and by which clauses."""
    from abusedesk.policy.effect_fields import in_words

    effect = line.pop("effect")
    clauses = ", ".join(line.pop("clauses"))
    where = " ".join(str(line.pop(name)) for name in ("service", "ip") if name in line)
    for name in ("case", "customer", "occurrence", "item_id"):
        line.pop(name, None)
    return f"{where or 'nobody':24} {effect:9} {in_words(line)}  [{clauses}]"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
