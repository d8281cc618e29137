"""The same thing twice is one thing: bytes, roads, rows of feeds, and forty reporters of one incident."""

from datetime import timedelta

import msgspec
import pytest

from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Brand, Case, Decision, Effect, Event, EventSeen, Message, Report, Review
from tests.desk.estate import (
    NOW,
    Provider,
    complaint,
    known_reporter,
    provider,
    signed_complaint,
    take,
    with_addresses,
)

pytestmark = pytest.mark.django_db

HEADER = '"timestamp","ip","protocol","port","hostname","tag","asn","geo","region","city"'


@pytest.fixture(autouse=True)
def jim(db: None) -> Provider:
    return with_addresses(provider())


def feed(*rows: tuple[str, str]) -> bytes:
    """A file of a feed that tells every day which resolvers are open: rows of an instant and an address."""
    lines = [f'"{at}","{ip}","udp",53,"","dns",64496,"US","",""' for at, ip in rows]
    return "\r\n".join([HEADER, *lines, ""]).encode()


def fetched(name: str, data: bytes, at_day: int = 0) -> None:
    at = NOW + timedelta(days=at_day)
    receive_many([Incoming(data, "feeds", at, brand=Brand.objects.get().pk, name=name)])
    process_messages(at)


def counts() -> tuple[int, int, int]:
    return Message.objects.count(), Report.objects.count(), Event.objects.count()


def test_the_same_bytes_by_two_roads_are_one_message() -> None:
    for channel in ("lmtp", "mailbox"):
        receive_many([Incoming(complaint(), channel, NOW)])
    process_messages(NOW)
    assert counts() == (1, 1, 1)


def test_the_same_report_by_two_roads_is_one_report() -> None:
    known_reporter("isp.example.net")
    mail = signed_complaint("isp.example.net")
    take(mail)
    take(b"Received: from mx.example.org by desk.example.org; Mon, 2 Mar 2026 11:00:01 +0000\r\n" + mail)
    assert counts() == (2, 1, 1)
    assert Decision.objects.count() == 1


def test_the_same_report_by_mail_and_under_an_api_key_is_one_report() -> None:
    holder = known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    under_key = Incoming(complaint(), "api", NOW, brand=Brand.objects.get().pk, provenance={"reporter": str(holder.pk)})
    receive_many([under_key])
    process_messages(NOW)
    assert counts() == (2, 1, 1)


def test_a_report_that_anybody_wrote_is_told_once_more_by_who_can_prove_it() -> None:
    known_reporter("isp.example.net")
    for at, mail in enumerate((complaint(), signed_complaint("isp.example.net"), complaint(note="2"))):
        take(mail, at=NOW + timedelta(seconds=at))
    take(signed_complaint("isp.example.net", note="again"))
    assert list(Report.objects.order_by("received_at").values_list("assurance", flat=True)) == [
        "unverified",
        "authenticated",
    ]
    assert Case.objects.get().strikes.count() == 1


def test_both_roads_in_one_batch_are_one_report_as_well() -> None:
    take(
        complaint(),
        b"Received: from mx.example.org by desk.example.org; Mon, 2 Mar 2026 11:00:01 +0000\r\n" + complaint(),
    )
    assert counts() == (2, 1, 1)


def test_a_row_that_is_there_twice_is_one_event() -> None:
    fetched(
        "2026-03-01-scan_dns-test.csv", feed(("2026-03-01 04:00:00", "192.0.2.1"), ("2026-03-01 04:00:00", "192.0.2.1"))
    )
    assert counts() == (1, 1, 1)


def test_a_lasting_state_is_one_event_a_day_however_often_it_is_seen() -> None:
    fetched(
        "2026-03-01-scan_dns-a.csv", feed(("2026-03-01 04:00:00", "192.0.2.1"), ("2026-03-01 09:30:00", "192.0.2.1"))
    )
    fetched("2026-03-01-scan_dns-b.csv", feed(("2026-03-01 16:00:00", "192.0.2.1")))
    assert Event.objects.count() == 1
    fetched("2026-03-02-scan_dns-a.csv", feed(("2026-03-02 04:00:00", "192.0.2.1")), 1)
    assert Event.objects.count() == 2
    assert Case.objects.get().events == 2


def test_rows_of_the_days_before_are_no_new_events() -> None:
    rows = [("2026-02-28 04:00:00", f"192.0.2.{one}") for one in range(1, 9)]
    fetched("2026-02-28-scan_dns-a.csv", feed(*rows))
    fetched("2026-03-01-scan_dns-a.csv", feed(*rows, ("2026-03-01 04:00:00", "192.0.2.1")))
    assert Event.objects.count() == 9
    assert EventSeen.objects.count() == 9
    assert Case.objects.get().events == 9


def test_forty_reporters_of_one_incident_are_one_case_one_row_and_one_notice() -> None:
    take(*(complaint(sender=f"fbl{one}@isp{one}.example.com", note=str(one)) for one in range(40)))
    case = Case.objects.get()
    assert (case.reports, case.events, case.occurrences) == (40, 1, 1)
    assert case.needs == ["review:low_assurance"]
    assert Effect.objects.filter(kind="notice").count() == 1
    assert Review.objects.filter(case=None).values_list("reason", flat=True).get() == "campaign"


def test_forty_believed_reporters_are_one_case_and_one_strike() -> None:
    senders = ["isp.example.net", "mail.example.com", "filter.example.org"]
    for one in senders:
        known_reporter(one)
    take(*(signed_complaint(senders[one % 3], note=str(one), ip=f"192.0.2.{one % 2 + 1}") for one in range(40)))
    case = Case.objects.get()
    assert (case.occurrences, case.strikes.count(), case.events) == (1, 1, 2)
    assert Report.objects.count() == 6
    assert Effect.objects.filter(kind="notice").count() == 1
    assert EventSeen.objects.count() == 6


def test_what_a_second_voice_says_daily_is_told_once() -> None:
    senders = ["isp.example.net", "mail.example.com"]
    for one in senders:
        known_reporter(one)
    for day in range(3):
        for one in senders:
            take(signed_complaint(one, note=f"{one}{day}"), at=NOW + timedelta(days=day))
    assert counts() == (6, 2, 2)
    assert Case.objects.get().events == 1


def test_what_anybody_said_first_is_counted_once_when_others_vouch_for_it() -> None:
    senders = ["isp.example.net", "mail.example.com", "filter.example.org"]
    take(complaint(sender="a@throw.example", note="0"))
    for one in senders:
        known_reporter(one)
        take(signed_complaint(one, note=one))
    take(complaint(sender="a@throw.example", note="4"))
    assert Report.objects.count() == 4
    heard = [msgspec.json.decode(one) for one in Decision.objects.order_by("pk").values_list("stimulus", flat=True)]
    assert [one["events"] for one in heard if one["stimulus"] == "report"] == [1, 1, 0, 0]
