"""What waits for a yes or no: the list, the screen of one, many at once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk.enact import docket_of, submit
from abusedesk.policy.stimulus import AnyStimulus, Report, Request
from abusedesk.policy.stimulus import Proposal as Proposed
from abusedesk.records.models import Brand, CustomerRequest, Decision, Measure, Proposal
from abusedesk.vocabulary.approval import SETTING, chains_in
from abusedesk.web.views import approval
from tests.desk.estate import Provider, provider, with_addresses
from tests.web import rows

DAY = timedelta(days=1)


@pytest.fixture
def estate(db: None) -> Provider:
    return with_addresses(provider())


def tell(estate: Provider, *stimuli: AnyStimulus, ago: timedelta = timedelta()) -> None:
    for number, one in enumerate(stimuli):
        submit(docket_of(estate.service), one, key=f"t{number}:{one!r:.150}", at=timezone.now() - ago)


def phishing(ip: str = "192.0.2.1") -> Report:
    return Report(f"r-{ip}", "content/phishing", (ip,), timezone.now())


def pirated(ip: str = "192.0.2.1") -> Report:
    return Report(f"p-{ip}", "copyright/copyright", (ip,), timezone.now())


def text(page: Client, address: str = "/approvals") -> str:
    return " ".join(page.get(address).content.decode().split())


def another(name: str = "bo") -> Client:
    client = Client()
    client.force_login(rows.staff(name))
    return client


def many(estate: Provider, number: int) -> list[Proposal]:
    """The same fine proposed on several services."""
    for each in range(number):
        service = estate.another(f"s{each + 2}", f"198.51.100.{each}/32")
        submit(docket_of(service), pirated(f"198.51.100.{each}"), key="r1", at=timezone.now())
    return list(Proposal.objects.order_by("pk"))


def form_of(shown: str) -> dict[str, list[str]]:
    """The hidden fields of the page's form that goes to the answer."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown):
        found.setdefault(name, []).append(value)
    return found


# ---------- the list ----------


def test_an_empty_list_says_what_would_be_here(page: Client, db: None) -> None:
    assert "Nothing waits for a yes or no" in text(page)


def test_it_lists_what_waits_by_service_with_clause_age_and_proposer(page: Client, estate: Provider) -> None:
    tell(estate, phishing(), pirated(), ago=2 * DAY)
    tell(estate, Proposed("ann", "shutdown"), Request("q1", "unblock", "192.0.2.1"))
    shown = text(page)
    assert shown.count('class="card waits"') == 1
    for said in ("Termination", "Fine, USD 20.00", "Request to unblock an address, 192.0.2.1", "jimcloud:4"):
        assert said in shown
    assert "waits <time" in shown
    assert "You proposed this, so another person answers it." in shown
    assert "proposed by ann" in shown
    assert shown.count('<span class="tag late">waits') == 2


def test_it_is_filtered_by_brand_and_kind(page: Client, estate: Provider) -> None:
    tell(estate, phishing(), pirated())
    other = provider("joe")
    assert "Termination" not in text(page, "/approvals?kind=charge")
    assert "Fine, USD" in text(page, "/approvals?kind=charge&order=due")
    assert "Nothing fits this filter" in text(page, f"/approvals?brand={other.brand.slug}")


def test_the_queue_and_the_case_lead_to_it(page: Client, estate: Provider) -> None:
    tell(estate, phishing())
    one = Proposal.objects.get()
    assert "1 wait" in text(page, "/")
    assert f"/approvals/{one.pk}" in text(page, f"/cases/{one.case_id}")


# ---------- one ----------


