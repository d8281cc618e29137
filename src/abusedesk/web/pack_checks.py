"""A changed pack looked at before it is tried or published: what changes in words, its faults, its own cases."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from abusedesk.desk.policies.fitness import laid_out
from abusedesk.policy.author.cases import CaseResult, run_cases
from abusedesk.policy.author.cases_changed import case_changes
from abusedesk.policy.author.coverage import ClauseCoverage, coverage
from abusedesk.policy.author.diff import Change, diff
from abusedesk.policy.author.lint import Finding, lint_files
from abusedesk.policy.author.show import short
from abusedesk.policy.pack import Pack, pack_from
from abusedesk.problem import Problem


class ClauseChanges(NamedTuple):
    """What changes in one clause; `short` is empty for what belongs to none, and `title` then where it is the whole."""

    short: str
    title: str
    changes: list[Change]


class Checks(NamedTuple):
    """The faults of a pack, its own cases, and the clauses that act by themselves and that no case tries."""

    findings: list[Finding]
    cases: list[CaseResult]
    lacking: list[ClauseCoverage]
    problem: str = ""
    loads: bool = True
    """Whether it can be read at all; a pack that cannot has faults, and its cases wait."""

    @property
    def errors(self) -> list[Finding]:
        """The findings for which it is not fit to be published."""
        return [one for one in self.findings if one.level == "error"]

    @property
    def remarks(self) -> int:
        """How many findings are for the author to weigh."""
        return len(self.findings) - len(self.errors)

    @property
    def failed(self) -> list[CaseResult]:
        """The cases that do not come out as they say."""
        return [one for one in self.cases if not one.passed]


def changes(
    present: Pack, changed: Pack, before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[ClauseChanges]:
    """What differs between two packs, clause by clause, and between the cases among their files."""
    found: dict[str | None, list[Change]] = {}
    for one in diff(present, changed):
        found.setdefault(one.clause, []).append(one)
    listed = [_of_clause(clause, one, present, changed) for clause, one in found.items()]
    tried = [*case_changes(before, after)]
    return [*listed, ClauseChanges("", "Test cases, by which nothing is decided", tried)] if tried else listed


def _of_clause(clause: str | None, listed: list[Change], present: Pack, changed: Pack) -> ClauseChanges:
    if clause is None:
        return ClauseChanges("", "", listed)
    known = changed if clause in changed.clauses else present
    return ClauseChanges(short(known, clause), known.clause(clause).title, listed)


def checks_of(files: Mapping[str, bytes]) -> Checks:
    """What is to be known of a pack that is no pack of the desk yet; worked out once for each state of its files."""
    return _checks(tuple(sorted(files.items())))


@lru_cache(maxsize=16)
def _checks(listed: tuple[tuple[str, bytes], ...]) -> Checks:
    files = dict(listed)
    # What the loader refuses is told first, each fault with its place: a pack that does not load has no cases to play.
    findings = lint_files(files)
    try:
        pack = pack_from(files)
    except Problem as problem:
        return Checks(findings, [], [], "" if findings else str(problem), loads=False)
    with laid_out(files) as folder:
        try:
            results = run_cases(str(folder))
        except Problem as problem:
            return Checks(findings, [], [], str(problem).replace(f"{folder}/", ""))
    lacking = [one for one in coverage(pack, results) if one.lacking]
    return Checks(findings, [_bare_case(one, folder) for one in results], lacking)


def _bare_case(one: CaseResult, folder: Path) -> CaseResult:
    def bare(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(line.replace(f"{folder}/", "") for line in lines)

    fault = one.fault.replace(f"{folder}/", "") if one.fault else None
    return one._replace(
        file=Path(one.file).name, missing=bare(one.missing), unexpected=bare(one.unexpected), fault=fault
    )
