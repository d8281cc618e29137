"""Upgrade: before a new engine, or a pack that changed in its folder, decides anything, the recent past is held
against it.

What would be decided otherwise than it was is told, written down, and waits for somebody to accept it; until then
nothing is decided. A pack that two people published is no such change: they saw what it does.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.desk.policies.audit import Progress, Report, report
from abusedesk.policy.author.back import reaches_back
from abusedesk.policy.decision import ENGINE_VERSION
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Decision, Installed, UpgradeAudit
from abusedesk.records.packs import keep, kept

RECENT = timedelta(days=30)
KEPT_IN_WORDS = 200
"""So many differences are written down in full; the audit command tells all of them."""

_ENGINE = "engine"
_PACK = "pack:"

# Asked once for each brand, when its pack has not been looked at before.
_LAST_PACK = """
SELECT encode(decision.pack_digest, 'hex') FROM records_decision decision
JOIN records_docket docket ON docket.id = decision.docket_id WHERE docket.brand_id = %s
ORDER BY decision.id DESC LIMIT 1
"""


class Change(NamedTuple):
    """A thing that decides and is not what it was: `engine`, or `policy` with its name; values as people see them."""

    what: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.what} {self.was} is now {self.now}"


def changes() -> list[Change]:
    """What decides from now on and is not what decided last; empty where nothing changed or nothing was decided."""
    now, was = _present(), _before()
    return [_change(name, was[name], value) for name, value in now.items() if was.get(name, value) != value]


def must_be_settled() -> None:
    """Raises Problem where something decides that is not what decided last, and nobody has looked at what it changes.

    Whatever decides asks this before it begins.
    """
    changed = changes()
    if changed:
        said = "; ".join(map(str, changed))
        raise Problem(f"{said}, and what that changes is not settled, so nothing decides; run `abusedesk migrate`")


def look(now: datetime, recent: timedelta | None = RECENT, progress: Progress | None = None) -> UpgradeAudit | None:
    """Holds the recent past against what decides from now on, where that changed; None where it did not.

    What was found before and still waits for somebody is not sought again. With `recent` None no decision is made
    again, and only what changes in policies is told.
    """
    present, was = _present(), _before()
    unread = _unread()
    if not unread and all(was.get(name, value) == value for name, value in present.items()):
        note(present, now)
        return None
    waiting = UpgradeAudit.objects.filter(state="open", was=was, now=present).order_by("-at").first()
    if waiting is not None and not unread:
        return waiting
    since = now - recent if recent is not None else None
    found = report(since, most=KEPT_IN_WORDS, progress=progress, besides={"unknown_pack"}) if since else None
    rewritten = list(_rewritten(was, present, now))
    differing = len(unread) + len(rewritten) + (found.differing if found else 0)
    audit = UpgradeAudit.objects.create(
        at=now,
        was=was,
        now=present,
        since=since,
        counts=_counts(found),
        differences=[*unread, *rewritten, *(found.differences if found else ())],
        differing=differing,
        state="open" if differing else "clean",
    )
    if not differing:
        note(present, now)
    return audit


def accept(audit: UpgradeAudit, by: str, now: datetime) -> None:
    """Somebody has read what would be decided otherwise, and means it. Raises Problem where a policy cannot be read."""
    if not by.strip():
        raise Problem("say who accepts it, with --by NAME")
    unread = _unread()
    if unread:
        raise Problem(f"{unread[0]}; that can be mended, and not accepted")
    UpgradeAudit.objects.filter(pk=audit.pk).update(state="accepted", accepted_by=by.strip(), accepted_at=now)
    note(_present(), now)


def note(present: Mapping[str, str], now: datetime) -> None:
    """Writes down what decides from now on, and keeps the text of its packs."""
    keep(pack_of(brand) for brand in Brand.objects.all())
    known = dict(Installed.objects.values_list("name", "value"))
    for name, value in present.items():
        if known.get(name) != value:
            Installed.objects.update_or_create(name=name, defaults={"value": value, "since": now})


def summary(audit: UpgradeAudit) -> str:
    """What making decisions again came to, in one line; empty where none were."""
    return str(audit.counts.get("said", ""))


# --- what decides ---------------------------------------------------------------------------------------------------


def _present() -> dict[str, str]:
    """The engine by its version and the packs of folders by their digests, as they would decide now."""
    found = {_ENGINE: str(ENGINE_VERSION)}
    for brand in Brand.objects.filter(published=None).order_by("pk"):
        try:
            found[_PACK + brand.pack] = pack_of(brand).digest
        except Problem:
            continue
    return found


def _before() -> dict[str, str]:
    """The same as they decided last; without what has decided nothing yet."""
    found = dict(Installed.objects.values_list("name", "value"))
    if _ENGINE not in found:
        last = Decision.objects.order_by("-pk").values_list("engine_version", flat=True).first()
        found |= {_ENGINE: str(last)} if last is not None else {}
    for brand in Brand.objects.filter(published=None).order_by("-pk"):
        name = _PACK + brand.pack
        digest = _last_pack(brand.pk) if name not in found else None
        found |= {name: digest} if digest else {}
    return found


def _last_pack(brand: int) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_PACK, [brand])
        row = cursor.fetchone()
    return row[0] if row else None


def _unread() -> list[str]:
    """The brands whose policy this release cannot read, and why."""
    found = []
    for brand in Brand.objects.order_by("slug"):
        try:
            pack_of(brand)
        except Problem as problem:
            found.append(f"the policy of {brand.slug} cannot be read: {problem}")
    return found


def _change(name: str, was: str, now: str) -> Change:
    if name == _ENGINE:
        return Change("engine", was, now)
    return Change(f"policy {name.removeprefix(_PACK)}", was[:12], now[:12])


def _rewritten(was: Mapping[str, str], now: Mapping[str, str], at: datetime) -> Iterator[str]:
    """What packs that changed in their folders rewrite of versions in force, brand by brand."""
    for brand in Brand.objects.filter(published=None).order_by("slug"):
        before, after = was.get(_PACK + brand.pack), now.get(_PACK + brand.pack)
        if before is None or after is None or before == after:
            continue
        try:
            old = kept(before)
            words = reaches_back(old, pack_of(brand), settings_of(brand), at) if old else [_NOT_KEPT]
        except Problem as problem:
            words = [f"what it was before cannot be read: {problem}"]
        yield from (f"policy of {brand.slug}: {one}" for one in words)


_NOT_KEPT = "it changed, and what it was before is not kept, so nobody can say what it rewrites"


def _counts(found: Report | None) -> dict[str, object]:
    if found is None:
        return {}
    return {
        "said": str(found),
        "outcomes": [[outcome, engine, count] for (outcome, engine), count in sorted(found.counts.items())],
    }
