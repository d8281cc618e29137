"""Past: what a changed pack would have made of a brand's recorded past. It writes nothing.

The record is replayed twice from one snapshot of the database, under the brand's present pack and under the changed
one, each in a process of its own that makes itself ready while the order of the record is looked up; then the two
compare what they brought, service by service, half of them each.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.desk.policies import replaying
from abusedesk.desk.policies.replaying import Job, Outcome
from abusedesk.policy.author.whatif import Comparison, Totals, WhatIf, money
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Pack
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Decision
from abusedesk.records.past import Access, Record, reading

MOST = 1000
"""So many differences are given in full unless it is said otherwise: the heaviest."""

Tell = Callable[[int, int], None]
"""Told how many stimuli both replays have heard, and of how many. What it raises ends the work."""

_TELL_S = 0.1


def what_if(
    brand: Brand,
    changed: Pack,
    since: datetime | None = None,
    progress: Tell | None = None,
    most: int | None = MOST,
) -> WhatIf:
    """The past of a brand under its present pack and under a changed one, with the brand's settings as they stand.

    With `since`, every docket starts as it stood then, and only what came after is compared. `most` differences are
    given in full, all of them with None. Raises Problem where there is no past, or the settings set a parameter that
    the changed pack does not have.
    """
    started = time.monotonic()
    present, settings = pack_of(brand), settings_of(brand)
    _check(present, changed, settings)
    access = _access()
    with tempfile.TemporaryDirectory(prefix="abusedesk-past-") as name, reading(access) as past:
        (snapshot,) = past.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        before, after, reach = Path(name, "before"), Path(name, "after"), Path(name, "reach")
        common = (access, snapshot, brand.pk, since, reach, present)
        jobs = [
            Job(*common, present, settings, True, most, before, after, os.getpid()),
            Job(*common, changed, settings, False, most, after, before, os.getpid()),
        ]
        with _begun(jobs) as processes:
            extent = Record(past, brand.pk, since).extent()
            if extent.until is None:
                raise Problem(_nothing(brand, since))
            replaying.leave_reach(reach, extent.ids, extent.until)
            _wait(processes, len(extent.ids), progress)
        was, would_be = replaying.outcome(before), replaying.outcome(after)
        comparison = Comparison(most)
        for side in (before, after):
            comparison.take_in(replaying.compared(side))
    sums = comparison.sums(_totals(was), _totals(would_be))
    return WhatIf(
        brand=brand.slug,
        present=present.digest,
        changed=changed.digest,
        since=since,
        until=extent.until,
        stimuli=len(extent.ids),
        services=extent.services,
        affected=comparison.affected,
        sums=sums,
        money=money(sums),
        clauses=comparison.clauses(),
        differences=comparison.heaviest(),
        differing=comparison.differing,
        unlike_record=was.unlike_record,
        skipped=extent.erased,
        seconds=time.monotonic() - started,
    )


def _check(present: Pack, changed: Pack, settings: Settings) -> None:
    for pack in (present, changed):
        for version in pack.versions:
            pack.terms(version, settings)


def _nothing(brand: Brand, since: datetime | None) -> str:
    if since is None or not Decision.objects.filter(docket__brand=brand).exists():
        return f"{brand.slug} has no past yet: nothing was decided that could be replayed"
    return f"{brand.slug} has nothing on record since {since:%Y-%m-%d}; give an earlier date"


def _access() -> Access:
    """How Django connects, for processes that have no Django."""
    given: dict[str, Any] = connection.get_connection_params()
    return {name: value for name, value in given.items() if isinstance(value, str | int)}


# --- the two processes ----------------------------------------------------------------------------------------------


class _Process:
    """One replay at work: how many stimuli it has heard, and how it ended."""

    def __init__(self, job: Path) -> None:
        self._errors = job.with_name("errors")
        command = [sys.executable, "-m", "abusedesk.desk.policies.replaying", str(job)]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.heard = 0
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self.heard = int(line)

    def is_done(self) -> bool:
        """Whether it came to its end. Raises RuntimeError where that was a bad one."""
        code = self._process.poll()
        if code:
            words = self._errors.read_text(errors="replace").strip() or f"it ended with code {code}"
            raise RuntimeError(f"a replay broke off: {words}")
        return code == 0

    def end(self) -> None:
        """Ends it, if it has not ended, and gives back what it held."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def _begun(jobs: list[Job]) -> Iterator[list[_Process]]:
    """Both jobs at work side by side; none of them outlives the block."""
    processes: list[_Process] = []
    try:
        processes.extend(_Process(replaying.prepare(job)) for job in jobs)
        yield processes
    finally:
        for one in processes:
            one.end()


def _wait(processes: list[_Process], total: int, progress: Tell | None) -> None:
    """Until both are done."""
    while sum(one.is_done() for one in processes) < len(processes):
        if progress is not None:
            progress(min(total, *(one.heard for one in processes)), total)
        time.sleep(_TELL_S)
    if progress is not None:
        progress(total, total)


def _totals(outcome: Outcome) -> Totals:
    return {row: (count, amount) for row, count, amount in outcome.totals}
