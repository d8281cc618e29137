"""Our mistake on the pages: seen before, confirmed once, kept on record; appeals, and lifts on the telephone."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk import appeals, telephone
from abusedesk.desk.decide import state_of
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.mistake import perform
from abusedesk.desk.perform import perform_targets
from abusedesk.desk.watch import fire_due
from abusedesk.policy.stimulus import AnyStimulus, Approval, Report
from abusedesk.records.models import (
    Appeal,
    Brand,
    Case,
    Consent,
    Deadline,
    Decision,
    Effect,
    Measure,
    Mistake,
    Proposal,
)
from tests.desk.estate import Provider, provider, with_addresses
from tests.web import rows

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


def accused(one: Provider, *hours_ago: int) -> Case:
    for hours in hours_ago:
        at = timezone.now() - hours * HOUR
        tell(one, Report(f"r{hours}", "messaging/spam", ("192.0.2.1",), at), at)
        perform_targets("w1", at)
    return Case.objects.get()


def tell(one: Provider, stimulus: AnyStimulus, at: Any, by: str = "") -> None:
    submit(docket_of(one.service), stimulus, key=uuid4().hex, at=at, by=by)


def fields(html: str) -> dict[str, Any]:
    """What a browser would send of the page's form as it stands."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", html.split("<main", 1)[-1]):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if given.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        if "name" in given:
            found.setdefault(given["name"], []).append(given.get("value", ""))
    letter = re.search(r'<textarea id="letter"[^>]*>(.*?)</textarea>', html, re.DOTALL)
    return found | ({"letter": [letter[1].lstrip("\n")]} if letter else {})


def preview(page: Client, query: str) -> str:
    return page.get(f"/mistakes/new?{query}").content.decode()


def confirm(page: Client, query: str, **more: Any) -> Any:
    given = fields(preview(page, query)) | {"do": "confirm", "reason": "the reporter took it back"} | more
    return page.post(f"/mistakes/new?{query}", given)


# --- our mistake ----------------------------------------------------------------------------------------------------


def test_one_says_what_was_wrong_before_anything_is_shown(page: Client, jim: Provider) -> None:
    case = accused(jim, 5)
    html = page.get(f"/mistakes/new?case={case.pk}").content.decode()
    assert all(f"wrong={one}" in html for one in perform.WRONG)
    assert "Our mistake" in page.get(f"/cases/{case.pk}").content.decode()


def test_the_preview_tells_line_by_line_and_does_nothing(page: Client, jim: Provider) -> None:
    case = accused(jim, 5)
    html = preview(page, f"case={case.pk}&wrong=report")
    for line in ("Suspension lifted", "Strike annulled", "Fine of USD 20.00 withdrawn", "5.0 h", "we apologise"):
        assert line in html
    assert Measure.objects.get().decided == "in_force"
    assert not Mistake.objects.exists()


def test_confirmed_it_is_undone_and_is_one_step_of_the_timeline(page: Client, jim: Provider) -> None:
    case = accused(jim, 5)
    response = confirm(page, f"case={case.pk}&wrong=report")
    one = Mistake.objects.get()
    assert response["Location"] == f"/mistakes/{one.pk}"
    assert (Measure.objects.get().decided, one.wrong, one.reason) == ("lifted", "report", "the reporter took it back")
    assert "we apologise" in Effect.objects.get(key=f"letter:mistake:{one.pk}").payload["text"]
    assert "Suspension lifted" in page.get(f"/mistakes/{one.pk}").content.decode()
    story = page.get(f"/cases/{case.pk}").content.decode()
    assert story.count("ann undid what was our own mistake") == 1
    listed = page.get("/mistakes").content.decode()
    assert "5.0 h" in listed
    assert f"{timezone.now():%B %Y}" in listed


def test_sent_twice_it_is_done_once(page: Client, jim: Provider) -> None:
    case = accused(jim, 5)
    query = f"case={case.pk}&wrong=report"
    given = fields(preview(page, query)) | {"do": "confirm", "reason": "x"}
    page.post(f"/mistakes/new?{query}", given)
    page.post(f"/mistakes/new?{query}", given)
    assert Mistake.objects.count() == 1


