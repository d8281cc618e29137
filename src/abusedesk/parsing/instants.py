"""Instants as reports write them: RFC 5322, ISO 8601, and the dialects of log files."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero ene января янв janeiro gennaio januari",
            "feb february februar février fevrier febrero fév февраля фев fevereiro febbraio",
            "mar march märz marz mars marzo марта мар março maart mrz",
            "apr april avril abril abr avr апреля апр aprile",
            "may mai mayo мая maio maggio mei",
            "jun june juni juin junio июня июн junho giugno",
            "jul july juli juillet julio juil июля июл julho luglio",
            "aug august août aout agosto ago августа авг augustus",
            "sep sept september septembre septiembre сентября сен setembro settembre",
            "oct okt october oktober octobre octubre октября окт outubro ottobre",
            "nov november novembre noviembre ноября ноя novembro",
            "dec dez december dezember décembre decembre diciembre dic декабря дек dezembro dicembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_ZONES = {
    "hst": -600, "bst": 60, "mez": 60, "mesz": 120,
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "west": 60, "cet": 60, "cest": 120,
    "eet": 120, "eest": 180, "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "jst": 540, "kst": 540, "hkt": 480, "sgt": 480, "awst": 480, "aest": 600, "aedt": 660,
    "nzst": 720, "nzdt": 780, "ist": 330, "brt": -180, "art": -180, "sast": 120, "akst": -540, "akdt": -480,
    "мск": 180, "北京时间": 480, "北京時間": 480, "中国标准时间": 480, "日本時間": 540,
}  # fmt: skip
_ZONE = (
    r"(?:(?:Uhr|hrs?|hours|h|ч\.?)\s)?[(（\[]?(?P<zone>(?:(?:UTC|GMT)\s?)?[+-]\d{1,2}:?\d{2}\b|(?:UTC|GMT)\s?[+-]\d{1,2}\b"
    r"|Z\b|\b(?:UTC|GMT|UT|[A-Z]{2,4}T|MEZ|MESZ|MSK|МСК)\b|北京[时時][间間]|中国标准时间|日本時間)"
)
_CLOCK = (
    r"(?P<hour>[01]?\d|2[0-3])(?:[:.](?P<minute>[0-5]\d))(?:[:.](?P<second>[0-6]\d)(?:[.,]\d{1,9})?)?"
    r"(?:\s?(?P<half>[AaPp]\.?[Mm]\b))?"
)
_CLOCK_CJK = r"(?P<hour>[01]?\d|2[0-3])\s?[:时時点：]\s?(?P<minute>[0-5]\d)分?(?:[:：]?(?P<second>[0-6]\d)秒?)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_NAME = r"(?P<name>[A-Za-zéûäçÉÄа-я]{3,10})\.?"
_TAIL = rf"(?:\s{{0,2}}\(?{_ZONE})?(?:,?\s(?:on\s)?(?P<late>(?:19|20)\d\d)\b(?!:)(?:\s(?P<after>[+-]\d{4}\b))?)?"
_AT = r"(?:at|um|à|a\slas|às|alle|в|kl\.?|o|om|klo|à\sla|ore)"
_SHAPES = tuple(
    ("年" if "年" in shape else "/" if "<first>" in shape else "", re.compile(shape))
    for shape in (
        rf"(?<![\d.]){_YEAR}[-/.](?P<month>0?[1-9]|1[0-2])[-/.](?P<day>[0-2]?\d|3[01])(?:T|"
        rf"[\s_,-]{{1,3}}(?:{_AT}\s)?){_CLOCK}(?:\s{{0,2}}\(?{_ZONE})?",
        rf"(?<![\d.])(?P<day>[0-2]?\d|3[01])\.?(?:[\s/-]|\sde\s){_NAME}(?:[\s/-]|\sdel?\s){_YEAR}"
        rf"(?:\sг(?:ода|\.))?(?:,?\s(?:{_AT}\s)?|:|\s-\s|,\s?|T){_CLOCK}(?:\s{{0,2}}\(?{_ZONE})?",
        rf"(?<![\d.])(?P<day>[0-2]?\d|3[01])[\s-]{_NAME}[\s-](?P<short>\d\d)\s{_CLOCK}(?:\s{{0,2}}\(?{_ZONE})?",
        rf"(?<!\w){_NAME}\s{{1,2}}(?P<day>[0-2]?\d|3[01])(?:st|nd|rd|"
        rf"th)?,?\s(?:{_YEAR},?\s)?(?:at\s)?{_CLOCK}{_TAIL}",
        rf"(?<![\d.])(?P<day>[0-2]?\d|3[01])[.-](?P<month>0?[1-9]|1[0-2])[.-]{_YEAR}(?:,?\s(?:{_AT}\s)?|"
        rf"\s-\s){_CLOCK}(?:\s{{0,2}}\(?{_ZONE})?",
        rf"(?<![\d.])(?P<first>[0-3]?\d)/(?P<other>[0-3]?\d)/{_YEAR}(?:,?\s(?:{_AT}\s)?|"
        rf"\s?-\s?){_CLOCK}(?:\s{{0,2}}\(?{_ZONE})?",
        rf"(?<![\d:.]){_CLOCK}(?:\s?{_ZONE})?(?:,\s|\son\s|\s)(?P<day>[0-2]?\d|3[01])\s{_NAME}\s{_YEAR}(?!\s\d\d:)",
        rf"(?<!\d){_YEAR}\s?年\s?(?P<month>0?[1-9]|1[0-2])\s?月\s?(?P<day>[0-2]?\d|3[01])\s?日"
        rf"(?:\s?[(（].{{1,3}}[)）])?\s{{0,2}}{_CLOCK_CJK}(?:\s{{0,2}}\(?{_ZONE})?",
    )
)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")


@lru_cache(maxsize=2048)
def rfc5322(text: str) -> datetime | None:
    """A mail date in UTC, or None; without a zone it is taken for UTC."""
    try:
        parsed = parsedate_tz(text[:200])
        if parsed is None:
            return None
        moment = datetime(*parsed[:6], tzinfo=UTC)
        return moment - timedelta(seconds=parsed[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def iso(text: str) -> datetime | None:
    """An ISO 8601 instant in UTC, or None; without a zone it is taken for UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stated(text: str) -> datetime | None:
    """The instant that a field's value states, in whatever way; None where it states none."""
    return iso(text) or _epoch(text) or next((moment for moment, _, _ in find(text[:200])), None) or rfc5322(text)


