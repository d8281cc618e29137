"""A pack's folder as a zip, and the files of a zip that somebody hands in, which may be anything."""

import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

from abusedesk.problem import Problem

LARGEST = 2_000_000
"""No pack has so many bytes, packed or unpacked; the largest that comes with the product has under 200,000."""

MOST = 1000
"""Nor so many files."""

_AT = (2020, 1, 1, 0, 0, 0)
_METHODS = {ZIP_STORED, ZIP_DEFLATED}
_IGNORED = ("__MACOSX/", ".git/")
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip; the same files give the same bytes."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", ZIP_DEFLATED) as folder:
        for name in sorted(files):
            folder.writestr(ZipInfo(name, _AT), files[name], ZIP_DEFLATED)
    return buffer.getvalue()


def files_from_zip(data: bytes) -> dict[str, bytes]:
    """The files of a pack in a zip: `pack.yaml`, notices and cases, wherever in the zip their folder stands.

    Nothing is written anywhere, and no more is unpacked than a pack can have. Raises Problem where the zip is none, is
    too large, holds no pack, or holds what no folder of a pack does: links, a file twice, a path out of the folder.
    """
    if len(data) > LARGEST:
        raise Problem(f"the zip is larger than {LARGEST // 1_000_000} MB; a pack is a few small text files")
    try:
        with zipfile.ZipFile(BytesIO(data)) as folder:
            return _pack_in(folder)
    except _BROKEN as error:
        raise Problem(f"this is no zip that can be read ({error}); zip the pack's folder again") from None


def belongs(name: str) -> bool:
    """Whether a file is one of a pack: its `pack.yaml`, a notice or a case."""
    parts = PurePosixPath(name).parts
    if name != "/".join(parts) or any(part.startswith(".") for part in parts):
        return False
    notice = len(parts) == 3 and parts[0] == "notices" and name.endswith(".txt")
    return parts == ("pack.yaml",) or notice or (len(parts) == 2 and parts[0] == "cases" and name.endswith(".yaml"))


def _pack_in(folder: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [one for one in folder.infolist() if not one.is_dir() and not one.filename.startswith(_IGNORED)]
    if len(entries) > MOST or sum(one.file_size for one in entries) > LARGEST:
        raise Problem("the zip holds more than a pack can; zip the pack's folder alone")
    top = _top(one.filename for one in entries)
    found: dict[str, bytes] = {}
    for one in entries:
        name = one.filename.removeprefix(top)
        if not one.filename.startswith(top) or not belongs(name):
            _refuse_tricks(one)
            continue
        if name in found:
            raise Problem(f"the zip holds {name} twice; zip the pack's folder again")
        found[name] = _read(folder, one)
    return found


def _top(names: Iterable[str]) -> str:
    """The folder in which the pack stands, empty where that is the zip itself."""
    found = sorted((name for name in names if PurePosixPath(name).name == "pack.yaml"), key=lambda one: one.count("/"))
    if not found:
        raise Problem("there is no pack.yaml in the zip; zip the folder that holds it")
    if len(found) > 1 and found[0].count("/") == found[1].count("/") and found[0] != found[1]:
        raise Problem(f"the zip holds two packs, {found[0]} and {found[1]}; zip the folder of one")
    return found[0].removesuffix("pack.yaml")


def _refuse_tricks(entry: ZipInfo) -> None:
    """What is left out does no harm; but a zip that would write outside its folder is not to be trusted at all."""
    if entry.filename.startswith("/") or ".." in PurePosixPath(entry.filename).parts:
        raise Problem(f"the zip holds {entry.filename!r}, a path out of its folder; zip the pack's folder again")


def _read(folder: zipfile.ZipFile, entry: ZipInfo) -> bytes:
    _refuse_tricks(entry)
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        raise Problem(f"{entry.filename} is a link in the zip, and no file; zip the files themselves")
    # Of the other methods a few bytes can unpack to gigabytes at one stroke, whatever is asked for.
    if entry.compress_type not in _METHODS:
        raise Problem(f"{entry.filename} is packed in an unusual way; zip the folder with the usual one (deflate)")
    # What the zip says of its sizes may be a lie, so no more is unpacked than was said.
    with folder.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) > entry.file_size:
        raise Problem(f"{entry.filename} is larger than the zip says; zip the folder again")
    return data
