"""Reporters: the record of each that is heard of, when and in which form it was heard last, and what staff change."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from abusedesk.desk.correlate import Complaint
from abusedesk.desk.verify import registered_domain, trust
from abusedesk.records.bulk import give_rows
from abusedesk.records.models import Reporter, ReporterChange

# A row that another worker holds is left to it: to the hour is exact enough, and nobody waits for it.
_HEARD = """
WITH heard AS (SELECT * FROM json_to_recordset(%s::json) AS row(id bigint, at timestamptz, format text)),
held AS (SELECT reporter.id FROM records_reporter reporter JOIN heard ON heard.id = reporter.id
         WHERE reporter.last_seen IS NULL OR reporter.last_seen < heard.at - interval '1 hour'
            OR NOT reporter.formats ? heard.format
         FOR UPDATE OF reporter SKIP LOCKED)
UPDATE records_reporter reporter
SET last_seen = GREATEST(reporter.last_seen, heard.at), first_seen = COALESCE(reporter.first_seen, heard.at),
    formats = CASE WHEN reporter.formats ? heard.format THEN reporter.formats
                   ELSE reporter.formats || to_jsonb(heard.format) END
FROM heard, held WHERE reporter.id = heard.id AND heard.id = held.id
"""


def ids_of(complaints: Iterable[Complaint]) -> dict[str, int]:
    """The ids of the reporters by their keys, each made when it is first heard of."""
    voices = {one.voice.key: one for one in complaints}
    unknown = sorted(key for key, one in voices.items() if one.voice.reporter is None)
    Reporter.objects.bulk_create([_new(voices[key]) for key in unknown], ignore_conflicts=True)
    made = dict(Reporter.objects.filter(key__in=unknown).values_list("key", "pk")) if unknown else {}
    return made | {key: one.voice.reporter for key, one in voices.items() if one.voice.reporter is not None}


def _new(complaint: Complaint) -> Reporter:
    voice, at = complaint.voice, complaint.unread.received_at
    formats = [complaint.report.format]
    return Reporter(key=voice.key, organisation=voice.organisation, first_seen=at, last_seen=at, formats=formats)


def note_heard(heard: Iterable[tuple[int | None, datetime, str]]) -> None:
    """Notes of each reporter, by its id, when it was heard and in which format. One query, none where nobody spoke."""
    latest: dict[int, tuple[datetime, str]] = {}
    for reporter, at, form in heard:
        if reporter is not None and (reporter not in latest or latest[reporter][0] < at):
            latest[reporter] = (at, form)
    give_rows(_HEARD, [{"id": pk, "at": at, "format": form} for pk, (at, form) in sorted(latest.items())])


def doubted_from() -> int:
    """From how many rejected reports on a record may speak against a reporter, as this installation says."""
    return trust().doubted_from


# --- what staff change ----------------------------------------------------------------------------------------------


@transaction.atomic
def mute(pk: int, by: str, reason: str, at: datetime) -> None:
    """From now on nothing that the reporter says is believed; it is heard and kept as before."""
    Reporter.objects.filter(pk=pk).update(muted=True, muted_at=at, muted_by=by, muted_reason=reason)
    ReporterChange.objects.create(reporter_id=pk, at=at, by=by, what="muted", reason=reason)


@transaction.atomic
def unmute(pk: int, by: str, reason: str, at: datetime) -> None:
    """The reporter counts again for what vouches for it; that it was muted stays in its history."""
    Reporter.objects.filter(pk=pk).update(muted=False, muted_at=None, muted_by="", muted_reason="")
    ReporterChange.objects.create(reporter_id=pk, at=at, by=by, what="no longer muted", reason=reason)


@transaction.atomic
def change(reporter: Reporter, values: Mapping[str, Any], by: str, at: datetime) -> list[str]:
    """Saves what differs of a record, new or old, and notes it. Returns the changes in words."""
    made = reporter.pk is None
    before = {} if made else Reporter.objects.select_for_update().values(*values).get(pk=reporter.pk)
    changed = {name: value for name, value in values.items() if made or before[name] != value}
    for name, value in changed.items():
        setattr(reporter, name, value)
    if changed:
        reporter.save(update_fields=None if made else list(changed))
    words = ["made by hand"] if made else [_words(name, before[name], value) for name, value in changed.items()]
    ReporterChange.objects.bulk_create(ReporterChange(reporter=reporter, at=at, by=by, what=one[:500]) for one in words)
    return words


def _words(name: str, before: Any, after: Any) -> str:
    label = name.replace("_", " ")
    if isinstance(after, bool):
        return f"{label}: {'yes' if after else 'no'}"
    if isinstance(after, list | dict):
        gone = [_short(one) for one in before if one not in after]
        new = [_short(one) for one in after if one not in before]
        said = [f"{sign}{one}" for sign, ones in (("+", new), ("-", gone)) for one in ones]
        return f"{label}: {', '.join(said) or 'changed'}"
    return f"{label}: {after or 'none'}"


def _short(one: Any) -> str:
    return str(one["fingerprint"][:16]) if isinstance(one, dict) else str(one)


MAILBOXES = frozenset((
    "126.com", "163.com", "aol.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com",
    "hotmail.com", "icloud.com", "live.com", "mail.ru", "me.com", "msn.com", "outlook.com", "proton.me",
    "protonmail.com", "qq.com", "t-online.de", "web.de", "yahoo.co.jp", "yahoo.com", "yandex.ru", "ymail.com",
    "zoho.com",
))  # fmt: skip
"""Domains at which anybody can have an address: no reporter is one of them as a whole."""

_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def wrong_with_domain(domain: str) -> str:
    """Why a domain cannot be a reporter's own, in words; empty where it can."""
    if not _DOMAIN.fullmatch(domain):
        return f"{domain} is no domain; write one on a line, as cert.example.org."
    if not registered_domain(domain):
        return f"{domain} is a public suffix: whoever registers a name below it would be this reporter."
    if registered_domain(domain) in MAILBOXES:
        return f"Anybody can have an address at {domain}: name the reporter's addresses there instead."
    return ""


def claimed_by_others(reporter: int | None, names: Iterable[str]) -> dict[str, str]:
    """Which of some domains and addresses other records claim, and whose they are."""
    wanted = {one.lower() for one in names}
    rows = Reporter.objects.exclude(pk=reporter or 0).exclude(domains=[], addresses=[])
    return {
        str(name).lower(): str(one)
        for one in rows.only("key", "name", "domains", "addresses")
        for name in (*one.domains, *one.addresses)
        if str(name).lower() in wanted
    }
