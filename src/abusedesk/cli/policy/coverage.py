"""`abusedesk policy coverage`: which clause is tried by which case, and what nothing tries."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from abusedesk.cli.progress import Progress
from abusedesk.policy.author.cases import CaseResult, case_files, read_case, run_file
from abusedesk.policy.author.coverage import ClauseCoverage, coverage, never_hit, stem
from abusedesk.policy.author.show import short
from abusedesk.policy.author.trials import trials, unnoticed
from abusedesk.policy.pack import Pack, load_pack
from abusedesk.policy.rule import Rule

DESCRIPTION = (
    "Show for every clause how many of its rules act in a case of the pack, and in how many cases. "
    "Ends with 1 where a clause acts by itself and no case that passes shows it."
)

_TITLE = 36


class Found(NamedTuple):
    """A pack with its coverage. `unnoticed` are the small changes that no case notices, None where none was tried."""

    pack: Pack
    clauses: list[ClauseCoverage]
    idle: list[Rule]
    results: list[CaseResult]
    unnoticed: list[str] | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("pack", metavar="PACK", help="a pack's name or folder")
    parser.add_argument(
        "--rules", action="store_true", help="below each clause its rules, each with the cases in which it acts"
    )
    parser.add_argument("--changes", action="store_true", help="try small changes, and say which no case notices")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def work(options: argparse.Namespace) -> int:
    """Plays the pack's cases and prints what they cover; 1 where a clause lacks a case."""
    pack = load_pack(options.pack)
    files = case_files(options.pack)
    with Progress() as progress:
        results = [run_file(path, pack) for path in progress.over(files, "cases", len(files))]
        missed = _unnoticed(pack, results, progress) if options.changes else None
    found = Found(pack, coverage(pack, results), never_hit(pack, results), results, missed)
    if options.json:
        print(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        print("\n".join([*_table(found, with_rules=options.rules), *_remarks(found)]))
    return 1 if any(one.lacking for one in found.clauses) else 0


def _unnoticed(pack: Pack, results: list[CaseResult], progress: Progress) -> list[str]:
    passing = [Path(one.file) for one in results if one.passed]
    cases = [read_case(path.read_text(encoding="utf-8"), path, pack) for path in passing]
    tried = progress.over(unnoticed(pack, cases), "changes", sum(1 for _ in trials(pack)))
    return [trial.text for trial, missed in tried if missed]


def _table(found: Found, *, with_rules: bool) -> Iterator[str]:
    yield f"{found.pack.title}: {len(found.pack.rules)} rules, {len(found.results)} cases"
    yield ""
    yield f"{'clause':27}{'title':{_TITLE}}{'acts':11}{'rules':>7}{'cases':>6}  state"
    for one in found.clauses:
        title = one.title if len(one.title) < _TITLE else f"{one.title[: _TITLE - 2]}…"
        acting = sum(bool(cases) for cases in one.by_rule.values())
        rules = f"{acting}/{len(one.rules)}" if one.rules else "-"
        acts = "by itself" if one.automatic else "asks" if one.rules else "-"
        state = one.state.upper() if one.lacking else one.state
        yield f"{short(found.pack, one.clause):27}{title:{_TITLE}}{acts:11}{rules:>7}{len(one.cases):>6}  {state}"
        if with_rules:
            yield from (f"    {rule}: {_among(cases, one.clause, found)}" for rule, cases in one.by_rule.items())


def _among(cases: Sequence[str], clause: str, found: Found) -> str:
    """In how many cases, with one of them, best one that is there to show the clause."""
    if not cases:
        return "no case"
    naming = [one for one in found.results if clause in one.clauses]
    about = [stem(one) for one in sorted(naming, key=lambda one: one.clauses[0] != clause)]
    best = next((one for one in about if one in cases), cases[0])
    return best if len(cases) == 1 else f"{best} and {_count(len(cases) - 1, 'other')}"


def _remarks(found: Found) -> Iterator[str]:
    yield ""
    failed = sum(not one.passed for one in found.results)
    if failed:
        yield f"{failed} cases fail and do not count here; `abusedesk policy test` says why"
    for rule in found.idle:
        yield f"the rule {rule.id} acts in no case: {rule.says}"
    lacking = [one for one in found.clauses if one.lacking]
    for one in lacking:
        yield f"the clause {short(found.pack, one.clause)} acts by itself and no case shows it; write one in cases/"
    for text in found.unnoticed or ():
        yield f"no case notices when {text}"
    yield f"{_count(len(lacking), 'clause')} without a case, {_count(len(found.idle), 'rule')} that no case tries"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _as_json(found: Found) -> dict[str, Any]:
    return {
        "pack": found.pack.name,
        "cases": len(found.results),
        "failed": sum(not one.passed for one in found.results),
        "clauses": [{**one._asdict(), "lacking": one.lacking} for one in found.clauses],
        "never_hit": [one.id for one in found.idle],
        **({"unnoticed": found.unnoticed} if found.unnoticed is not None else {}),
    }