def test_one_screen_has_all_that_decides_it(page: Client, estate: Provider) -> None:
    tell(estate, phishing(), Report("r2", "connection/port_scan", ("192.0.2.1",), timezone.now()))
    shown = text(page, f"/approvals/{Proposal.objects.get(name='terminate').pk}")
    for said in (
        "cannot be undone",
        "Termination ordered",
        "Termination: by console.",
        "Termination withdrawn",
        "phishing",
        "the reporter is who it says",
        "Owes now</dt><dd>USD 40.00",
        "Strike 2",
        "jimcloud:4",
        "version 2022-06-07",
        "It waits, and nothing is done for or against the customer by it.",
        "The fine is not paid",
        "One answer covers all proposals of this name on the service",
    ):
        assert re.search(said.replace(".", r"\."), shown, re.IGNORECASE), said


def test_what_it_costs_is_said_for_yes_and_no(page: Client, estate: Provider) -> None:
    tell(estate, pirated())
    shown = text(page, f"/approvals/{Proposal.objects.get().pk}")
    assert "Owes after a yes</dt><dd>USD 20.00" in shown
    assert "Owes after a no</dt><dd>USD 0.00" in shown


def test_who_is_hit_too_is_named(page: Client, estate: Provider) -> None:
    estate.another("s9", "192.0.2.8/32")
    tell(estate, phishing())
    assert "It hits others too: <a" in text(page, f"/approvals/{Proposal.objects.get().pk}")


def test_a_yes_with_a_reason_is_decided_and_stands_among_the_answered(page: Client, estate: Provider) -> None:
    tell(estate, Proposed("bo", "suspend"), Request("q1", "unblock", "192.0.2.1"))
    one = Proposal.objects.get(name="suspend")
    said = {"token": "t1", "verdict": "approve", "reason": "seen the log", "seen": one.mark}
    shown = page.post(f"/approvals/{one.pk}/answer", said, follow=True).content.decode()
    assert "Suspension ordered" in shown
    assert Measure.objects.get().decided == "in_force"
    assert "approved by ann" in text(page)
    assert "seen the log" in text(page)
    assert "Nothing is asked any more: ann has approved it already" in text(page, f"/approvals/{one.pk}")


@pytest.mark.parametrize(("given", "says"), [({"reason": ""}, "Say why in a few words"), ({"seen": "old"}, "changed")])
def test_without_a_reason_or_after_a_change_nothing_is_done(
    page: Client, estate: Provider, given: dict[str, str], says: str
) -> None:
    tell(estate, phishing())
    one = Proposal.objects.get()
    said = {"token": "t1", "verdict": "approve", "reason": "seen", "seen": one.mark, **given}
    assert says in page.post(f"/approvals/{one.pk}/answer", said, follow=True).content.decode()
    assert Measure.objects.get(kind="terminate").decided == "proposed"


def test_a_restoration_can_take_a_fee(page: Client, db: None) -> None:
    estate = with_addresses(provider("scal", "scalibit", in_force_from=timezone.now() - 900 * DAY))
    tell(estate, Request("q1", "restore"))
    one = Proposal.objects.get()
    page.post(f"/approvals/{one.pk}/answer", {"token": "t", "verdict": "approve", "reason": "ok", "fee": "50.00"})
    assert estate.service.charges.get().amount == 5000


def test_a_chain_is_shown_with_whoever_said_yes(page: Client, estate: Provider) -> None:
    Brand.objects.update(settings={SETTING: {"chains": chains_in("terminate: 2")}})
    tell(estate, phishing())
    one = Proposal.objects.get()
    said = {"token": "t1", "verdict": "approve", "reason": "clear to me", "seen": one.mark}
    assert "Your yes is recorded." in page.post(f"/approvals/{one.pk}/answer", said, follow=True).content.decode()
    shown = text(another(), f"/approvals/{one.pk}")
    assert "1 of 2 said yes" in shown
    assert "clear to me" in shown
    assert "1 of 2 said yes" in text(page)
    assert 'value="approve"' not in text(page, f"/approvals/{one.pk}")


def test_the_case_asks_by_the_same_rules(page: Client, estate: Provider) -> None:
    Brand.objects.update(settings={SETTING: {"approvers_only": True}})
    tell(estate, phishing())
    case = Proposal.objects.get().case_id
    said = {"token": "t1", "decision": "approve", "measure": "terminate"}
    assert "members of the group “approvers”" in page.post(f"/cases/{case}/decide", said, follow=True).content.decode()
    assert Measure.objects.get(kind="terminate").decided == "proposed"


