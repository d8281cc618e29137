"""A measure that rules ordered in the present decision, before the safeguards had their say."""

from msgspec import Struct

from abusedesk.policy.docket import Ground
from abusedesk.vocabulary.measure import MeasureKind, Mode


class PendingMeasure(Struct, frozen=True, gc=False):
    """One measure on one target, by all the rules that ordered it at once.

    `sanction` is False for what is no reproach to the customer; `upstream` is True for the upstream's own.
    """

    kind: MeasureKind
    ip: str | None
    port: int | None
    mode: Mode
    refund: bool
    clauses: tuple[str, ...]
    grounds: tuple[Ground, ...]
    sanction: bool = True
    upstream: bool = False


def merged(one: PendingMeasure, other: PendingMeasure) -> PendingMeasure:
    """Two orders for one target: automatic if either is, without refund if either is, citing both."""
    return PendingMeasure(
        one.kind,
        one.ip,
        one.port,
        "automatic" if "automatic" in {one.mode, other.mode} else "proposed",
        one.refund and other.refund,
        united(one.clauses, other.clauses),
        (*one.grounds, *other.grounds),
        one.sanction or other.sanction,
        one.upstream and other.upstream,
    )


def united(*lists: tuple[str, ...]) -> tuple[str, ...]:
    """Clauses of several lists, each once, in order."""
    found = dict[str, None]()
    for clauses in lists:
        found.update(dict.fromkeys(clauses))
    return tuple(found)
