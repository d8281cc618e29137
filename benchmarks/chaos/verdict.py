"""What must hold when all have come to rest: read from the tables, the journals of the outside and the mails."""

from collections import Counter
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from typing import Any

from django.db.models import Count, F

from abusedesk.desk.policies.audit import report
from abusedesk.records.chain import verify
from abusedesk.records.models import (
    Charge,
    Deadline,
    Decision,
    Effect,
    Measure,
    Message,
    MessageSeen,
    Notice,
    Strike,
    Target,
)
from benchmarks.chaos.desk import Served
from benchmarks.chaos.outsides import ref

_STATES = {"in_force": "in_force", "lifted": "lifted"}


def waiting(now: Any) -> str:
    """What has not come to rest yet, in words; empty where all has."""
    left = {
        "unread messages": MessageSeen.objects.filter(read_at=None).count(),
        "due deadlines": Deadline.objects.filter(state="open", due__lte=now).count(),
        "effects": Effect.objects.filter(state__in=("pending", "held")).count(),
        "targets": Target.objects.filter(dirty=True).count(),
    }
    return ", ".join(f"{count} {name}" for name, count in left.items() if count)


def effects() -> int:
    """How many effects reached the outside: notices, measures taken and lifted, charges."""
    lifted = Measure.objects.filter(state="lifted").count()
    return Effect.objects.filter(state="done").count() + Measure.objects.count() + lifted + Charge.objects.count()


def breaches(served: Sequence[Served], mails: Sequence[Any]) -> Iterator[str]:
    """Each thing that is not as it must be."""
    yield from _messages()
    yield from _measures(served)
    yield from _changes(served)
    yield from _money(served)
    yield from _notices(mails)
    yield from (f"the chain is broken: {one}" for one in verify())
    differing = report(None, None).differing
    if differing:
        yield f"{differing} decisions come out otherwise when they are made again"


def _messages() -> Iterator[str]:
    """Each is read as the complaint that it is, and none given to a person because its readers died."""
    for outcome, reason in Message.objects.exclude(outcome="reported").values_list("outcome", "reason"):
        yield f"a message was read as {outcome}: {reason}"


def _measures(served: Sequence[Served]) -> Iterator[str]:
    for one in Measure.objects.filter(upstream=False).select_related("service"):
        if one.state != _STATES.get(one.decided):
            yield f"{one.kind} on {one.service.ref} is {one.state} and was decided to be {one.decided}: {one.error}"
    stand = set(Measure.objects.filter(decided="in_force").values_list("service__ref", flat=True))
    for each in served:
        if each.freed == (ref(each.number) in stand):
            yield f"{ref(each.number)} is {'still under a measure' if each.freed else 'under none'}"
    for effect in Effect.objects.exclude(state="done"):
        yield f"effect {effect.key} is {effect.state}: {effect.error}"


def _changes(served: Sequence[Served]) -> Iterator[str]:
    """Each measure came about once outside, and ended once where it was lifted."""
    for outside in {one.outside.name: one.outside for one in served}.values():
        seen: dict[str, list[str]] = {}
        for target, action in outside.changes():
            seen.setdefault(target, []).append(action)
        for one in (each for each in served if each.outside.name == outside.name):
            wanted = ["apply", "lift"] if one.freed else ["apply"]
            got = seen.pop(one.ip if one.floods else ref(one.number), [])
            if got != wanted:
                yield f"{outside.name}: {ref(one.number)} was changed {got}, not {wanted}"
        yield from (f"{outside.name}: {target} is nobody's, and was changed {got}" for target, got in seen.items())


def _money(served: Sequence[Served]) -> Iterator[str]:
    charged = Counter(Charge.objects.values_list("service__ref", "name"))
    wanted = Counter({(ref(one.number), "fine"): 1 for one in served if not one.floods})
    yield from (f"charged {count} times: {what}" for what, count in (charged - wanted).items())
    yield from (f"charge missing: {what}" for what in wanted - charged)
    struck = Counter(Strike.objects.values_list("docket__service__ref", flat=True))
    yield from (f"{who} has {count} strikes" for who, count in struck.items() if count > 1)
    doubled = Decision.objects.values("docket", "key").annotate(times=Count("pk")).filter(times__gt=1)
    yield from (f"decided twice: {one}" for one in doubled)
    kept = Decision.objects.values("docket").annotate(times=Count("pk")).exclude(times=F("docket__sequence"))
    yield from (f"docket {one['docket']} has {one['times']} decisions, which is not its number" for one in kept)


def _notices(mails: Sequence[Any]) -> Iterator[str]:
    """Every notice one Message-ID; a crash may have sent its mail twice, but never two mails for one."""
    texts: dict[str, set[str]] = {}
    for envelope in mails:
        mail = message_from_bytes(envelope.content)
        texts.setdefault(str(mail["Message-ID"]), set()).add(f"{envelope.rcpt_tos} {mail['Subject']}")
    yield from (f"two mails under {one}" for one, said in texts.items() if len(said) > 1)
    sent = set(Notice.objects.filter(state="sent").values_list("message_id", flat=True))
    yield from (f"a mail of no notice: {one}" for one in set(texts) - sent)
    yield from (f"a notice whose mail never arrived: {one}" for one in sent - set(texts))
    several = Effect.objects.annotate(times=Count("notice")).filter(times__gt=1)
    yield from (f"{one.key} has {one.times} notices" for one in several)
