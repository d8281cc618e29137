"""Room on the disk of the embedded database: what is left at last is kept for what came in already.

A PostgreSQL that finds no room for its log stops, and cannot start again until somebody makes some. So nothing more is
taken in before that, and whoever brings it keeps it.
"""

import shutil

from django.conf import settings
from django.db import OperationalError

RESERVE_MB = 512
"""So much stays free; what waits to be read and decided writes less."""


class NoRoom(OperationalError):  # noqa: N818 - as the others of its kind
    """Nothing more is taken in."""


def must_be_left() -> None:
    """Raises NoRoom where less than the reserve is free. A database of the operator's own is looked after by itself."""
    configuration = settings.CONFIGURATION
    if configuration.database_url is not None:
        return
    free = shutil.disk_usage(configuration.data).free // 2**20
    if free < RESERVE_MB:
        raise NoRoom(f"{configuration.data}: only {free} MB are free, and the last {RESERVE_MB} are kept; make room")
