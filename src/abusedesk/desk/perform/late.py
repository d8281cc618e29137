"""Notices that our own doing kept back: gathered for a digest, or held up by the pace of their destination.

No deadline begins before its notice is served. What a notice was kept back beyond a minute is given back to the reply
deadlines of its docket when it goes out, before its words are written; what a stop of the brand gave back already is
not given twice.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from abusedesk.desk.enact import Move, enact
from abusedesk.policy.stimulus import Postponed
from abusedesk.records.holders import holders, lock_version
from abusedesk.records.models import Effect, Hold
from abusedesk.vocabulary.instant import parse_instant

SINCE = "kept_since"
"""In an order: since when it was kept back."""

UNCOUNTED = timedelta(minutes=1)
"""So long a notice may take on its way without a word."""

REASON = "the notice was kept back by the desk; the time until it was handed over does not count"


def give_back(effects: Iterable[Effect], now: datetime) -> None:
    """Moves the deadlines of notices that were kept back; what is given back once is not given again."""
    lengths: dict[int, tuple[timedelta, str]] = {}
    given = []
    for one in effects:
        length = _length(one, now)
        if one.decision is not None and length >= UNCOUNTED:
            docket = one.decision.docket_id
            key = f"late:{one.pk}:{one.payload[SINCE]}"
            lengths[docket] = max(lengths.get(docket, (timedelta(), "")), (length, key))
            given.append(one)
    if given:
        _enact(lengths, now)
        for one in given:
            one.payload = {**one.payload, SINCE: now.isoformat()}
        Effect.objects.bulk_update(given, ["payload"])


@transaction.atomic
def _enact(lengths: Mapping[int, tuple[timedelta, str]], now: datetime) -> None:
    lock_version()
    moves = [Move(docket, Postponed(by, REASON), key, now) for docket, (by, key) in sorted(lengths.items())]
    enact(moves, holders())


def _length(effect: Effect, now: datetime) -> timedelta:
    """How long a notice on which a deadline hangs was kept back, without the time for which the brand was stopped."""
    since = effect.payload.get(SINCE)
    if not since or not effect.payload.get("due") or effect.payload.get("to") != "customer":
        return timedelta()
    begun = parse_instant(str(since))
    stopped = Hold.objects.filter(Q(until__gt=begun), brand=effect.brand_id, since__lt=now)
    held = (min(until, now) - max(since, begun) for since, until in stopped.values_list("since", "until") if until)
    return now - begun - sum(held, timedelta())
