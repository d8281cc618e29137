"""What surrounds a brand's dockets while a story is played or the past replayed: time, and the blast radius."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple

from msgspec import UNSET

from abusedesk.policy.decision import Decision, Notify, Take
from abusedesk.policy.docket import Deadline, Docket

HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)


class Due(NamedTuple):
    """A deadline of a docket and when it is due; `number` orders those of one instant as they were set."""

    at: datetime
    number: int
    service: str | None
    deadline: str


class VirtualClock:
    """The open deadlines of all dockets, in the order in which they come due."""

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self._number = 0
        self.next = NEVER
        """When the first of them may be due."""

    def watch(self, service: str | None, deadlines: tuple[Deadline, ...], before: tuple[Deadline, ...] = ()) -> None:
        """Takes in the open deadlines of a docket that were not there before, or were due at another time."""
        if deadlines is before:
            return
        for one in deadlines:
            if one.state == "open" and one.paused_at is UNSET and one not in before:
                self._number += 1
                heappush(self._heap, Due(one.due, self._number, service, one.id))
                self.next = self._heap[0][0]

    def due_before(self, at: datetime, *, inclusive: bool = False) -> Iterator[Due]:
        """Those due before an instant, or at it. Some may have ended meanwhile: `still_due` tells."""
        while self.next < at or (inclusive and self.next == at and self._heap):
            due = heappop(self._heap)
            self.next = self._heap[0][0] if self._heap else NEVER
            yield due


def still_due(docket: Docket, due: Due) -> bool:
    """Whether a deadline is open in its docket, does not stand still, and is due at that very instant."""
    for one in docket.deadlines:
        if one.id == due.deadline:
            return one.state == "open" and one.paused_at is UNSET and one.due == due.at
    return False


class BlastRadius:
    """The brand's automatic measures of the last hour, and whether staff heard that there were too many."""

    def __init__(self, taken: tuple[datetime, ...] = (), staff_told: bool = False) -> None:
        self._taken = deque(taken)
        self.staff_told = staff_told

    def within_hour(self, at: datetime) -> int:
        """How many are less than an hour old. Instants must not go back by more than an hour."""
        taken = self._taken
        while taken and at - taken[0] >= HOUR:
            taken.popleft()
        return len(taken)

    def count(self, decision: Decision, at: datetime) -> None:
        """What a decision adds."""
        for effect in decision.effects:
            if isinstance(effect, Take):
                if effect.counts:
                    self._taken.append(at)
                    self.staff_told = False
            elif isinstance(effect, Notify) and effect.to == "staff":
                self.staff_told = True
