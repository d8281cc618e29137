"""A pack's folder as a zip file, and the files of a zip that somebody hands in, which may be anything."""

import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import PurePosixPath

from abusedesk.problem import Problem

LARGEST = 2_000_000
"""No pack has so many bytes, packed or unpacked; the largest that comes with the product has under 100,000."""

MOST = 500
_AT = (2020, 1, 1, 0, 0, 0)
_IGNORED = ("__MACOSX/", ".git/")


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip; the same files give the same bytes."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as folder:
        for name in sorted(files):
            folder.writestr(zipfile.ZipInfo(name, _AT), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """The files of a pack in a zip: `pack.yaml`, notices and cases, wherever in the zip their folder stands.

    Raises Problem where the zip is none, is too large or holds no pack.
    """
    if len(data) > LARGEST:
        raise Problem(f"the zip is larger than {LARGEST // 1_000_000} MB; a pack is a few small text files")
    try:
        with zipfile.ZipFile(BytesIO(data)) as folder:
            return _pack_in(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Problem(f"this is no zip that can be read ({error}); zip the pack's folder again") from None


def _pack_in(folder: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [one for one in folder.infolist() if not one.is_dir() and not one.filename.startswith(_IGNORED)]
    if len(entries) > MOST or sum(one.file_size for one in entries) > LARGEST:
        raise Problem("the zip holds more than a pack can; zip the pack's folder alone")
    top = _top(one.filename for one in entries)
    inside = {one.filename.removeprefix(top): one for one in entries if one.filename.startswith(top)}
    return {name: _read(folder, one) for name, one in inside.items() if belongs(name)}


def belongs(name: str) -> bool:
    """Whether a file is one of a pack: its `pack.yaml`, a notice or a case."""
    parts = PurePosixPath(name).parts
    if parts == ("pack.yaml",):
        return True
    if ".." in parts or any(part.startswith(".") for part in parts):
        return False
    notice = len(parts) == 3 and parts[0] == "notices" and name.endswith(".txt")
    return notice or (len(parts) == 2 and parts[0] == "cases" and name.endswith((".yaml", ".yml")))


def _top(names: Iterable[str]) -> str:
    """The folder in which the pack stands, `` where that is the zip itself."""
    found = sorted((name for name in names if PurePosixPath(name).name == "pack.yaml"), key=lambda one: one.count("/"))
    if not found:
        raise Problem("there is no pack.yaml in the zip; zip the folder that holds it")
    return found[0].removesuffix("pack.yaml")


def _read(folder: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # What the zip says of its sizes may be a lie, so no more is unpacked than was said.
    with folder.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) > entry.file_size:
        raise Problem(f"{entry.filename} is larger than the zip says; zip the folder again")
    return data
