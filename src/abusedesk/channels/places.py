"""Paths that channels are told: checked when they are written down, and again whenever they are used."""

import os
from pathlib import Path

from abusedesk.problem import Problem


def wrong_with_folder(text: str) -> str:
    """What is wrong with a folder that is to be read and written, in words; empty when nothing is."""
    path = Path(text)
    if not path.is_absolute():
        return "Write the whole path, from the root on."
    if not path.is_dir():
        return "There is no such folder on the machine that runs the desk."
    return "" if os.access(path, os.R_OK | os.W_OK | os.X_OK) else "The desk's user may not read and write there."


def wrong_with_file(text: str) -> str:
    """What is wrong with a file that is only to be read, in words; empty when nothing is."""
    path = Path(text)
    if not path.is_absolute():
        return "Write the whole path, from the root on."
    if not path.is_file():
        return "There is no such file on the machine that runs the desk."
    return "" if os.access(path, os.R_OK) else "The desk's user may not read it."


def folder(text: str) -> Path:
    """The folder. Raises Problem where it cannot be used."""
    wrong = wrong_with_folder(text)
    if wrong:
        raise Problem(f"{text}: {wrong[0].lower()}{wrong[1:].rstrip('.')}")
    return Path(text)