def _epoch(text: str) -> datetime | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) in {10, 13}:
        return datetime.fromtimestamp(int(text[:10]), UTC)
    return None


def find(text: str, near: datetime | None = None, zone: timezone | None = None) -> Iterator[tuple[datetime, int, int]]:
    """Each instant in a text with its place, in reading order.

    `near` gives the year to dates that lack one: the latest that is not after it. `zone` is the one a report
    declares for all its times; without one they are UTC.
    """
    seen: list[tuple[int, int]] = []
    found: list[tuple[datetime, int, int]] = []
    for mark, shape in _SHAPES:
        for match in shape.finditer(text) if mark in text else ():
            moment = _moment(match.groupdict(), near, zone)
            if moment and not any(start < match.end() and match.start() < end for start, end in seen[-200:]):
                seen.append(match.span())
                found.append((moment, match.start(), match.end()))
    return iter(sorted(found, key=lambda item: item[1]))


def offset(zone: str) -> timezone | None:
    """The offset that `+0200`, `UTC+2`, `CEST` or `Z` stand for."""
    shift = _OFFSET.search(zone)
    if shift:
        minutes = int(shift[2]) * 60 + int(shift[3] or 0)
        return timezone(timedelta(minutes=-minutes if shift[1] == "-" else minutes)) if minutes < 24 * 60 else None
    minutes_named = _ZONES.get(zone.strip(" ()").lower())
    return None if minutes_named is None else timezone(timedelta(minutes=minutes_named))


def _moment(found: dict[str, str | None], near: datetime | None, zone: timezone | None) -> datetime | None:
    month, day = _month_and_day(found)
    if not month:
        return None
    year = found.get("year") or found.get("late") or _century(found.get("short"))
    own = offset(found.get("zone") or found.get("after") or "")
    try:
        guessed = datetime(
            int(year) if year else (near.year if near else 1), month, day, _hour(found), int(found["minute"] or 0),
            min(int(found["second"] or 0), 59), tzinfo=own or zone or UTC,
        ).astimezone(UTC)  # fmt: skip
        if year:
            return guessed
        return _not_after(guessed, near) if near else None
    except (ValueError, OverflowError):
        return None


def _century(short: str | None) -> str | None:
    """Two digits of a year as RFC 5322 section 4.3 reads them."""
    return short and (f"20{short}" if int(short) < 50 else f"19{short}")


def _not_after(moment: datetime, near: datetime) -> datetime:
    return moment.replace(year=moment.year - 1) if moment > near + timedelta(days=2) else moment


def _month_and_day(found: dict[str, str | None]) -> tuple[int, int]:
    if "name" in found:
        return _MONTHS.get((found["name"] or "").lower(), 0), int(found["day"] or 0)
    if "first" in found:
        first, other = int(found["first"] or 0), int(found["other"] or 0)
        return (other, first) if first > 12 else (first, other)
    return int(found["month"] or 0), int(found["day"] or 0)


def _hour(found: dict[str, str | None]) -> int:
    hour, half = int(found["hour"] or 0), (found.get("half") or "")[:1].lower()
    return hour % 12 + (12 if half == "p" else 0) if half else hour
