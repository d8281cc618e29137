"""Instants: always aware, always UTC, written as RFC 3339 with `Z`."""

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant in UTC. Raises ValueError for anything else, and where the zone is missing."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant; write for example 2026-02-02T12:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write for example {moment.isoformat()}Z")
    return moment.astimezone(UTC)


def format_instant(moment: datetime) -> str:
    """An instant as `2026-02-02T10:00:00Z`, with microseconds only where it has some."""
    written = moment.isoformat() if moment.tzinfo is UTC else moment.astimezone(UTC).isoformat()
    return f"{written[:-6]}Z"
