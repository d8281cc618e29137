"""A forged campaign hurts nobody; the same, from reporters who can prove who they are, acts."""

from datetime import timedelta
from random import Random

import pytest

from abusedesk.desk import campaigns
from abusedesk.records.models import (
    Campaign,
    Charge,
    Measure,
    Message,
    Report,
    Reporter,
    Review,
    Strike,
)
from tests.desk.estate import LONG_AGO, NOW, Provider, complaint, known_reporter, provider, take, with_addresses
from tests.signing import signed

pytestmark = pytest.mark.django_db

ISPS = ["isp.example.net", "mail.example.com", "filter.example.org"]
IPS = [f"192.0.2.{one}" for one in range(1, 9)]


@pytest.fixture(params=["jimcloud", "scalibit"])
def brand(request: pytest.FixtureRequest) -> Provider:
    made = with_addresses(provider(pack=request.param, in_force_from=LONG_AGO))
    for domain in ISPS:
        known_reporter(domain)
    return made


AT = "Mon, 2 Mar 2026 10:30:00 +0000"


def from_an_isp(domain: str, note: str, ip: str = "192.0.2.1", at: str = AT) -> bytes:
    return complaint(sender=f"fbl@{domain}", note=note, ip=ip, to="abuse@jim.example.org", at=at)


def passed_on(mail: bytes, hop: int) -> bytes:
    """The mail as it is after one more hop: other bytes, the same signature."""
    return b"Received: from [203.0.113.%d] by mx.example.org; Mon, 2 Mar 2026 11:00:00 +0000\r\n" % hop + mail


def forgeries(at: str = AT) -> list[bytes]:
    """200 mails: of 50 throwaway senders, and copies of what real reporters write, without their signatures."""
    of_nobody = [
        complaint(sender=f"u{one % 50}@throw{one % 50}.example.com", note=f"f{one}", ip=IPS[one % len(IPS)], at=at)
        for one in range(150)
    ]
    copies = [from_an_isp(ISPS[one % len(ISPS)], f"c{one}", IPS[one % len(IPS)], at) for one in range(40)]
    broken = [
        signed(from_an_isp(ISPS[one % len(ISPS)], f"b{one}", at=at), ISPS[one % len(ISPS)]).replace(
            b"192.0.2.1", b"192.0.2.9"
        )
        for one in range(10)
    ]
    return [*of_nobody, *copies, *broken]


def genuine(at: str = AT) -> list[bytes]:
    """200 mails of the real reporters, each signed by its domain."""
    return [
        signed(from_an_isp(ISPS[one % len(ISPS)], f"s{one}", IPS[one % len(IPS)], at), ISPS[one % len(ISPS)])
        for one in range(200)
    ]


def hurt() -> dict[str, int]:
    return {one.__name__: one.objects.count() for one in (Strike, Charge, Measure)}


def test_a_forged_campaign_leads_to_nothing_but_one_review(brand: Provider) -> None:
    mails = forgeries()
    Random(4).shuffle(mails)
    for start in range(0, len(mails), 60):
        take(*mails[start : start + 60], at=NOW + timedelta(minutes=start))
    assert Message.objects.count() == 200
    assert hurt() == {"Strike": 0, "Charge": 0, "Measure": 0}
    assert Review.objects.filter(reason="campaign").count() == 1
    campaign = Campaign.objects.get()
    assert campaign.customer == brand.customer
    assert set(campaign.reports.values_list("assurance", flat=True)) == {"unverified"}
    assert campaign.reports.count() == Report.objects.count()


def test_replays_of_a_signed_mail_among_them_add_nothing_to_it(brand: Provider) -> None:
    genuine = signed(from_an_isp(ISPS[0], "g"), ISPS[0])
    take(genuine)
    before = hurt()
    replays = [passed_on(genuine, one) for one in range(1, 60)]
    take(*forgeries(), *replays, at=NOW + timedelta(hours=1))
    take(*(passed_on(genuine, one) for one in range(60, 80)), at=NOW + timedelta(days=9))
    assert hurt() == before
    assert Report.objects.exclude(assurance="unverified").count() == 1
    assert Review.objects.filter(reason="campaign").count() == 1


def test_rejecting_the_campaign_leaves_the_genuine_report_and_its_reporter_alone(brand: Provider) -> None:
    take(signed(from_an_isp(ISPS[0], "g"), ISPS[0]))
    before = hurt()
    take(*forgeries(), at=NOW + timedelta(hours=1))
    count = Report.objects.filter(assurance="unverified").count()
    assert campaigns.reject(Campaign.objects.get(), "iris", NOW + timedelta(hours=2)) == count
    assert Report.objects.filter(rejected_at=None).count() == 1
    assert hurt() == before
    assert not Review.objects.filter(reason="campaign", closed_at=None).exists()
    assert set(Reporter.objects.filter(known=True).values_list("rejected", flat=True)) == {0}


def test_the_same_from_authenticated_independent_reporters_acts(brand: Provider) -> None:
    mails = genuine()
    take(*mails[:8])
    take(*mails[8:], at=NOW + timedelta(minutes=5))
    assert Strike.objects.count() == 1
    assert Charge.objects.exists()
    assert Measure.objects.exists()
    assert not Campaign.objects.exists()
