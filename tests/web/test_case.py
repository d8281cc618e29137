"""The case: its story with reasons, its clauses with their texts, and what a person can do."""

import re
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from abusedesk.desk import history
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.perform import marks
from abusedesk.policy import stimulus as stimuli
from abusedesk.records.models import Case, Decision, Effect, Measure, Notice, Report, Review, Target
from abusedesk.web.forms import FORMS, Payment
from tests.desk.estate import NOW, provider, with_addresses
from tests.web import rows


def _text(page: Client, desk: rows.Desk) -> str:
    return page.get(f"/cases/{desk.case.pk}").content.decode()


def test_the_story_says_what_came_in_and_what_was_ordered(page: Client, desk: rows.Desk) -> None:
    text = _text(page, desk)
    assert "Port scan reported by Watch of Example Net" in text
    assert "Suspension ordered" in text
    assert "Fine of USD 20.00 charged" in text


def test_every_clause_cited_has_its_text(page: Client, desk: rows.Desk) -> None:
    text = _text(page, desk)
    assert "The machine will be suspended immediately" in text
    assert "A termination is never automatic" in text


def test_every_clause_cited_leads_to_its_place_in_the_policy(page: Client, desk: rows.Desk) -> None:
    cited = re.findall(r'class="clause" href="(/policies/jimcloud)#([^"]+)"', _text(page, desk))
    policy = page.get("/policies/jimcloud").content.decode()
    assert {place for _, place in cited} >= {"9", "1.a", "safeguard:irreversible"}
    assert {place for _, place in cited} <= set(re.findall(r'id="([^"]+)"', policy))


def test_why_and_why_not_are_told_on_demand(page: Client, desk: rows.Desk) -> None:
    decision = Decision.objects.get()
    text = page.get(f"/decisions/{decision.pk}/why").content.decode()
    assert "the first attack suspends" in text
    assert "because this did not hold: strikes &gt;= 2" in text


def test_a_report_shows_its_assurance_and_why(page: Client, desk: rows.Desk) -> None:
    assert "Signed by example.net, which is known" in _text(page, desk)


