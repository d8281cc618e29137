"""The pack that a brand went by at an instant, and which of its own cases try which clause today."""

from datetime import datetime
from functools import lru_cache

from abusedesk.desk.policies.fitness import laid_out
from abusedesk.desk.policies.publish import files_of
from abusedesk.policy.author.cases import run_cases
from abusedesk.policy.author.coverage import ClauseCoverage, coverage
from abusedesk.policy.pack import Pack, pack_from
from abusedesk.records.models import Brand
from abusedesk.records.packs import kept, pack_of


def pack_at(brand: Brand, at: datetime) -> Pack:
    """The pack that a brand went by at an instant. Raises Problem where it cannot be read.

    What went before the first publication is known by that, as far as it was kept; else it is taken to be today's.
    """
    later = brand.publications.filter(state="published", decided_at__gt=at).order_by("decided_at", "pk").first()
    return (kept(later.previous) if later else None) or pack_of(brand)


def covered(brand: Brand) -> dict[str, ClauseCoverage]:
    """Which cases try which clause, by the clause's full id; worked out once for each state of the files."""
    return _covered(tuple(files_of(brand).items()))


@lru_cache(maxsize=16)
def _covered(files: tuple[tuple[str, bytes], ...]) -> dict[str, ClauseCoverage]:
    with laid_out(dict(files)) as folder:
        return {one.clause: one for one in coverage(pack_from(dict(files)), run_cases(str(folder)))}
