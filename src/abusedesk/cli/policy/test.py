"""`abusedesk policy test`: plays the test cases of packs and says what is missing and what came unexpected."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from abusedesk.cli.progress import Progress
from abusedesk.policy.author.cases import CaseResult, case_files, not_played, run_file
from abusedesk.policy.pack import PACKS, load_pack

DESCRIPTION = (
    "Play the test cases of packs, one line each; of a case that fails, what is missing and what came unexpected. "
    "Without PACK: those that come with the product. Ends with 1 where a case fails, or a pack has none."
)


_HINT = "; `abusedesk simulate FILE` shows all that happens in one"


class Tested(NamedTuple):
    """A pack with what came of its cases."""

    pack: str
    results: list[CaseResult]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("packs", metavar="PACK", nargs="*", help="a pack's name or folder")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def work(options: argparse.Namespace) -> int:
    """Plays all and prints; 1 where a case fails."""
    names = list(dict.fromkeys(options.packs)) or sorted(one.parent.name for one in PACKS.glob("*/pack.yaml"))
    tested = _play(names)
    failed = sum(not result.passed for one in tested for result in one.results)
    passed = sum(len(one.results) for one in tested) - failed
    if options.json:
        cases = [_as_json(one.pack, result) for one in tested for result in one.results]
        print(json.dumps({"passed": passed, "failed": failed, "cases": cases}, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*_as_lines(tested), f"{passed} passed, {failed} failed{_HINT if failed else ''}"]))
    remarks = [remark for one in tested for remark in _remarks(one)]
    for remark in remarks:
        print(f"abusedesk policy: {remark}", file=sys.stderr)
    return 1 if failed or remarks else 0


def _play(packs: list[str]) -> list[Tested]:
    found = [(name, load_pack(name), case_files(name)) for name in packs]
    todo = [(name, pack, path) for name, pack, paths in found for path in paths]
    results: dict[str, list[CaseResult]] = {name: [] for name in packs}
    with Progress() as progress:
        for name, pack, path in progress.over(todo, "cases", len(todo)):
            results[name].append(run_file(path, pack))
    return [Tested(*one) for one in results.items()]


def _remarks(tested: Tested) -> Iterator[str]:
    """Why a pack is not tried as its author may think."""
    if not tested.results:
        yield f"{tested.pack} has no cases; write its first in cases/*.yaml"
    for path in not_played(tested.pack):
        yield f"{_near(str(path))} is not played; a case is a file cases/NAME.yaml"


def _as_lines(tested: list[Tested]) -> Iterator[str]:
    for pack, results in tested:
        yield pack
        for one in results:
            yield f"  {'ok   ' if one.passed else 'FAIL '} {Path(one.file).stem}: {one.name}"
            yield from (f"        {_near(text)}" for text in wrong(one))


def wrong(result: CaseResult) -> tuple[str, ...]:
    """All that is wrong with a case, each with its place."""
    return (*((result.fault,) if result.fault else ()), *result.missing, *result.unexpected)


def _near(text: str) -> str:
    """A place below the present folder is said from there."""
    return text.replace(f"{Path.cwd()}/", "")


def _as_json(pack: str, result: CaseResult) -> dict[str, Any]:
    return {
        "pack": pack,
        "file": result.file,
        "name": result.name,
        "passed": result.passed,
        "clauses": result.clauses,
        "fault": result.fault,
        "missing": result.missing,
        "unexpected": result.unexpected,
    }