def test_approving_alone_takes_somebody_who_may_approve(page: Client, estate: Provider) -> None:
    tell(estate, phishing(), Proposed("ann", "shutdown"))
    one = Proposal.objects.get(name="shutdown")
    assert "approve it alone" in text(page, f"/approvals/{one.pk}")
    said = {"token": "t1", "measure": "shutdown", "reason": "nobody else is up"}
    Brand.objects.update(settings={SETTING: {"approvers_only": True}})
    refused = page.post(f"/cases/{one.case_id}/break-glass", said, follow=True).content.decode()
    assert "Only those who may approve can approve alone, too." in refused
    Brand.objects.update(settings={})
    page.post(f"/cases/{one.case_id}/break-glass", said)
    one.refresh_from_db()
    assert (one.answer, one.closed_by, one.reason) == ("approved", "ann", "nobody else is up")


def test_what_a_customer_asks_stands_there_with_what_was_found(page: Client, estate: Provider) -> None:
    tell(estate, Request("q1", "unblock", "192.0.2.1"))
    asked = CustomerRequest.objects.get()
    shown = text(page, f"/approvals/{Proposal.objects.get().pk}")
    assert f"/requests/{asked.pk}" in shown
    assert "the customer is told" in shown
    assert "Owes now</dt><dd>USD 0.00" in shown
    assert "One answer covers all proposals" not in shown
    said = {"token": "t1", "verdict": "reject", "reason": "still sending"}
    page.post(f"/approvals/{Proposal.objects.get().pk}/answer", said)
    asked.refresh_from_db()
    assert (asked.state, asked.reason) == ("denied", "still sending")


def test_a_setting_that_cannot_be_read_stops_every_yes(page: Client, estate: Provider) -> None:
    Brand.objects.update(settings={SETTING: {"chains": [{"measure": "terminate", "needs": 99}]}})
    tell(estate, phishing())
    assert "needs 1 to 5 people" in text(page)
    assert "needs 1 to 5 people" in text(page, f"/approvals/{Proposal.objects.get().pk}")


# ---------- many ----------


def test_many_are_previewed_then_answered_each_under_its_own_key(page: Client, estate: Provider) -> None:
    chosen = many(estate, 3)
    preview = page.post("/approvals/preview", {"verdict": "approve", "chosen": [one.pk for one in chosen[:2]]})
    shown = preview.content.decode()
    assert "Yes to 2" in shown
    assert shown.count("Fine of USD 20.00 charged") == 2
    assert Decision.objects.filter(key__startswith="staff:").count() == 0
    fields = {**form_of(shown), "reason": "rightly claimed"}
    done = page.post("/approvals/answer", fields).content.decode()
    assert "All 2 done" in done
    keys = Decision.objects.filter(key__startswith="staff:say-many:").values_list("key", flat=True)
    assert len(set(keys)) == 2
    assert Proposal.objects.filter(closed_at=None).count() == 1
    assert "rightly claimed" in text(page)
    assert "it counted once" in page.post("/approvals/answer", fields).content.decode()


def test_what_changed_meanwhile_is_left_out_and_said(page: Client, estate: Provider) -> None:
    chosen = many(estate, 2)
    shown = page.post("/approvals/preview", {"verdict": "approve", "chosen": [one.pk for one in chosen]})
    again = Report("r2", "copyright/copyright", ("198.51.100.0",), timezone.now())
    submit(chosen[0].docket, again, key="r2", at=timezone.now() + 2 * DAY)
    done = page.post("/approvals/answer", {**form_of(shown.content.decode()), "reason": "seen"}).content.decode()
    assert "what would follow is no longer what was shown" in done
    assert [one.answer for one in Proposal.objects.order_by("pk")] == ["", "approved"]


