"""The demo: a whole day through the real stages, the same at every run, and nothing twice."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from abusedesk.cli.demo import fill
from abusedesk.cli.demo.day import Arrival, Day
from abusedesk.cli.demo.mail import Keys
from abusedesk.cli.demo.people import REPORTERS
from abusedesk.cli.progress import Progress
from abusedesk.desk import names
from abusedesk.desk.requests import findings_of
from abusedesk.desk.requests.check import NO_NAME, look
from abusedesk.parsing.read import read
from abusedesk.records.models import (
    ApiKey,
    Assignment,
    Brand,
    Case,
    Charge,
    Comparison,
    Contradiction,
    CustomerRequest,
    Deadline,
    Decision,
    Duty,
    Effect,
    Event,
    Inventory,
    Listing,
    Measure,
    Message,
    Notice,
    Report,
    Review,
    Service,
    Sweep,
    TicketEntry,
    UpstreamMeasure,
)

COUNTED = (
    Message,
    Report,
    Event,
    Case,
    Decision,
    Measure,
    Charge,
    Deadline,
    Effect,
    Notice,
    Review,
    Service,
    Assignment,
    ApiKey,
    Comparison,
    Contradiction,
    Duty,
    Inventory,
    Listing,
    Sweep,
    UpstreamMeasure,
)


def _fill() -> fill.Summary:
    return fill.fill(Progress(io.StringIO()))


@pytest.fixture(scope="module")
def _filled(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The day is played once for all tests of this module, and taken back after them."""
    from django.db import transaction

    folder = tmp_path_factory.mktemp("demo")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "CONFIGURATION", _with_data(folder))
        patch.setattr(names, "resolver", _nobody)
        with transaction.atomic():
            login = _fill()
            yield login
            transaction.set_rollback(True)


def _nobody() -> None:
    pytest.fail("the demo asked the machine's resolver")


def _with_data(folder: Path) -> Any:
    from dataclasses import replace

    return replace(settings.CONFIGURATION, data=folder, dns=True)


@pytest.fixture
def day(_filled: fill.Summary, db: Any) -> fill.Summary:
    return _filled


def test_a_day_of_complaints_is_there(day: fill.Summary) -> None:
    assert Brand.objects.count() == 2
    assert Service.objects.count() == 80
    assert Message.objects.count() >= 130
    assert not Message.objects.filter(outcome="").exists()


def test_the_day_has_something_of_everything(day: fill.Summary) -> None:
    assert {"reported", "not_a_report", "needs_review"} <= set(Message.objects.values_list("outcome", flat=True))
    assert {"unverified", "authenticated", "corroborated"} <= set(Report.objects.values_list("assurance", flat=True))
    assert {"suspend", "terminate", "null_route", "rate_limit"} <= set(Measure.objects.values_list("kind", flat=True))
    needs = {need for case in Case.objects.all() for need in case.needs}
    assert {"review:low_assurance", "review:verify_report", "proposal:terminate", "request:restore"} <= needs
    assert {"open", "missed", "met"} <= set(Deadline.objects.values_list("state", flat=True))
    assert {"no_attribution", "illegal_content", "needs_review"} <= set(
        Review.objects.filter(case=None).values_list("reason", flat=True)
    )


def test_two_reporters_by_mail_corroborate_each_other(day: fill.Summary) -> None:
    raised = Report.objects.filter(assurance="corroborated", reporter__name="CERT Example")
    assert any("Honeyfield sensors, a voice independent of it" in one.grade_reason for one in raised)


def test_what_customers_answer_stands_in_the_conversation(day: fill.Summary) -> None:
    written = TicketEntry.objects.filter(author="customer", message_id__isnull=False)
    assert written.count() == 5
    assert sorted(written.values_list("complete", flat=True)) == [False, True, True, True, True]
    assert not Review.objects.filter(reason__in=("read_reply", "customer_wrote"), closed_at=None).exists()
    assert Decision.objects.filter(key__startswith="reply:").count() == 5


def test_nothing_failed_on_the_way(day: fill.Summary) -> None:
    undone = Effect.objects.filter(state__in=("failed", "pending"))
    assert not undone.exclude(due__gt=timezone.now()).exists()
    assert not Measure.objects.filter(state="failed").exists()
    assert not [need for case in Case.objects.all() for need in case.needs if need.startswith("failed:")]


def test_a_smear_without_proof_harms_nobody(day: fill.Summary) -> None:
    smeared = Case.objects.filter(customer__name="Lumen Streaming", service__ref__endswith="2038")
    smeared = smeared.exclude(abuse_type="advisory")
    assert sum(case.reports for case in smeared) == 14
    assert not Measure.objects.filter(case__in=smeared).exists()
    assert not Charge.objects.filter(case__in=smeared).exists()


def test_what_happened_before_an_address_changed_hands_goes_to_its_holder_then(day: fill.Summary) -> None:
    held = Event.objects.get(ip="192.0.2.200")
    assert Service.objects.get(pk=held.service_id).customer.name == "Tomasz Wilk"