def test_what_a_stranger_wrote_is_escaped(page: Client, desk: rows.Desk) -> None:
    Report.objects.update(summary="<script>alert(1)</script>")
    text = _text(page, desk)
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_more_reports_and_decisions_need_no_more_queries(
    page: Client, desk: rows.Desk, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        report, _message = rows.report(desk.case)
        rows.first_attack(desk.case, report.pk)
    with django_assert_max_num_queries(30):  # two of them for a pack that is not kept
        page.get(f"/cases/{desk.case.pk}")


def test_taking_and_giving_back(page: Client, desk: rows.Desk) -> None:
    page.post(f"/cases/{desk.case.pk}/take")
    assert Case.objects.get(pk=desk.case.pk).taken_by == "ann"
    page.post(f"/cases/{desk.case.pk}/take")
    assert not Case.objects.get(pk=desk.case.pk).taken_by


def test_a_form_with_a_mistake_comes_back_with_it(page: Client, desk: rows.Desk) -> None:
    data = {"token": "t1", "amount": "-3"}
    response = page.post(f"/cases/{desk.case.pk}/payment", data, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "greater than or equal to 0.01" in response.content.decode()
    assert not Decision.objects.filter(key__startswith="staff:").exists()


def test_a_measure_on_an_address_needs_the_address(page: Client, desk: rows.Desk) -> None:
    data = {"token": "t1", "measure": "null_route"}
    response = page.post(f"/cases/{desk.case.pk}/propose", data, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "say which" in response.content.decode()


def test_a_payment_is_decided_and_its_outcome_shown(page: Client, desk: rows.Desk) -> None:
    response = page.post(f"/cases/{desk.case.pk}/payment", {"token": "t1", "amount": "20.00"}, follow=True)
    decision = Decision.objects.get(key="staff:payment:t1")
    assert decision.by == "ann"
    assert "Recorded." in response.content.decode()


def test_a_form_sent_twice_counts_once(page: Client, desk: rows.Desk) -> None:
    for _ in range(2):
        response = page.post(f"/cases/{desk.case.pk}/payment", {"token": "t1", "amount": "20.00"}, follow=True)
    assert Decision.objects.filter(key="staff:payment:t1").count() == 1
    assert "counted once" in response.content.decode()


def test_a_persons_proposal_stands_until_another_approves(page: Client, desk: rows.Desk) -> None:
    page.post(f"/cases/{desk.case.pk}/propose", {"token": "t1", "measure": "suspend"})
    assert Measure.objects.get(kind="suspend").decided == "proposed"
    answer = {"token": "t2", "decision": "approve", "measure": "suspend"}
    page.post(f"/cases/{desk.case.pk}/decide", answer)
    assert Measure.objects.get(kind="suspend").decided == "proposed"
    other = Client()
    other.force_login(rows.staff("bo"))
    other.post(f"/cases/{desk.case.pk}/decide", {**answer, "token": "t3"})
    assert Measure.objects.get(kind="suspend").decided == "in_force"


def test_an_unknown_action_is_not_found(page: Client, desk: rows.Desk) -> None:
    assert page.post(f"/cases/{desk.case.pk}/explode", {"token": "t"}).status_code == 404


def test_actions_are_never_a_mere_link(page: Client, desk: rows.Desk) -> None:
    for name in [*FORMS, "take"]:
        assert page.get(f"/cases/{desk.case.pk}/{name}").status_code == 405


def test_money_becomes_minor_units() -> None:
    form = Payment({"token": "t", "amount": "12.30"})
    assert form.is_valid()
    assert form.stimulus("ann") == stimuli.Payment(amount=1230)


def test_notices_are_shown_as_sent(page: Client, desk: rows.Desk) -> None:
    from abusedesk.records.models import Effect

    effect = Effect.objects.create(brand=desk.brand, key="e1", kind="notice", due=timezone.now())
    Notice.objects.create(
        brand=desk.brand, case=desk.case, effect=effect, to="customer", address="c@example.org", language="en",
        template="complaint", subject="Abuse complaint", text="Dear customer,\n  as written", message_id="<1@x>",
        written_at=timezone.now(), state="sent",
    )  # fmt: skip
    assert "Dear customer,\n  as written" in _text(page, desk)


def test_closing_a_review_keeps_the_answer(page: Client, desk: rows.Desk) -> None:
    one = Review.objects.create(brand=desk.brand, key="r1", reason="unreadable", opened_at=timezone.now())
    assert page.post(f"/reviews/{one.pk}/close", {"answer": ""}).status_code == 422
    page.post(f"/reviews/{one.pk}/close", {"answer": "spam, nothing for us"})
    one.refresh_from_db()
    assert (one.closed_by, one.answer) == ("ann", "spam, nothing for us")


def test_a_measure_that_failed_is_tried_again_by_hand(page: Client, desk: rows.Desk) -> None:
    target = Target.objects.create(
        key="service:jimcloud/s1", brand=desk.brand, service=desk.service, next_attempt=timezone.now()
    )
    failed = rows.proposed(desk.case, "suspend")
    Measure.objects.filter(pk=failed.pk).update(
        state="failed", decided="in_force", target=target, error="refused", outside={"action": "apply"}
    )
    address = f"/cases/{desk.case.pk}/measures/{failed.pk}/retry"
    assert address in _text(page, desk)

    page.post(address)

    failed.refresh_from_db()
    target.refresh_from_db()
    assert (failed.state, target.dirty) == ("applying", True)


def test_a_measure_of_another_case_is_not_tried_again(page: Client, desk: rows.Desk) -> None:
    other = rows.case(desk.brand, needs=[])
    assert page.post(f"/cases/{other.pk}/measures/{rows.proposed(desk.case).pk}/retry").status_code == 404


def test_a_notice_that_was_not_sent_is_sent_again_by_hand(page: Client, desk: rows.Desk) -> None:
    now = timezone.now()
    effect = Effect.objects.create(
        brand=desk.brand, decision=Decision.objects.get(), key="k", kind="notice", payload={}, state="failed", due=now
    )
    Notice.objects.create(
        brand=desk.brand, case=desk.case, effect=effect, to="customer", language="en", template="complaint",
        subject="A complaint", text="Dear customer", message_id="<1@x>", written_at=now, state="failed",
    )  # fmt: skip
    address = f"/cases/{desk.case.pk}/notices/{effect.pk}/retry"
    assert address in _text(page, desk)

    page.post(address)

    effect.refresh_from_db()
    assert effect.state == "pending"


def test_a_measure_names_all_that_were_asked_for_it(page: Client, desk: rows.Desk) -> None:
    tried = {"place": 0, "mark": "", "stands_in": None, "since": "2026-03-02T10:00:00Z"}
    measure = rows.proposed(desk.case, "suspend")
    measure.decided, measure.state = "in_force", "in_force"
    measure.tried = [
        {**tried, "actuator": "webhook", "state": "left", "error": "no route"},
        {**tried, "place": 1, "actuator": "gobgp", "stands_in": "null_route", "state": "acts", "error": ""},
    ]
    measure.save()
    body = {"measure": "suspend", "actuator": "webhook", "then": "gobgp", "stands_in": "null_route", "seconds": 30}
    marks.tell(desk.service.docket.pk, desk.case.pk, "fell_back", timezone.now(), body=body | {"error": "no route"})
    shown = page.get(f"/cases/{desk.case.pk}").content.decode()
    assert "Webhook was left behind: no route" in shown
    assert "Gobgp acts with a null-route" in shown
    assert "Webhook did not bring the suspension about" in shown
    assert "no route; after 30 s gobgp acts instead with a null-route" in shown


def test_an_old_ticket_stands_in_the_story_with_its_source_and_so_does_its_correction(
    page: Client, tmp_path: Path
) -> None:
    jim = with_addresses(provider())
    carried = stimuli.CarriedTicket("WHMCS", "4711", "messaging/spam", NOW, ("192.0.2.1",), struck=True)
    submit(docket_of(jim.service), carried, key="history:WHMCS:1", at=NOW, by="ann")
    case = Case.objects.get(abuse_type="spam")
    text = page.get(f"/cases/{case.pk}").content.decode()
    assert "Carried over from WHMCS, ticket 4711: spam of 2 Mar 2026" in text
    assert "counted as a strike · 192.0.2.1 · by ann" in text

    file = tmp_path / "old.csv"
    file.write_text("service,ticket,at,kind,abuse_type,ip\ns1,4711,2026-02-27,strike,spam,192.0.2.1\n")
    plan = history.plan(history.read_file(file), jim.brand, "WHMCS", NOW)
    history.write(plan, jim.brand, "ann", NOW, lambda _: None)
    assert "Corrected from WHMCS, ticket 4711: spam of 27 Feb 2026" in page.get(f"/cases/{case.pk}").content.decode()
