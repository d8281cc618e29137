"""The files of a brand's pack, and which of its own cases try which clause."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from abusedesk.policy.author.cases import run_cases
from abusedesk.policy.author.coverage import ClauseCoverage, coverage
from abusedesk.policy.pack import SAFEGUARDS, Pack, find_pack, load_pack, pack_files
from abusedesk.records.models import Brand
from abusedesk.records.packs import bytes_of, kept, pack_of


def present_files(brand: Brand) -> dict[str, bytes]:
    """The files of the pack that a brand goes by, its cases among them. Raises Problem where there is none."""
    if brand.published_id is None:
        return pack_files(find_pack(brand.pack))
    return {**own_files(pack_of(brand)), **bytes_of(_published_cases(brand))}


def own_files(pack: Pack) -> dict[str, bytes]:
    """The files that a pack itself is made of, without the product's safeguards of then."""
    return {name: data for name, data in pack.files.items() if name != SAFEGUARDS}


def _published_cases(brand: Brand) -> dict[str, str]:
    newest = brand.publications.filter(state="published", pack=brand.published_id).order_by("-decided_at").first()
    return dict(newest.cases) if newest else {}


def pack_at(brand: Brand, at: datetime) -> Pack:
    """The pack that a brand went by at an instant. Raises Problem where it cannot be read.

    What went before the first publication is known by that, as far as it was kept; else it is taken to be today's.
    """
    later = brand.publications.filter(state="published", decided_at__gt=at).order_by("decided_at", "pk").first()
    return (kept(later.previous) if later else None) or pack_of(brand)


def covered(brand: Brand) -> dict[str, ClauseCoverage]:
    """Which cases try which clause, by the clause's full id; worked out once for each state of the files."""
    return _covered(tuple(present_files(brand).items()))


@lru_cache(maxsize=16)
def _covered(files: tuple[tuple[str, bytes], ...]) -> dict[str, ClauseCoverage]:
    with laid_out(dict(files)) as folder:
        return {one.clause: one for one in coverage(load_pack(str(folder)), run_cases(str(folder)))}


@contextmanager
def laid_out(files: Mapping[str, bytes]) -> Iterator[Path]:
    """The files in a folder of their own for the length of the block, for tools that read folders."""
    with tempfile.TemporaryDirectory(prefix="abusedesk-pack-") as name:
        folder = Path(name)
        for file, data in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        yield folder
