"""Publishing in the console: proposed by one, decided by another, never by somebody who may not."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.desk.policies import publish
from abusedesk.desk.policies.whatif import runs
from abusedesk.policy.author.change import new_version
from abusedesk.policy.author.pack_zip import files_from_zip
from abusedesk.records.models import Brand, Publication, WhatIfRun
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.permission import POLICY_PUBLISHERS
from tests.web import rows

LIST = "/policies/jimcloud/publications"


@pytest.fixture
def publishers(db: Any) -> Group:
    return Group.objects.create(name=POLICY_PUBLISHERS)


@pytest.fixture
def ann(page: Client, staff: Any, publishers: Group) -> Client:
    """Ann, who may publish."""
    staff.groups.add(publishers)
    return page


@pytest.fixture
def bo(publishers: Group) -> Client:
    """Bo, who may publish too."""
    other, client = rows.staff("bo"), Client()
    other.groups.add(publishers)
    client.force_login(other)
    return client


def _changed(brand: Brand, hours: int = 4, year: int = 2099) -> dict[str, bytes]:
    files = publish.files_of(brand)
    text = new_version(files["pack.yaml"].decode(), datetime(year, 1, 1, tzinfo=UTC), {"reply_period": f"PT{hours}H"})
    return {**files, "pack.yaml": text.encode()}


def _run(brand: Brand, files: dict[str, bytes] | None = None) -> WhatIfRun:
    return runs.make(brand, files or _changed(brand), "ann", "Reply period 4 hours", timezone.now())


def _proposed(brand: Brand, by: str = "ann", hours: int = 4, year: int = 2099) -> Publication:
    return publish.propose(brand, _changed(brand, hours, year), by, "Six hours are too long.")


def _text(client: Client, path: str) -> str:
    return re.sub(r"\s+", " ", client.get(path).content.decode())


# ---------- proposing ----------


def test_a_what_if_is_proposed(ann: Client, desk: rows.Desk) -> None:
    run = _run(desk.brand)
    answer = ann.post(f"/policies/jimcloud/what-if/{run.pk}/propose", {"note": "Six hours are too long."})
    one = Publication.objects.get()
    assert answer["Location"] == f"{LIST}/{one.pk}"
    assert (one.author, one.state, one.note) == ("ann", "proposed", "Six hours are too long.")
    assert "waits for another person" in _text(ann, f"{LIST}/{one.pk}")


def test_the_note_is_asked_for(ann: Client, desk: rows.Desk) -> None:
    run = _run(desk.brand)
    answer = ann.post(f"/policies/jimcloud/what-if/{run.pk}/propose", {"note": " "})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    assert not Publication.objects.exists()


def test_what_reaches_back_must_be_meant(ann: Client, desk: rows.Desk) -> None:
    files = publish.files_of(desk.brand)
    files["pack.yaml"] = files["pack.yaml"].replace(b"fraud: never}", b"fraud: P3650D}")
    files = {name: data for name, data in files.items() if not name.startswith("cases/")}
    run = _run(desk.brand, files)
    path = f"/policies/jimcloud/what-if/{run.pk}"
    assert "This reaches back" in _text(ann, path)
    refused = ann.post(f"{path}/propose", {"note": "Ten years."})
    assert refused.status_code == 422
    assert "must be confirmed as meant" in refused.content.decode()
    assert ann.post(f"{path}/propose", {"note": "Ten years.", "meant": "on"}).status_code == 302
    assert "This reaches back" in _text(ann, f"{LIST}/{Publication.objects.get().pk}")


def test_a_pack_with_faults_is_not_proposed(ann: Client, desk: rows.Desk) -> None:
    files = publish.files_of(desk.brand)
    text = new_version(files["pack.yaml"].decode(), datetime(2099, 1, 1, tzinfo=UTC), {"spam_fine": '"31.00"'})
    run = _run(desk.brand, {**files, "pack.yaml": text.encode()})
    refused = ann.post(f"/policies/jimcloud/what-if/{run.pk}/propose", {"note": "Dearer."})
    assert refused.status_code == 422
    assert "states 31.00" in refused.content.decode()


def test_the_policy_of_today_is_not_offered_again(ann: Client, desk: rows.Desk) -> None:
    run = _run(desk.brand, publish.files_of(desk.brand))
    text = _text(ann, f"/policies/jimcloud/what-if/{run.pk}")
    assert "goes by exactly this" in text
    assert "Propose it" not in text


def test_a_change_of_cases_alone_is_shown_and_offered(ann: Client, bo: Client, desk: rows.Desk) -> None:
    files = publish.files_of(desk.brand)
    first = next(data for name, data in sorted(files.items()) if name.startswith("cases/"))
    run = _run(desk.brand, {**files, "cases/one-more.yaml": first})
    text = _text(ann, f"/policies/jimcloud/what-if/{run.pk}")
    assert "The case 'one-more' is new" in unescape(text)
    assert "Propose it" in text
    made = ann.post(f"/policies/jimcloud/what-if/{run.pk}/propose", {"note": "One more case."}, follow=True)
    assert "The case 'one-more' is new" in unescape(made.content.decode())


# ---------- who may ----------


def test_others_may_look_and_not_propose(page: Client, desk: rows.Desk) -> None:
    run = _run(desk.brand)
    path = f"/policies/jimcloud/what-if/{run.pk}"
    assert "Propose it" not in _text(page, path)
    assert page.post(f"{path}/propose", {"note": "x"}).status_code == 403
    assert not Publication.objects.exists()


@pytest.mark.parametrize("deed", ["approve", "reject", "withdraw"])
def test_others_may_look_and_not_decide(deed: str, page: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand, by="bo")
    assert "Approve and publish" not in _text(page, f"{LIST}/{one.pk}")
    assert page.post(f"{LIST}/{one.pk}/{deed}", {"reason": "x"}).status_code == 403
    one.refresh_from_db()
    assert one.state == "proposed"


def test_administrators_may_without_the_group(page: Client, staff: Any, desk: rows.Desk) -> None:
    one = _proposed(desk.brand, by="bo")
    staff.is_superuser = True
    staff.save()
    page.post(f"{LIST}/{one.pk}/approve")
    one.refresh_from_db()
    assert (one.state, one.decided_by) == ("published", "ann")


@pytest.mark.parametrize("deed", ["approve", "reject", "withdraw", "try"])
def test_nothing_is_decided_by_looking(deed: str, ann: Client, desk: rows.Desk) -> None:
    assert ann.get(f"{LIST}/{_proposed(desk.brand, by='bo').pk}/{deed}").status_code == 405


# ---------- deciding ----------


def test_another_person_approves_and_it_holds(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    assert "Approve and publish" in _text(bo, f"{LIST}/{one.pk}")
    answer = bo.post(f"{LIST}/{one.pk}/approve", follow=True)
    assert "Published. The next decision is made by it." in answer.content.decode()
    desk.brand.refresh_from_db()
    assert [version.id for version in pack_of(desk.brand).versions] == ["2022-06-07", "2099-01-01"]
    assert "in use" in _text(ann, LIST)
    assert re.search(r"4 hours <span class=\"faint\">from", _text(ann, "/policies/jimcloud"))


def test_the_author_is_not_offered_what_others_decide(ann: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    text = _text(ann, f"{LIST}/{one.pk}")
    assert "It waits for another person" in text
    assert "Approve and publish" not in text
    assert "Reject" not in text


@pytest.mark.parametrize("deed", ["approve", "reject"])
def test_the_server_refuses_the_author(deed: str, ann: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    answer = ann.post(f"{LIST}/{one.pk}/{deed}", {"reason": "x"}, follow=True)
    assert "safeguard:four_eyes" in answer.content.decode()
    one.refresh_from_db()
    assert one.state == "proposed"


def test_a_rejection_needs_a_reason_and_shows_it(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    assert bo.post(f"{LIST}/{one.pk}/reject", {"reason": " "}).status_code == 422
    bo.post(f"{LIST}/{one.pk}/reject", {"reason": "Weekends!"})
    assert "“Weekends!”" in _text(ann, f"{LIST}/{one.pk}")
    assert "“Weekends!”" in _text(ann, LIST)


def test_the_author_withdraws(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    assert "only the author withdraws" in bo.post(f"{LIST}/{one.pk}/withdraw", follow=True).content.decode()
    ann.post(f"{LIST}/{one.pk}/withdraw")
    one.refresh_from_db()
    assert one.state == "withdrawn"


def test_deciding_twice_changes_nothing(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    bo.post(f"{LIST}/{one.pk}/approve")
    text = bo.post(f"{LIST}/{one.pk}/reject", {"reason": "x"}, follow=True).content.decode()
    assert "was published by bo already" in text
    one.refresh_from_db()
    assert one.state == "published"


def test_a_proposal_that_was_overtaken_cannot_be_approved(ann: Client, bo: Client, desk: rows.Desk) -> None:
    first, second = _proposed(desk.brand), _proposed(desk.brand, hours=3)
    bo.post(f"{LIST}/{first.pk}/approve")
    text = _text(bo, f"{LIST}/{second.pk}")
    assert "cannot be approved any more" in text
    assert "Approve and publish" not in text
    assert "changed since this was proposed" in bo.post(f"{LIST}/{second.pk}/approve", follow=True).content.decode()


# ---------- looking ----------


def test_what_waits_is_announced(ann: Client, desk: rows.Desk) -> None:
    _proposed(desk.brand)
    assert "1 proposal to decide" in _text(ann, "/policies")
    assert "1 to decide" in _text(ann, "/policies/jimcloud")


def test_a_publication_says_what_changed_even_later(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    bo.post(f"{LIST}/{one.pk}/approve")
    desk.brand.refresh_from_db()
    two = _proposed(desk.brand, by="bo", hours=2, year=2100)
    ann.post(f"{LIST}/{two.pk}/approve")
    assert "The reply period is 4 hours instead of 6 hours" in _text(ann, f"{LIST}/{one.pk}")
    assert "The reply period is 2 hours instead of 4 hours" in _text(ann, f"{LIST}/{two.pk}")
    assert re.search(r"Proposed by ann.*Published by bo", _text(ann, f"{LIST}/{one.pk}"))
    assert "Last published</dt><dd><a" in _text(ann, "/policies")


def test_the_policy_stands_as_it_did_before_a_publication(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    bo.post(f"{LIST}/{one.pk}/approve")
    assert "2099-01-01" in _text(ann, "/policies/jimcloud")
    assert "2099-01-01" not in _text(ann, "/policies/jimcloud?at=2026-01-01")


def test_a_policy_of_before_can_be_gone_back_to(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    bo.post(f"{LIST}/{one.pk}/approve")
    desk.brand.refresh_from_db()
    two = _proposed(desk.brand, by="bo", hours=2, year=2100)
    ann.post(f"{LIST}/{two.pk}/approve")
    assert "Go back to it" not in _text(ann, f"{LIST}/{two.pk}")
    assert "Go back to it" in _text(ann, f"{LIST}/{one.pk}")
    ann.post(f"{LIST}/{one.pk}/try")
    run = WhatIfRun.objects.get()
    assert run.digest == one.pack_id
    assert "Back to the policy of" in _text(ann, f"/policies/jimcloud/what-if/{run.pk}")
    ann.post(f"/policies/jimcloud/what-if/{run.pk}/propose", {"note": "Back."})
    bo.post(f"{LIST}/{Publication.objects.latest('pk').pk}/approve")
    desk.brand.refresh_from_db()
    assert desk.brand.published_id == one.pack_id


def test_whoever_decides_can_try_it_first_and_sees_who_did(ann: Client, bo: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    answer = bo.post(f"{LIST}/{one.pk}/try")
    run = WhatIfRun.objects.get()
    assert answer["Location"] == f"/policies/jimcloud/what-if/{run.pk}"
    assert run.digest == one.pack_id
    assert re.search(r"What ann proposed on [^<]*</a><span class=\"sub\">bo,", _text(ann, f"{LIST}/{one.pk}"))


def test_the_pack_of_a_publication_can_be_taken_along(ann: Client, desk: rows.Desk) -> None:
    files = _changed(desk.brand)
    one = publish.propose(desk.brand, files, "ann", "Six hours are too long.")
    assert files_from_zip(ann.get(f"{LIST}/{one.pk}/pack.zip").content) == files


def test_before_the_first_publication_it_says_what_to_do(page: Client, desk: rows.Desk) -> None:
    assert "Nothing was published here yet" in _text(page, LIST)


def test_a_publication_of_another_brand_is_not_found_here(ann: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    rows.brand("other", "Other")
    assert ann.get(f"/policies/other/publications/{one.pk}").status_code == 404


def test_every_publishing_page_keeps_to_the_content_policy(ann: Client, desk: rows.Desk) -> None:
    one = _proposed(desk.brand)
    for path in (LIST, f"{LIST}/{one.pk}"):
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", ann.get(path).content.decode())
