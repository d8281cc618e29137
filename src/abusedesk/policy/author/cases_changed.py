"""What two sets of test cases say differently: they are no part of a policy, and are told beside its differences."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from abusedesk.policy.author.difference import Change, reworded

_FOLDER = "cases/"


def cases_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The test cases among a pack's files."""
    return {name: data for name, data in files.items() if name.startswith(_FOLDER)}


def case_changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Change]:
    """The cases that came, went or changed, in the order of their names."""
    old, new = cases_of(before), cases_of(after)
    for name in sorted({*old, *new}):
        what = f"the case {PurePosixPath(name).stem!r}"
        if name not in old:
            yield Change(None, "case", f"{what} is new")
        elif name not in new:
            yield Change(None, "case", f"{what} is gone")
        else:
            yield from reworded(None, "case", what, _text(old[name]), _text(new[name]))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
