"""Publishing: proposed by one, approved by another, in force from that moment, and never rewritten silently."""

import re
import threading
from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from abusedesk.desk.policies.audit import recompute
from abusedesk.desk.policies.publish import (
    ReachesBackError,
    approve,
    files_of,
    is_outdated,
    propose,
    reject,
    roll_back,
    withdraw,
)
from abusedesk.policy.author.change import new_version
from abusedesk.policy.pack import find_pack, load_pack, pack_files
from abusedesk.problem import Problem
from abusedesk.records.chain import verify_publications
from abusedesk.records.models import Brand, Charge, Decision, PackText, Publication, PublicationEntry
from abusedesk.records.packs import pack_of
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

SOON = NOW + timedelta(days=30)
FILES = pack_files(find_pack("jimcloud"))


def files(text: str | None = None, **values: str) -> dict[str, bytes]:
    """JimCloud's files with few cases, and with a new version from a month on, or with another text."""
    few = dict([(name, data) for name, data in FILES.items() if name.startswith("cases/")][:3])
    own = {name: data for name, data in FILES.items() if not name.startswith("cases/")} | few
    changed = text or new_version(own["pack.yaml"].decode(), SOON, values or {"reply_period": "PT4H"})
    return {**own, "pack.yaml": changed.encode()}


def rewritten() -> dict[str, bytes]:
    """JimCloud's files with another fine in the version that is in force, and no cases."""
    was = 'spam_fine: {clause: "3", values: {2022-06-07: "20.00"}}'
    text = FILES["pack.yaml"].decode()
    assert was in text
    changed = text.replace(was, was.replace("20.00", "25.00")).replace("fine of 20 USD", "fine of 20 (25) USD")
    reading = '{clause: "3", question: How much?, choice: 25, alternatives: [20], parameter: spam_fine}'
    changed = changed.replace("\ninterpretations:", f"\ninterpretations:\n  - {reading}", 1)
    return {name: data for name, data in files(changed).items() if not name.startswith("cases/")}


def put(brand: Brand, what: Mapping[str, bytes] | None = None, by: str = "alice", **more: bool) -> Publication:
    return propose(brand, what or files(), by, "four hours are enough", now=NOW, **more)


@pytest.fixture
def jim(db: None) -> Provider:
    known_reporter("isp.example.net")
    return with_addresses(provider())


def in_force(one: Provider) -> str:
    return pack_of(Brand.objects.get(pk=one.brand.pk)).digest


def test_what_one_proposes_another_publishes(jim: Provider) -> None:
    before = in_force(jim)
    proposal = put(jim.brand)
    assert (proposal.state, proposal.author, proposal.previous) == ("proposed", "alice", before)
    assert in_force(jim) == before
    done = approve(proposal, "bob", now=NOW + timedelta(hours=1))
    assert (done.state, done.decided_by, done.reason) == ("published", "bob", "")
    assert in_force(jim) == proposal.pack_id != before
    assert list(verify_publications()) == []


@pytest.mark.parametrize("by", ["alice", " Alice "])
def test_nobody_approves_or_rejects_their_own(jim: Provider, by: str) -> None:
    proposal = put(jim.brand)
    with pytest.raises(Problem, match="four_eyes"):
        approve(proposal, by)
    with pytest.raises(Problem, match="four_eyes"):
        reject(proposal, by, "no")
    assert Publication.objects.get().state == "proposed"


def test_who_and_why_must_be_said(jim: Provider) -> None:
    for by, note in (("", "why"), ("alice", "  ")):
        with pytest.raises(Problem, match=r"^say (who|what)"):
            propose(jim.brand, files(), by, note)
    proposal = put(jim.brand)
    with pytest.raises(Problem, match="say why"):
        reject(proposal, "bob", "")


def test_a_rejected_or_withdrawn_proposal_is_over(jim: Provider) -> None:
    rejected = reject(put(jim.brand), "bob", "too short")
    assert (rejected.state, rejected.reason) == ("rejected", "too short")
    second = put(jim.brand)
    with pytest.raises(Problem, match="only the author"):
        withdraw(second, "bob")
    withdrawn = withdraw(second, "alice")
    assert withdrawn.state == "withdrawn"
    for one in (rejected, withdrawn):
        with pytest.raises(Problem, match=f"was {one.state} by"):
            approve(one, "carol")
    assert [one.kind for one in PublicationEntry.objects.order_by("pk")] == [
        "proposed",
        "rejected",
        "proposed",
        "withdrawn",
    ]
    assert list(verify_publications()) == []


def test_a_proposal_for_a_policy_no_longer_in_force_is_not_published(jim: Provider) -> None:
    first = put(jim.brand)
    second = put(jim.brand, files(reply_period="PT3H"), by="carol")
    approve(first, "bob", now=NOW)
    with pytest.raises(Problem, match="has changed since"):
        approve(second, "bob", now=NOW)
    assert in_force(jim) == first.pack_id


