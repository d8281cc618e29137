"""python -m benchmarks.chaos [--effects N] [--kills N] [--seed N] [--only NAME,…]

Kills workers, watch and database at random while complaints come in, deadlines pass and services are freed; then looks
whether everything is as decided, and nothing was done twice. Exit code 1 where it is not.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from abusedesk.records import embedded
from benchmarks.chaos import outsides
from benchmarks.chaos.outsides import Outside

SPEED = 10.0
"""The children's clock goes so many times as fast: a worker's lease lasts twelve seconds."""

ROLES = ("worker-1", "worker-2", "watch")
PER_SERVICE = 5
"""About so many effects does a service bring."""

STUCK_S = 180
"""Where nothing moves for so long, something is stuck."""

PATIENCE_S = 5
"""So long a kill waits at most for something to happen outside."""


@dataclass
class House:
    """The processes that are killed, and the clock by which they live. `seen` counts what happened outside."""

    server: embedded.Server
    smtp_port: int
    chance: random.Random
    clock: Any
    seen: Callable[[], int]
    children: dict[str, BaseProcess] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Start all that is not running."""
        from benchmarks.chaos import child  # noqa: PLC0415 - it sets Django up

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.chaos.child"])
        for role in ROLES:
            if role not in self.children:
                self.children[role] = context.Process(target=child.run, args=(role, self.clock, self.smtp_port))
                self.children[role].start()

    def kill(self, victim: str) -> None:
        """SIGKILL, whatever it is doing."""
        self.kills[victim] = self.kills.get(victim, 0) + 1
        if victim == "database":
            self._kill_database()
            return
        process = self.children.pop(victim)
        process.kill()
        process.join()

    def _kill_database(self) -> None:
        place = self.server.place
        os.kill(int((place.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        end = time.monotonic() + 60
        while True:
            try:
                embedded.restart(self.server)
            except embedded.DatabaseProblem:
                # Its last children still hold on to its memory.
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return

    def kill_some(self, number: int, feed: Callable[[int], None]) -> None:
        """So many kills at random moments; before each `feed` is called with how many are left."""
        for left in range(number, 0, -1):
            feed(left)
            self._stir(self.chance.randint(1, 6))
            time.sleep(self.chance.uniform(0, 0.05))
            self.kill(self.chance.choice([*ROLES, *ROLES, "database"]))
            self.start()

    def _stir(self, number: int) -> None:
        """Wait until so much more happened outside: then whoever brought it about has not written it down yet."""
        until, end = self.seen() + number, time.monotonic() + PATIENCE_S
        while self.seen() < until and time.monotonic() < end:
            time.sleep(0.005)

    def move(self, by: timedelta) -> None:
        """Time jumps; whoever lives by the old one is killed."""
        for role in ROLES:
            self.kill(role)
        self.clock = type(self.clock)(self.clock.now() + by, time.time(), self.clock.speed)
        self.start()

    def rest(self) -> str:
        """Wait until nothing is left to do. What is, where it takes too long."""
        from benchmarks.chaos.desk import again  # noqa: PLC0415 - it needs Django
        from benchmarks.chaos.verdict import waiting  # noqa: PLC0415

        before, since = "", time.monotonic()
        while left := again(lambda: waiting(self.clock.now())):
            now = f"{left} {self.seen()}"
            if now != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > STUCK_S:
                return left
            time.sleep(0.2)
        return ""

    def end(self) -> None:
        """End every child."""
        for process in self.children.values():
            process.kill()
            process.join()


def main(arguments: Sequence[str]) -> int:
    """Plays it, prints the figures, and says what was breached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--effects", type=int, default=2000, help="at least so many effects (default: 2000)")
    parser.add_argument("--kills", type=int, default=100, help="so many SIGKILLs at random (default: 100)")
    parser.add_argument("--seed", type=int, default=None, help="the same seed gives the same choices")
    parser.add_argument("--only", default="", help="the outsides to act on, by name, with commas between")
    chosen = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    names = [one for one in chosen.only.split(",") if one]
    print(f"seed {seed}", flush=True)
    with contextlib.ExitStack() as stack:
        house, made = _build(stack, names, seed)
        started = time.monotonic()
        found = _play(house, made, chosen.effects, chosen.kills)
        return _tell(house, found, time.monotonic() - started, chosen.effects)


def _build(stack: contextlib.ExitStack, names: Sequence[str], seed: int) -> tuple[House, tuple[list[Outside], Any]]:
    """Database, mail server, outsides, and the processes that are going to be killed."""
    folder = Path(tempfile.mkdtemp(prefix="abusedesk-chaos-"))
    folder.chmod(0o711)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"ABUSEDESK_DATA": str(folder / "data"), "ABUSEDESK_LOG_LEVEL": "error", "ABUSEDESK_DNS": "no"}
    (folder / "data").mkdir(mode=0o711)
    server = embedded.start(folder / "data")
    stack.callback(shutil.rmtree, server.place.home, ignore_errors=True)
    stack.callback(server.stop)
    from abusedesk.cli.session import apply_migrations, session  # noqa: PLC0415 - it reads the settings just made

    stack.enter_context(session(attach_only=True, migrate=False))
    apply_migrations()
    from benchmarks.chaos.child import Clock  # noqa: PLC0415
    from tests.contract.mailbox import mailbox  # noqa: PLC0415

    post = stack.enter_context(mailbox())
    made = [stack.enter_context(one(folder / one.__name__)) for one in outsides.ALL if _takes_part(one, names)]
    clock = Clock(datetime.now(UTC), time.time(), SPEED)
    house = House(server, post.port, random.Random(seed), clock, lambda: _seen(made, post))
    stack.callback(house.end)
    return house, (made, post)


def _seen(made: Sequence[Outside], post: Any) -> int:
    return len(post.got) + sum(len(one.changes()) for one in made)


def _takes_part(outside: Callable[..., Any], names: Sequence[str]) -> bool:
    if names and outside.__name__ not in names:
        return False
    lacking = outsides.missing(outside.__name__)
    if lacking:
        print(f"{outside.__name__} takes no part: {', '.join(lacking)} is not installed")
    return not lacking


def _play(house: House, made: tuple[list[Outside], Any], effects: int, kills: int) -> list[str]:
    """Complaints, missed replies, freedom; each with its part of the kills. Returns the breaches."""
    from benchmarks.chaos import desk, verdict  # noqa: PLC0415 - they need Django

    stage, post = made
    served = desk.found(stage, effects // PER_SERVICE + 1, house.chance, house.clock.now())
    freed = [one for one in served if one.freed]
    house.start()
    shares = [kills - 2 * (kills // 3), kills // 3, kills // 3]
    for part, number in enumerate(shares):
        slices = _slices(served if part == 0 else freed, number)
        if part == 0:
            house.kill_some(number, lambda _, todo=slices: desk.complain(next(todo), house.clock.now()))  # type: ignore[misc]
        elif part == 1:
            house.move(timedelta(hours=7))
            house.kill_some(number, lambda _: None)
        else:
            house.kill_some(number, lambda _, todo=slices: _free(desk, next(todo), house))  # type: ignore[misc]
        stuck = house.rest()
        if stuck:
            return [f"it does not come to rest: {stuck}", *verdict.breaches(served, list(post.got))]
    print(f"{verdict.effects()} effects on {len(served)} services, {len(post.got)} mails")
    short = [] if verdict.effects() >= effects else [f"only {verdict.effects()} effects of {effects}"]
    return [*short, *verdict.breaches(served, list(post.got))]


def _free(desk: Any, some: Sequence[Any], house: House) -> None:
    for one in some:
        desk.free(one, house.clock.now())


def _slices(whole: Sequence[Any], number: int) -> Iterator[Sequence[Any]]:
    """All of it, in so many parts."""
    return iter([whole[part::number] for part in range(number)]) if number else iter(())


def _tell(house: House, found: Sequence[str], seconds: float, effects: int) -> int:
    killed = ", ".join(f"{name} {count}" for name, count in sorted(house.kills.items()))
    print(f"{sum(house.kills.values())} kills ({killed}) in {seconds:.0f} s; asked for {effects} effects")
    for one in found:
        print(f"BREACH: {one}")
    print("everything is as decided, and nothing was done twice" if not found else f"{len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
