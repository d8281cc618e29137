"""Reporters' threads: a number for each message that is answered, under which all that follows is found again."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from abusedesk.desk.perform.notice import TOKEN_LENGTH, TOKEN_LETTERS
from abusedesk.parsing.responding import Asked
from abusedesk.records.models import Brand, Report, Thread

CHINESE = "zh-Hans"


def begun(brand: Brand, message: UUID, mail: Asked, at: datetime, *, is_vouched: bool) -> Thread:
    """A thread about a message, not saved yet."""
    return Thread(
        brand=brand,
        message_id=message,
        token="R" + "".join(secrets.choice(TOKEN_LETTERS) for _ in range(TOKEN_LENGTH)),
        address=mail.to,
        domain=mail.domain,
        mail_id=mail.message_id,
        follows=list(mail.thread),
        # What a stranger wrote above a mail does not travel under our name.
        subject=mail.subject if is_vouched else "",
        language=_language(brand, is_chinese=mail.is_chinese),
        is_vouched=is_vouched,
        opened_at=at,
    )


def values_of(thread: Thread) -> dict[str, Any]:
    """The columns of a thread that is not saved yet."""
    columns = (one.attname for one in Thread._meta.concrete_fields if not one.primary_key)
    return {name: getattr(thread, name) for name in columns if name != "message_id"}


def _language(brand: Brand, *, is_chinese: bool) -> str:
    spoken = list(brand.languages) or ["en"]
    if is_chinese and CHINESE in spoken:
        return CHINESE
    return "en" if "en" in spoken else str(spoken[0])


def of_reports(reports: Iterable[Report]) -> list[Thread]:
    """The threads about some reports, oldest first."""
    messages = {one.message_id for one in reports if one.message_id is not None}
    return list(Thread.objects.filter(message_id__in=messages).order_by("opened_at", "pk"))
