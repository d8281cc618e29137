"""The files of a brand's pack, and which of its own cases try which clause."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from abusedesk.policy.author.cases import run_cases
from abusedesk.policy.author.coverage import ClauseCoverage, coverage
from abusedesk.policy.pack import find_pack, load_pack, pack_files
from abusedesk.records.models import Brand


def present_files(brand: Brand) -> dict[str, bytes]:
    """The files of the pack that a brand goes by. Raises Problem where there is none."""
    return pack_files(find_pack(brand.pack))


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