def test_what_says_nothing_new_is_refused(jim: Provider) -> None:
    with pytest.raises(Problem, match="exactly this already"):
        put(jim.brand, FILES)
    put(jim.brand)
    with pytest.raises(Problem, match="alice has proposed exactly this already"):
        put(jim.brand, by="bob")


def with_case(name: str) -> dict[str, bytes]:
    """JimCloud's files with one of its cases under a further name, and nothing else changed."""
    first = next(data for file, data in sorted(FILES.items()) if file.startswith("cases/"))
    return {**FILES, f"cases/{name}.yaml": first}


def test_a_change_of_cases_alone_is_published_and_nothing_is_decided_otherwise(jim: Provider) -> None:
    before = in_force(jim)
    proposal = put(jim.brand, with_case("one-more"))
    assert (proposal.pack_id, proposal.previous, proposal.reaches_back) == (before, before, [])
    assert "cases/one-more.yaml" not in files_of(jim.brand)
    approve(proposal, "bob", now=NOW)
    jim.brand.refresh_from_db()
    assert (in_force(jim), files_of(jim.brand)) == (before, with_case("one-more"))
    assert list(verify_publications()) == []
    with pytest.raises(Problem, match="exactly this already"):
        put(jim.brand, with_case("one-more"))


def test_cases_published_meanwhile_are_not_lost_by_another_proposal(jim: Provider) -> None:
    rules = put(jim.brand)
    approve(put(jim.brand, with_case("one-more"), by="carol"), "bob", now=NOW)
    assert is_outdated(rules)
    with pytest.raises(Problem, match="has changed since"):
        approve(rules, "bob", now=NOW)


def test_one_policy_waits_with_one_set_of_cases_at_a_time(jim: Provider) -> None:
    put(jim.brand, with_case("one-more"))
    with pytest.raises(Problem, match="with other cases"):
        put(jim.brand, with_case("another"), by="carol")


def test_a_rejected_set_of_cases_is_nobodys(jim: Provider) -> None:
    reject(put(jim.brand, with_case("one-more")), "bob", "says nothing")
    assert files_of(jim.brand) == FILES


def test_a_change_of_a_notice_alone_is_published_and_reaches_nothing_back(jim: Provider) -> None:
    name = "notices/en/complaint.txt"
    take(signed_complaint("isp.example.net"))
    worded = {**files(FILES["pack.yaml"].decode()), name: FILES[name] + b"\nYours, the desk\n"}
    proposal = put(jim.brand, worded)
    assert (proposal.pack_id == proposal.previous, proposal.reaches_back) == (False, [])
    approve(proposal, "bob", now=NOW)
    assert {one.outcome for one in recompute()} == {"same"}


def test_a_pack_with_an_error_is_refused_with_its_place(jim: Provider) -> None:
    text = FILES["pack.yaml"].decode()
    with pytest.raises(Problem, match=r"pack.yaml:\d+:\d+: .*acts_on|authenticatd"):
        put(jim.brand, files(text.replace("acts_on: authenticated", "acts_on: authenticatd")))
    with pytest.raises(Problem, match=r"no text of its clause states 21\.00"):
        put(jim.brand, files(spam_fine='"21.00"'))


def test_a_pack_that_fails_its_own_cases_is_refused(jim: Provider) -> None:
    name = next(one for one in FILES if one.startswith("cases/1a-first"))
    wrong = FILES[name].replace(b"fine", b"ip_replacement")
    with pytest.raises(Problem, match=r"cannot be published: cases/1a-first.*missing"):
        put(jim.brand, {**files(), name: wrong})


def test_another_policy_is_refused(jim: Provider) -> None:
    with pytest.raises(Problem, match="this is the policy 'scalibit', and Jim goes by 'jimcloud'"):
        put(jim.brand, {name: data for name, data in pack_files(find_pack("scalibit")).items() if "cases" not in name})


@pytest.mark.parametrize("name", ["../pack.yaml", "safeguards.yaml", "notices/en/x.py", "cases/../x.yaml"])
def test_a_file_that_is_none_of_a_pack_is_refused(jim: Provider, name: str) -> None:
    with pytest.raises(Problem, match="is no file of a pack"):
        put(jim.brand, {**files(), name: b"x"})


def test_a_setting_that_the_pack_does_not_have_refuses_it(jim: Provider) -> None:
    jim.brand.settings = {"parameters": {"grace": "PT1H"}}
    jim.brand.save()
    with pytest.raises(Problem, match="grace"):
        put(jim.brand)


def test_what_rewrites_the_version_in_force_must_be_meant(jim: Provider) -> None:
    with pytest.raises(ReachesBackError) as caught:
        put(jim.brand, rewritten())
    assert caught.value.words == [
        "in the version '2022-06-07': 3: the spam fine is 25.00 USD instead of 20.00 USD",
    ]
    proposal = put(jim.brand, rewritten(), reaching_back_is_meant=True)
    assert proposal.reaches_back == caught.value.words
    assert approve(proposal, "bob", now=NOW).state == "published"


def test_a_date_that_has_passed_while_it_waited_reaches_back(jim: Provider) -> None:
    proposal = put(jim.brand)
    assert proposal.reaches_back == []
    with pytest.raises(Problem, match="by now this changes what is in force"):
        approve(proposal, "bob", now=SOON)
    assert in_force(jim) == proposal.previous


