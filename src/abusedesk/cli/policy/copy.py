"""`abusedesk policy copy`: a pack's folder, to be changed."""

import argparse
from pathlib import Path

from abusedesk.policy.pack import find_pack, pack_files
from abusedesk.problem import Problem

DESCRIPTION = "Copy a pack's folder, with its notices and cases, to a new folder, to be changed there."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("pack", metavar="PACK")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a folder that is not there yet")


def work(options: argparse.Namespace) -> int:
    """Writes the files."""
    files = pack_files(find_pack(options.pack))
    if options.folder.exists():
        raise Problem(f"{options.folder} is there already; give the name of a new folder")
    try:
        for name, data in files.items():
            path = options.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise Problem(f"{error.filename} cannot be written: {error.strerror}; give another folder") from None
    cases = sum(name.startswith("cases/") for name in files)
    print(f"wrote {options.folder}: pack.yaml, {len(files) - cases - 1} notices, {cases} cases")
    return 0
