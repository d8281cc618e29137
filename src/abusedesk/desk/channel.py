"""What a driver of a channel that we ask is: a name, the options it needs, and one round of asking.

Drivers come in through the entry point group `abusedesk.channels`, ours by the same door as anybody's. One that is
pushed to, as LMTP, is a listener of its own and not asked.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

GROUP = "abusedesk.channels"
TOGETHER = 200
TOGETHER_BYTES = 32 * 1024 * 1024
LARGEST = 256 * 1024 * 1024
"""A larger file is left where it is, and said so."""


class Option(NamedTuple):
    """One thing that a channel has to be told. `check` returns what is wrong with a value in words, or nothing."""

    name: str
    label: str
    hint: str = ""
    default: str = ""
    secret: bool = False
    required: bool = True
    check: Callable[[str], str] = lambda _: ""
    choices: tuple[tuple[str, str], ...] = ()
    """Values to choose from with their words; none: it is written."""


class Round(NamedTuple):
    """What one round brought: messages taken, how many are left, and what the driver wants to remember.

    `read_up_to` is the instant up to which everything that had come has been taken; None while some is left. `more`
    says that there is more to do at once though no message came.
    """

    taken: int
    left: int
    read_up_to: datetime | None
    memory: dict[str, Any]
    more: bool = False


class Driver(NamedTuple):
    """A kind of channel that is asked. `ask` raises Problem, or OSError, where it cannot be reached.

    `brings_answers` says whether customers may answer this way. `check` returns what is wrong with the options
    together, by option; `about` what is worth saying of a channel as it is set up; `stale_after` how far it may be
    behind.
    `closed` ones are filled by whom the operator lets, and by nobody else: such a channel can be one reporter's feed.
    """

    kind: str
    title: str
    options: tuple[Option, ...]
    ask: Callable[[Channel], Round]
    brings_answers: bool = True
    check: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda _: {}
    about: Callable[[Channel], str] = lambda _: ""
    stale_after: Callable[[Channel], timedelta] = lambda _: timedelta(minutes=15)
    closed: bool = False


@cache
def drivers() -> dict[str, Driver]:
    """The drivers that are installed, by kind."""
    found = [entry.load() for entry in entry_points(group=GROUP)]
    return {one.kind: one for one in sorted(found, key=lambda one: one.title) if isinstance(one, Driver)}


def option(channel: Channel, name: str) -> str:
    """What a channel was told. Raises Problem where it was not."""
    known = next((one for one in drivers()[channel.kind].options if one.name == name), None)
    value = str(channel.options.get(name) or (known.default if known else ""))
    if not value and known is not None and known.required:
        raise Problem(f"the channel {channel.name!r} does not say its {known.label.lower()}; edit it in the console")
    return value


def take(channel: Channel, found: Sequence[tuple[str, bytes]]) -> None:
    """Commits messages by name and bytes; from here on nobody else need keep them."""
    now = datetime.now(UTC)
    provenance = _provenance(channel)
    batch: list[Incoming] = []
    size = 0
    for name, data in found:
        batch.append(Incoming(data, channel.name, now, name, channel.brand_id, provenance=provenance))
        size += len(data)
        if len(batch) >= TOGETHER or size >= TOGETHER_BYTES:
            receive_many(batch)
            batch, size = [], 0
    receive_many(batch)


def _provenance(channel: Channel) -> dict[str, str]:
    """Whose feed the channel is, where it is closed and somebody's."""
    bound = channel.reporter_id is not None and drivers()[channel.kind].closed
    return {"reporter": str(channel.reporter_id), "feed": channel.name} if bound else {}
