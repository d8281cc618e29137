"""Whether a pack's files are fit to be published: the loader, the lint and the pack's own cases, in words."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from abusedesk.policy.author.cases import CaseResult, run_cases
from abusedesk.policy.author.lint import lint

_MOST = 5


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


def unfit(files: Mapping[str, bytes]) -> list[str]:
    """What keeps a pack from being published, each with its place; empty where nothing does. Warnings do not count.

    Cases are only played where the pack has no error. Raises Problem where there is no pack at all.
    """
    with laid_out(files) as folder:
        errors = [str(one) for one in lint(str(folder)) if one.level == "error"]
        found = errors or [text for one in run_cases(str(folder)) if not one.passed for text in _failures(one)]
        return [one.replace(f"{folder}/", "") for one in found]


def _failures(result: CaseResult) -> list[str]:
    return [result.fault] if result.fault else [*result.missing, *result.unexpected]


def listed(faults: list[str]) -> str:
    """Many faults as a few, and how many there are besides."""
    more = len(faults) - _MOST
    return "; ".join([*faults[:_MOST], *([f"and {more} more"] if more > 0 else [])])
