"""Instants: always aware, always UTC, written as RFC 3339 with `Z`."""

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant in UTC. Raises ValueError where the zone is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write for example {text}Z")
    return moment.astimezone(UTC)


def format_instant(moment: datetime) -> str:
    """An instant as `2026-02-02T10:00:00Z`, with microseconds only where it has some."""
    written = moment.isoformat() if moment.tzinfo is UTC else moment.astimezone(UTC).isoformat()
    return f"{written[:-6]}Z"