def test_what_changed_meanwhile_is_shown_before_it_is_done(page: Client, jim: Provider) -> None:
    case = accused(jim, 5)
    query = f"case={case.pk}&wrong=report"
    given = fields(preview(page, query)) | {"do": "confirm", "reason": "x"}
    tell(jim, Report("more", "messaging/spam", ("192.0.2.1",), timezone.now()), timezone.now())
    response = page.post(f"/mistakes/new?{query}", given)
    assert response.status_code == 422
    assert "Something changed since you looked" in response.content.decode()
    assert not Mistake.objects.exists()


def test_what_followed_must_be_answered_and_is_undone_where_one_says_so(page: Client, jim: Provider) -> None:
    case = accused(jim, 90, 60, 30)
    first = next(one.reports[0].id for one in state_of(docket_of(jim.service)).occurrences)
    query, pick = f"case={case.pk}&wrong=report", f"{docket_of(jim.service).pk}:report:{first}"
    looked = page.post(f"/mistakes/new?{query}", {"do": "look", "pick": [pick]}).content.decode()
    assert "This followed from it" in looked
    assert "Termination, proposed" in looked
    given = fields(looked) | {"do": "confirm", "reason": "x"}
    assert page.post(f"/mistakes/new?{query}", given).status_code == 422
    asked = dict.fromkeys(re.findall(r'name="(followed:[^"]+)"', looked), "undo")
    again = page.post(f"/mistakes/new?{query}", given | asked | {"do": "look"}).content.decode()
    page.post(f"/mistakes/new?{query}", fields(again) | {"do": "confirm", "reason": "x"})
    assert Measure.objects.get(kind="terminate").decided == "withdrawn"


def test_the_letter_follows_what_is_undone_until_somebody_changes_it(page: Client, jim: Provider) -> None:
    case = accused(jim, 5)
    query = f"case={case.pk}&wrong=report"
    given = fields(preview(page, query)) | {"do": "look", "pick": []}
    assert "lifted" not in str(fields(page.post(f"/mistakes/new?{query}", given).content.decode())["letter"])
    mine = fields(page.post(f"/mistakes/new?{query}", given | {"letter": "Mine."}).content.decode())
    assert mine["letter"] == ["Mine."]


@pytest.mark.parametrize("wrong", ["customer", "measure", "policy"])
def test_every_kind_of_mistake_is_undone_from_its_service(page: Client, jim: Provider, wrong: str) -> None:
    accused(jim, 5)
    query = f"service={jim.service.pk}&wrong={wrong}"
    picks = re.findall(r'name="pick" value="([^"]+)"', preview(page, query))
    looked = page.post(f"/mistakes/new?{query}", {"do": "look", "pick": picks}).content.decode()
    page.post(f"/mistakes/new?{query}", fields(looked) | {"do": "confirm", "reason": "x"})
    assert Mistake.objects.get().finished_at is not None
    assert Measure.objects.get().decided == "lifted"


@pytest.mark.parametrize(
    ("address", "status"),
    [("/mistakes/new", 404), ("/mistakes/new?case=999999", 404), ("/mistakes", 200), ("/appeals", 200)],
)
def test_pages_without_anything(page: Client, jim: Provider, address: str, status: int) -> None:
    assert page.get(address).status_code == status