def test_a_long_list_goes_on_by_itself(page: Client, estate: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "CHUNK", 2)
    chosen = many(estate, 3)
    shown = page.post("/approvals/preview", {"verdict": "reject", "chosen": [one.pk for one in chosen]})
    first = page.post("/approvals/answer", {**form_of(shown.content.decode()), "reason": "no claim"}).content.decode()
    assert "2 of 3 answered" in first
    last = page.post("/approvals/answer", form_of(first), headers={"HX-Request": "true"}).content.decode()
    assert "All 3 done" in last
    assert "<html" not in last
    assert not Proposal.objects.filter(closed_at=None).exists()


def test_what_is_not_mine_to_answer_is_left_out_of_the_preview(page: Client, estate: Provider) -> None:
    tell(estate, Proposed("ann", "suspend"))
    one = Proposal.objects.get()
    shown = page.post("/approvals/preview", {"verdict": "approve", "chosen": [one.pk]}).content.decode()
    assert "You proposed this, so another person answers it." in shown
    assert "None of these is yours to answer now." in shown


@pytest.mark.parametrize(("which", "says"), [((), "Choose some of the list"), ((0, 1), "proposals of one kind")])
def test_only_some_of_one_kind_can_be_chosen(page: Client, estate: Provider, which: tuple[int, ...], says: str) -> None:
    tell(estate, phishing(), pirated())
    ids = [one.pk for one in Proposal.objects.order_by("pk")]
    answer = page.post("/approvals/preview", {"verdict": "approve", "chosen": [ids[at] for at in which]}, follow=True)
    assert says in answer.content.decode()


def test_many_want_a_reason_too(page: Client, estate: Provider) -> None:
    chosen = many(estate, 1)
    answer = {"token": "t", "verdict": "approve", "chosen": [f"{chosen[0].pk}:"], "reason": ""}
    assert "Say why in a few words" in page.post("/approvals/answer", answer, follow=True).content.decode()
    assert Proposal.objects.filter(closed_at=None).exists()


# ---------- what a brand says ----------


def test_an_administrator_says_how_a_brand_approves(db: None) -> None:
    rows.brand()
    admin = Client()
    admin.force_login(rows.staff("ada", is_superuser=True))
    given = {"remind_hours": "4", "expire_days": "14", "approvers_only": "on", "chains": "terminate: 2\nrestore: 1"}
    admin.post("/brands/jimcloud/approvals", given)
    assert Brand.objects.get().settings[SETTING] == {
        "remind_after": "PT4H",
        "expire_after": "P14D",
        "approvers_only": True,
        "chains": [{"measure": "terminate", "needs": 2}, {"request": "restore", "needs": 1}],
    }
    assert "terminate: 2" in text(admin, "/brands/jimcloud/approvals")
    unknown = admin.post("/brands/jimcloud/approvals", {**given, "chains": "charge fines above 5.00: 2"})
    assert "makes no charge “fines”; it makes: fine, ip_replacement" in unknown.content.decode()
    known = admin.post("/brands/jimcloud/approvals", {**given, "chains": "charge fine above 5.00: 2"})
    assert known.status_code == 302
    refused = admin.post("/brands/jimcloud/approvals", {**given, "chains": "explode: 2"})
    assert (refused.status_code, "cannot be for &#x27;explode&#x27;" in refused.content.decode()) == (422, True)


def test_others_only_look_at_it(page: Client, db: None) -> None:
    rows.brand()
    assert "Only administrators change this." in text(page, "/brands/jimcloud/approvals")
    assert page.post("/brands/jimcloud/approvals", {"remind_hours": "4"}).status_code == 403
    assert "/brands/jimcloud/approvals" in text(page, "/brands/jimcloud")


def test_it_is_for_staff_only(estate: Provider) -> None:
    for address in ("/approvals", "/approvals/1", "/brands/jim/approvals"):
        assert Client().get(address).status_code == 302
    for address in ("/approvals/preview", "/approvals/answer", "/approvals/1/answer"):
        assert Client().post(address).status_code == 302