def test_blocklists_were_asked(day: fill.Summary) -> None:
    said = {one.address: (one.verdict, one.gone_at is not None) for one in Listing.objects.all()}
    assert sorted(said.values()) == [
        ("baseline", False),
        ("corroborated", False),
        ("corroborated", False),
        ("corroborated", True),
    ]
    assert said["198.51.100.240"] == ("baseline", False)
    assert not Sweep.objects.filter(ended_at=None).exists()
    assert not Sweep.objects.filter(unanswered__gt=0).exists()


def test_the_domain_of_the_request_for_the_mail_port_was_looked_up(day: fill.Summary) -> None:
    asked = CustomerRequest.objects.get(kind="open_mail_port")
    states = {one.about: one.state for one in findings_of(asked)}
    assert states == {"rdns": "ok", "spf": "ok", "dkim": "wrong", "dmarc": "ok", "mx": "ok"}
    assert (asked.check_at, asked.checked_at) == (None, asked.at)
    # Whoever has it looked up again asks nobody outside.
    assert {one.says for one in look(asked, asked.at, ask_dns=True)} == {NO_NAME}


def test_programs_told_of_things(day: fill.Summary) -> None:
    assert ApiKey.objects.filter(revoked_at=None, last_used_at__isnull=False).count() == 3
    assert {one.closed_at is None for one in Duty.objects.all()} == {True, False}
    assert UpstreamMeasure.objects.filter(lifted_at=None).count() == 1
    assert Report.objects.filter(assurance="verified").exists()
    assert not Message.objects.filter(channel="upstream").exclude(outcome="not_a_report").exists()


def test_inventories_were_read(day: fill.Summary) -> None:
    assert list(Comparison.objects.order_by("pk").values_list("inventory__name", "state")) == [
        ("ipam", "applied"), ("billing", "applied"), ("ipam", "applied"), ("billing", "waiting")
    ]  # fmt: skip
    assert Contradiction.objects.get().fact == "holder"
    assert Assignment.objects.get(prefix="203.0.113.74/32").service.customer.name == "Pixelhof"


def test_illegal_content_is_not_kept(day: fill.Summary) -> None:
    report = Event.objects.get(category="content/csam").report_id
    message = Message.objects.get(pk=Report.objects.get(pk=report).message_id)
    assert message.payload is None


def test_a_second_run_adds_nothing(day: fill.Summary) -> None:
    before = [table.objects.count() for table in COUNTED]
    assert _fill() == day
    assert [table.objects.count() for table in COUNTED] == before


def test_a_run_that_broke_off_is_carried_on_without_doubling(day: fill.Summary) -> None:
    from abusedesk.records.models import Channel

    before = [table.objects.count() for table in COUNTED]
    Channel.objects.update(watermark=None)
    assert _fill() == day
    assert [table.objects.count() for table in COUNTED] == before


def test_the_login_works(day: fill.Summary) -> None:
    response = Client().post("/accounts/login/", {"login": day.name, "password": day.password})
    assert response.status_code == 302


def test_the_password_is_for_the_owner_of_the_folder_alone(day: fill.Summary) -> None:
    file = Path(settings.CONFIGURATION.data) / "demo" / "password"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cases",
        "/customers",
        "/messages",
        "/outbox",
        "/brands",
        "/brands/scalibit",
        "/listings",
        "/keys",
        "/duties",
        "/inventories",
    ],
)
def test_the_pages_show_it(path: str, day: fill.Summary) -> None:
    client = Client()
    client.login(username=day.name, password=day.password)
    assert client.get(path).status_code == 200


def test_every_case_page_opens(day: fill.Summary) -> None:
    client = Client()
    client.login(username=day.name, password=day.password)
    for pk in Case.objects.values_list("pk", flat=True):
        assert client.get(f"/cases/{pk}").status_code == 200


class _Nowhere:
    """A world without a database, for what the letters say."""

    def __init__(self, keys: Keys) -> None:
        from datetime import UTC, datetime

        self.began, self.keys = datetime(2026, 3, 2, 9, 0, tzinfo=UTC), keys
        self.address = _Any()

    def mailbox(self, brand: str) -> str:
        return f"abuse@{brand}.example.net"


class _Any(dict[str, str]):
    """Every tenant has an address."""

    def __missing__(self, tenant: str) -> str:
        return f"198.51.100.{sum(map(ord, tenant)) % 200 + 1}"

    def get(self, tenant: str, default: Any = None) -> str:
        return self[tenant] if "/" in tenant else str(default)


def test_the_same_keys_and_hour_write_the_same_mails(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    one, other = (Day(_Nowhere(keys)).happenings() for _ in range(2))  # type: ignore[arg-type]
    assert one == other
    assert sum(isinstance(happening, Arrival) for happening in one) >= 130
    assert sum(not isinstance(happening, Arrival) for happening in one) >= 17


def test_known_reporters_are_read_as_reports(tmp_path: Path) -> None:
    arrivals = [one for one in Day(_Nowhere(Keys(tmp_path))).happenings() if isinstance(one, Arrival)]  # type: ignore[arg-type]
    known = {one.address for one in REPORTERS.values()}
    unread = [one.name for one in arrivals if one.sender in known and read(one.data, one.name).outcome != "reported"]
    assert unread == []