def test_an_earlier_policy_comes_back_the_same_way(jim: Provider) -> None:
    before = in_force(jim)
    approve(put(jim.brand), "bob", now=NOW)
    back = roll_back(jim.brand, before, "bob", "it was better", now=NOW)
    assert (back.state, back.pack_id, back.reaches_back) == ("proposed", before, [])
    with pytest.raises(Problem, match="four_eyes"):
        approve(back, "bob", now=NOW)
    approve(back, "alice", now=NOW)
    assert in_force(jim) == before == load_pack("jimcloud").digest
    assert files_of(Brand.objects.get(pk=jim.brand.pk)) == FILES


def test_a_policy_that_never_was_cannot_come_back(jim: Provider) -> None:
    with pytest.raises(Problem, match="there is no policy"):
        roll_back(jim.brand, "0" * 64, "bob", "x")


def test_the_files_in_force_are_those_handed_in(jim: Provider) -> None:
    assert files_of(jim.brand) == FILES
    approve(put(jim.brand), "bob", now=NOW)
    assert files_of(Brand.objects.get(pk=jim.brand.pk)) == files()


def test_what_was_decided_stays_and_what_comes_is_decided_anew(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    approve(put(jim.brand, rewritten(), reaching_back_is_meant=True), "bob", now=NOW)
    assert [one.amount for one in Charge.objects.all()] == [2000]
    take(signed_complaint("isp.example.net", note="2", ip="192.0.2.3"))
    assert sorted(one.amount for one in Charge.objects.all()) == [2000, 2500]
    assert len({bytes(one) for one in Decision.objects.values_list("pack_digest", flat=True)}) == 2
    assert {one.outcome for one in recompute()} == {"same"}


def test_a_policy_that_this_release_cannot_read_is_mended_by_publishing_another(jim: Provider) -> None:
    text = FILES["pack.yaml"].decode() + "came_later: true\n"
    newer = {name: data.decode() for name, data in {**FILES, "pack.yaml": text.encode()}.items()}
    PackText.objects.create(digest="a" * 64, name="jimcloud", title="x", files=newer, first_seen=NOW)
    Brand.objects.update(published="a" * 64)
    brand = Brand.objects.get()
    with pytest.raises(Problem):
        pack_of(brand)
    with pytest.raises(ReachesBackError, match="nobody can say what of it changes"):
        put(brand)
    mended = approve(put(brand, reaching_back_is_meant=True), "bob", now=NOW)
    assert in_force(jim) == mended.pack_id


def test_every_change_of_the_story_shows(jim: Provider) -> None:
    proposal = put(jim.brand)
    approve(proposal, "bob", now=NOW)
    for change, shows in (
        (f"UPDATE records_publication SET note = 'x' WHERE id = {proposal.pk}", "is not what its entries say"),
        (f"UPDATE records_publication SET decided_by = 'eve' WHERE id = {proposal.pk}", "is not what its entries say"),
        (f"UPDATE records_publication SET cases = '{{}}' WHERE id = {proposal.pk}", "is not what its entries say"),
        ("UPDATE records_brand SET published_id = NULL", "not what was published last"),
    ):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(change)
            assert any(shows in one for one in verify_publications())
            transaction.set_rollback(True)
    assert list(verify_publications()) == []


@pytest.mark.parametrize(
    ("change", "shows"),
    [
        ("UPDATE records_publicationentry SET by = 'eve' WHERE sequence = 2", "entry 2: it was changed afterwards"),
        ("DELETE FROM records_publicationentry WHERE sequence = 1", "entry 1 is missing before it"),
        ("DELETE FROM records_publicationentry WHERE sequence = 2", "not what was published last"),
        ("UPDATE records_packtext SET files = jsonb_set(files, '{pack.yaml}', '\"x\"')", "policy "),
    ],
)
def test_rows_that_refuse_to_be_changed_show_it_when_they_were(jim: Provider, change: str, shows: str) -> None:
    approve(put(jim.brand), "bob", now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {re.findall('records_[a-z]+', change)[0]} DISABLE TRIGGER append_only")
        cursor.execute(change)
    assert any(shows in one for one in verify_publications())


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_once_publish_once() -> None:
    jim = provider()
    proposals = [put(jim.brand), put(jim.brand, files(reply_period="PT3H"))]
    answers: list[str] = []
    ready = threading.Barrier(4)

    def approve_it(one: Publication, by: str) -> None:
        ready.wait()
        try:
            answers.append(approve(one, by, now=NOW).state)
        except Problem as problem:
            answers.append(str(problem))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=approve_it, args=(one, by)) for one in proposals for by in ("bob", "carol")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("published") == 1
    assert sum("in force has changed" in one for one in answers) == 2
    assert sum("was published by" in one for one in answers) == 1
    assert PublicationEntry.objects.filter(kind="published").count() == 1
    assert list(verify_publications()) == []
    assert PackText.objects.count() == 3