def test_what_broke_off_is_shown_and_goes_on(page: Client, jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    case = accused(jim, 30, 5)
    query = f"customer={jim.customer.pk}&wrong=report"
    picks = re.findall(r'name="pick" value="([^"]+)"', preview(page, query))
    looked = page.post(f"/mistakes/new?{query}", {"do": "look", "pick": picks}).content.decode()
    monkeypatch.setattr("abusedesk.web.views.mistake.carry_out", lambda _pk, _now: None)
    page.post(f"/mistakes/new?{query}", fields(looked) | {"do": "confirm", "reason": "x"})
    one = Mistake.objects.get()
    assert "0 of 2 done" in page.get(f"/mistakes/{one.pk}").content.decode()
    monkeypatch.undo()
    page.post(f"/mistakes/{one.pk}/go-on")
    assert "0 of 2 done" not in page.get(f"/mistakes/{one.pk}").content.decode()
    assert Mistake.objects.get().finished_at is not None
    assert case.pk == one.case_id


# --- appeals --------------------------------------------------------------------------------------------------------


def appealed(page: Client, case: Case, which: str = "measure", **more: Any) -> Appeal:
    html = page.get(f"/cases/{case.pk}/appeal").content.decode()
    chosen = next(one for one in re.findall(r'name="disputed" value="([^"]+)"', html) if one.startswith(which))
    given = {"disputed": chosen, "said": "It was not me.", "via": "telephone", "token": uuid4().hex} | more
    assert page.post(f"/cases/{case.pk}/appeal", given).status_code == 302
    return Appeal.objects.latest("pk")


def test_an_appeal_stands_in_the_queue_and_its_deadlines_stand_still(page: Client, jim: Provider) -> None:
    case = accused(jim, 1)
    one = appealed(page, case)
    assert one.due - one.since == 72 * HOUR
    assert "Hear an appeal against a measure" in page.get("/").content.decode()
    assert "It was not me." in page.get("/appeals").content.decode()
    assert {name: at is not None for name, at in Deadline.objects.values_list("name", "paused_at")} == {
        "reply": True,
        "payment": True,
    }
    assert fire_due(timezone.now() + 99 * HOUR) == 0
    assert "stand still" in page.get(f"/appeals/{one.pk}").content.decode()


def test_what_begins_meanwhile_stands_still_until_the_last_appeal_is_decided(page: Client, jim: Provider) -> None:
    case = accused(jim, 1)
    first, second = appealed(page, case), appealed(page, case, "charge")
    now = timezone.now()
    tell(jim, Report("more", "messaging/spam", ("192.0.2.2",), now), now)
    later = Deadline.objects.filter(name="payment").latest("pk")
    assert (Deadline.objects.filter(name="payment").count(), later.paused_at) == (2, now)
    assert "and what begins meanwhile" in page.get(f"/appeals/{first.pk}").content.decode()
    for appeal in (first, second):
        assert Deadline.objects.get(pk=later.pk).paused_at is not None
        page.post(f"/appeals/{appeal.pk}/uphold", {"reason": "The logs are clear."})
    assert not Deadline.objects.filter(state="open", paused_at__isnull=False).exists()


def test_a_brand_may_let_deadlines_run_and_give_itself_less_time(page: Client, jim: Provider) -> None:
    root = Client()
    root.force_login(rows.staff("root", is_superuser=True))
    given = {"hours": "24", "telephone_hours": "2", "telephone_times": "1"}
    assert root.post(f"/brands/{jim.brand.slug}/appeals", given).status_code == 302
    one = appealed(page, accused(jim, 1))
    assert (one.paused, one.due - one.since) == ([], 24 * HOUR)
    assert page.post(f"/brands/{jim.brand.slug}/appeals", given).status_code == 403
    assert (telephone.hours(Brand.objects.get()), telephone.times(Brand.objects.get())) == (2, 1)


def test_upheld_it_stands_the_customer_is_told_and_deadlines_go_on(page: Client, jim: Provider) -> None:
    case = accused(jim, 1)
    before = Deadline.objects.get(name="reply").due
    one = appealed(page, case)
    Decision.objects.filter(key__endswith=":paused").update(by="ann")
    page.post(f"/appeals/{one.pk}/uphold", {"reason": "The logs are clear.", "letter": ""})
    one.refresh_from_db()
    assert (one.outcome, one.decided_by) == ("upheld", "ann")
    page.post(f"/appeals/{one.pk}/uphold", {"reason": "Again."})
    assert Appeal.objects.get().reason == "The logs are clear."
    deadline = Deadline.objects.get(name="reply")
    assert (deadline.paused_at, deadline.due > before) == (None, True)
    assert "appeal:measure" not in Case.objects.get().needs


def test_the_reason_is_put_into_the_letter(page: Client, jim: Provider) -> None:
    one = appealed(page, accused(jim, 1))
    given = fields(page.get(f"/appeals/{one.pk}").content.decode())
    page.post(f"/appeals/{one.pk}/uphold", given | {"reason": "The logs are clear."})
    text = Effect.objects.get(key=f"letter:appeal:{one.pk}").payload["text"]
    assert "The logs are clear." in text
    assert "…" not in text


def test_who_decided_the_original_does_not_decide_the_appeal(page: Client, jim: Provider) -> None:
    case = accused(jim, 90, 60, 30)
    tell(jim, Approval("approve", "ann", measure="terminate"), timezone.now(), by="ann")
    assert Measure.objects.get(kind="terminate").decided == "in_force"
    html = page.get(f"/cases/{case.pk}/appeal").content.decode()
    item = Measure.objects.get(kind="terminate").item
    assert f"measure:{item}" in html
    one = appealed(page, case, f"measure:{item}")
    assert appeals.deciders(one) == {"ann"}
    assert "another person decides" in page.get(f"/appeals/{one.pk}").content.decode()
    page.post(f"/appeals/{one.pk}/uphold", {"reason": "Mine."})
    assert page.get(f"/mistakes/new?appeal={one.pk}")["Location"] == f"/appeals/{one.pk}"
    assert Appeal.objects.get().outcome == ""


def test_nor_does_who_said_yes_on_the_way(page: Client, jim: Provider) -> None:
    case, now = accused(jim, 90, 60, 30), timezone.now()
    waiting = Proposal.objects.get(name="terminate")
    Consent.objects.create(proposal=waiting, mark=waiting.mark, by="cleo", at=now, reason="")
    tell(jim, Approval("approve", "ann", measure="terminate"), now, by="ann")
    one = appealed(page, case, f"measure:{Measure.objects.get(kind='terminate').item}")
    assert appeals.deciders(one) == {"ann", "cleo"}


@pytest.mark.parametrize("verdict", ["granted", "partly"])
def test_granted_what_is_disputed_is_undone_with_it(page: Client, jim: Provider, verdict: str) -> None:
    one = appealed(page, accused(jim, 1))
    confirm(page, f"appeal={one.pk}&wrong=measure", verdict=verdict)
    one.refresh_from_db()
    assert (one.outcome, Mistake.objects.get().appeal_id) == (verdict, one.pk)
    assert Measure.objects.get().decided == "lifted"
    assert not Deadline.objects.filter(state="open", paused_at__isnull=False).exists()


def test_the_same_is_not_disputed_twice_at_a_time(page: Client, jim: Provider) -> None:
    case = accused(jim, 1)
    first = appealed(page, case)
    given = {"disputed": f"measure:{first.item}", "said": "x", "via": "mail", "token": uuid4().hex}
    response = page.post(f"/cases/{case.pk}/appeal", given)
    assert "is open already" in response.content.decode()


# --- on the telephone -----------------------------------------------------------------------------------------------


def lifted(page: Client, one: Provider, hours: int = 2) -> Any:
    measure = Measure.objects.filter(kind="suspend").latest("pk")
    given = {"measure": measure.pk, "hours": hours, "reason": "on the phone", "token": uuid4().hex}
    return page.post(f"/services/{one.service.pk}/telephone", given)


def test_an_agent_lifts_for_hours_and_it_is_taken_again(page: Client, jim: Provider) -> None:
    accused(jim, 1)
    assert lifted(page, jim).status_code == 302
    assert [one.ended for one in Measure.objects.all()] == ["to_clean"]
    assert fire_due(timezone.now() + 2 * HOUR + timedelta(minutes=1)) >= 1
    assert Measure.objects.filter(kind="suspend", decided="in_force").exists()


def test_no_longer_and_no_oftener_than_the_brand_says(page: Client, jim: Provider) -> None:
    accused(jim, 1)
    assert lifted(page, jim, 25).status_code == 422
    Brand.objects.update(settings={telephone.TIMES: 1})
    lifted(page, jim)
    fire_due(timezone.now() + 3 * HOUR)
    again = lifted(page, jim)
    assert again.status_code == 422
    assert "A colleague has to do this one" in again.content.decode()


def test_a_form_sent_twice_lifts_once(page: Client, jim: Provider) -> None:
    accused(jim, 1)
    given = {"measure": Measure.objects.get().pk, "hours": 2, "reason": "on the phone", "token": "t"}
    page.post(f"/services/{jim.service.pk}/telephone", given)
    page.post(f"/services/{jim.service.pk}/telephone", given)
    assert telephone.used(jim.brand, "ann", timezone.now()) == 1


def test_a_termination_is_not_lifted_on_the_telephone(page: Client, jim: Provider) -> None:
    accused(jim, 90, 60, 30)
    tell(jim, Approval("approve", "bob", measure="terminate"), timezone.now(), by="bob")
    Measure.objects.filter(kind="suspend").update(decided="lifted")
    assert (
        "Nothing is in force that could be lifted" in page.get(f"/services/{jim.service.pk}/telephone").content.decode()
    )
