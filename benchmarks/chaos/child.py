"""A worker or a watch, as the commands run them, under a clock that goes faster: a lease of two minutes ends soon."""

import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
django.setup()

from django.conf import settings  # noqa: E402 - it needs what was just set up

from abusedesk.desk import watch, work  # noqa: E402


@dataclass(frozen=True)
class Clock:
    """It showed `began` at the second `wall` of the real one, and goes `speed` times as fast."""

    began: datetime
    wall: float
    speed: float

    def now(self) -> datetime:
        """What it shows."""
        return self.began + timedelta(seconds=(time.time() - self.wall) * self.speed)


def run(role: str, clock: Clock, smtp_port: int) -> None:
    """Work, or watch, until killed."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_port
    _live_by(clock)
    if role == "watch":
        watch.run(threading.Event())
    else:
        work.run(threading.Event(), f"{role}-{os.getpid()}")


def _live_by(clock: Clock) -> None:
    class Fast(datetime):
        @classmethod
        def now(cls, _zone: Any = None) -> Any:
            return clock.now()

    work.datetime = Fast  # type: ignore[misc]
    watch._wall = clock.now
    watch._steady = lambda: (time.time() - clock.wall) * clock.speed
