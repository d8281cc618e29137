"""How many decisions a second one core makes, on dockets as a JimCloud desk has them.

Each service lives through the same months: it opens, is complained of for spam by several reporters, answers, pays and
is restored; an unverified complaint is forwarded and its deadline missed; a year's second attack follows. The stimuli
are prepared beforehand, so that only `decide` is timed.
"""

import time
from datetime import UTC, datetime, timedelta

from abusedesk.policy.decide import decide
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import Pack, load_pack
from abusedesk.policy.stimulus import (
    AnyStimulus,
    DeadlinePassed,
    Evidence,
    Opened,
    Payment,
    Reply,
    Report,
    Request,
    Verification,
)

SERVICES = 300
ROUNDS = 5
START = datetime(2025, 1, 1, tzinfo=UTC)
MISSED = "d10"
"""The id that the docket gives to the reply deadline of the complaint in doubt; `_check` holds it true."""


def measure() -> dict[str, dict[str, float | str]]:
    """Decisions for each second of this process on a core: the best of some rounds, since others only ever slow one."""
    pack = load_pack("jimcloud")
    _check(pack)
    best = 0.0
    for _ in range(ROUNDS):
        lives = [(Docket(f"s{number}"), _facts(number), _life(number)) for number in range(SERVICES)]
        count = sum(len(life) for _, _, life in lives)
        started = time.process_time()
        for docket, facts, life in lives:
            for at, stimulus in life:
                docket = decide(docket, stimulus, facts, pack, at).docket  # noqa: PLW2901 - the docket is a fold
        best = max(best, count / (time.process_time() - started))
    return {"decide_per_s": {"value": best, "unit": "1/s"}}


def _check(pack: Pack) -> None:
    """Plays one life, so that what is timed is known to be real: the missed deadline is one."""
    docket, effects = Docket("s0"), 0
    for at, stimulus in _life(0):
        decision = decide(docket, stimulus, _facts(0), pack, at)
        docket = decision.docket
        effects += len(decision.effects) if isinstance(stimulus, DeadlinePassed) else 0
    if not effects:
        raise AssertionError(f"{MISSED} is not the deadline that was to be missed")


def _facts(number: int) -> Facts:
    return Facts(
        brand="jimcloud",
        service=f"s{number}",
        service_type="vps",
        customer=f"c{number}",
        customer_since=START,
        service_since=START,
        held_ips=frozenset(_ips(number)),
    )


def _ips(number: int) -> tuple[str, str]:
    return f"198.51.100.{number % 250 + 1}", f"203.0.113.{number % 250 + 1}"


def _life(number: int) -> list[tuple[datetime, AnyStimulus]]:
    one, other = _ips(number)
    spam = START + timedelta(days=40, seconds=number)
    doubt = START + timedelta(days=90, seconds=number)
    attack = START + timedelta(days=150, seconds=number)

    def report(name: str, at: datetime, category: str, ips: tuple[str, ...], known: bool = True) -> AnyStimulus:
        return Report(name, category, ips, at, assurance="authenticated" if known else "unverified")

    hours = [timedelta(hours=count) for count in range(24)]
    return [
        (START, Opened()),
        (spam, report("a", spam, "messaging/spam", (one,))),
        *((spam + hours[1], report(f"b{count}", spam, "messaging/spam", (one,))) for count in range(6)),
        (spam + hours[2], report("c", spam, "messaging/spam", (one, other))),
        (spam + hours[3], Reply(complete=False)),
        (spam + hours[4], Reply(complete=True)),
        (spam + hours[4], Payment(4000)),
        (spam + hours[5], Request("r1", "restore")),
        (doubt, report("d", doubt, "connection/login_attack", (one,), known=False)),
        (doubt + hours[1], report("e", doubt, "connection/login_attack", (one,), known=False)),
        (doubt + hours[6], DeadlinePassed(MISSED)),
        (doubt + hours[7], Verification("d", assurance="verified")),
        (doubt + hours[8], Reply(complete=True)),
        (doubt + hours[9], Evidence(accepted=True)),
        (doubt + hours[10], Payment(2000)),
        (attack, report("f", attack, "connection/port_scan", (other,))),
        *((attack + hours[1], report(f"g{count}", attack, "connection/port_scan", (other,))) for count in range(6)),
        (attack + hours[2], Reply(complete=True)),
        (attack + hours[3], Request("r2", "restore")),
    ]


def main() -> None:
    """Prints the figures."""
    for key, figure in measure().items():
        print(f"{key} {figure['value']:,.0f} {figure['unit']}")


if __name__ == "__main__":
    main()
