"""Yes and no to what waits: who may say it, what it moves, and what does not count."""

import importlib
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from abusedesk.desk.approvals import Answer, Result, Voice, say
from abusedesk.desk.approvals.say import foreseen, would
from abusedesk.desk.enact import docket_of, submit
from abusedesk.policy.stimulus import AnyStimulus, Payment, Report, Request, Verification
from abusedesk.policy.stimulus import Proposal as Proposed
from abusedesk.records import migrations
from abusedesk.records.models import Brand, Consent, Decision, Effect, Measure, Proposal, TimelineEntry
from abusedesk.vocabulary.approval import SETTING, chains_in
from tests.desk.estate import NOW, Provider, provider, with_addresses

HOUR = timedelta(hours=1)
ANN, BO, CY = Voice("ann"), Voice("bo"), Voice("cy", frozenset({"policy publishers"}))


@pytest.fixture
def estate(db: None) -> Provider:
    return with_addresses(provider())


def tell(estate: Provider, *stimuli: AnyStimulus) -> None:
    for number, one in enumerate(stimuli):
        submit(docket_of(estate.service), one, key=f"t{number}:{one!r:.150}", at=NOW)


def phish(estate: Provider) -> Proposal:
    """A termination that the policy proposes, and a suspension meanwhile."""
    tell(estate, Report("r1", "content/phishing", ("192.0.2.1",), NOW))
    return Proposal.objects.get(name="terminate")


def settle(**given: object) -> None:
    Brand.objects.update(settings={SETTING: given})


def answer(one: Proposal, voice: Voice = ANN, verdict: str = "approve", key: str = "k1", **more: object) -> Result:
    said = Answer(verdict, voice, "seen it", **more)  # type: ignore[arg-type]
    return say(one.pk, said, key=key, now=NOW + HOUR)


def test_what_the_policy_proposes_waits_with_its_clauses_and_no_proposer(estate: Provider) -> None:
    one = phish(estate)
    assert (one.kind, one.proposers, one.at, one.customer) == ("measure", [], NOW, estate.customer)
    assert one.clauses == ["jimcloud:4", "safeguard:irreversible"]
    assert one.case is not None
    assert one.case.abuse_type == "fraud"


def test_a_yes_is_decided_and_says_by_whom_and_why(estate: Provider) -> None:
    one = phish(estate)
    assert answer(one).state == "decided"
    one.refresh_from_db()
    assert (one.answer, one.closed_by, one.reason) == ("approved", "ann", "seen it")
    assert Measure.objects.get(kind="terminate").decided == "in_force"
    assert b'"reason":"seen it"' in bytes(Decision.objects.get(key="k1").stimulus)


def test_a_no_withdraws_it(estate: Provider) -> None:
    one = phish(estate)
    assert answer(one, verdict="reject").state == "decided"
    assert Measure.objects.get(kind="terminate").decided == "withdrawn"


def test_the_same_form_again_counts_once_and_a_late_answer_not_at_all(estate: Provider) -> None:
    one = phish(estate)
    assert [answer(one).state, answer(one).state, answer(one, BO, key="k2").state] == ["decided", "twice", "closed"]
    assert answer(one, BO, key="k3").why == "ann has approved it already"


def test_who_proposed_it_neither_approves_nor_rejects_it(estate: Provider) -> None:
    tell(estate, Proposed("ann", "suspend"))
    one = Proposal.objects.get()
    assert [answer(one, verdict=each).state for each in ("approve", "reject")] == ["refused", "refused"]
    assert answer(one, BO).state == "decided"


def test_only_approvers_answer_where_the_brand_says_so(estate: Provider) -> None:
    settle(approvers_only=True)
    one = phish(estate)
    assert "members of the group “approvers”" in answer(one).why
    assert answer(one, verdict="reject").state == "refused"
    assert answer(one, Voice("di", frozenset({"approvers"}))).state == "decided"


def test_a_chain_records_each_yes_and_decides_with_the_last(estate: Provider) -> None:
    settle(chains=chains_in("terminate: approvers, policy publishers"))
    first, one = Voice("di", frozenset({"approvers"})), phish(estate)
    assert answer(one, CY).state == "refused"
    assert answer(one, first).state == "noted"
    assert Measure.objects.get(kind="terminate").decided == "proposed"
    assert [(each.by, each.reason) for each in Consent.objects.all()] == [("di", "seen it")]
    assert TimelineEntry.objects.filter(kind="staff", by="di").exists()
    assert answer(one, first, key="k2").state == "refused"
    assert answer(one, CY, key="k3").state == "decided"


def test_two_different_people_are_asked_for_a_great_sum(estate: Provider) -> None:
    settle(chains=chains_in("charge above 30.00: 2"))
    tell(estate, Report("r1", "copyright/copyright", ("192.0.2.1",), NOW))
    one = Proposal.objects.get(name="fine")
    tell(estate, Report("r2", "copyright/copyright", ("192.0.2.1", "192.0.2.2"), NOW))
    assert answer(one).state == "noted"
    assert "another person's" in answer(one, key="k2").why
    assert answer(one, BO, key="k3").state == "decided"


def test_a_yes_to_less_is_no_yes_to_more(estate: Provider) -> None:
    settle(chains=chains_in("charge above 10.00: 2"))
    tell(estate, Report("r1", "copyright/copyright", ("192.0.2.1",), NOW))
    one = Proposal.objects.get(name="fine")
    assert answer(one).state == "noted"
    tell(estate, Report("r2", "copyright/copyright", ("192.0.2.1", "192.0.2.2"), NOW))
    assert answer(one, BO, key="k2").state == "noted"
    assert answer(one, ANN, key="k3").state == "decided"


def test_one_no_ends_a_chain(estate: Provider) -> None:
    settle(chains=chains_in("terminate: approvers, policy publishers"))
    assert answer(phish(estate), CY, "reject").state == "decided"


def test_the_next_in_the_chain_are_told(estate: Provider, django_user_model: type) -> None:
    settle(chains=chains_in("terminate: 2"))
    for name in ("ann", "bo"):
        django_user_model.objects.create_user(name, f"{name}@example.net")  # type: ignore[attr-defined]
    answer(phish(estate))
    told = Effect.objects.get(payload__template="approvals")
    assert told.payload["address"] == "bo@example.net"
    assert "ann said yes" in told.payload["words"]["subject"]


def test_an_answer_to_what_has_changed_is_not_taken(estate: Provider) -> None:
    tell(estate, Report("r1", "copyright/copyright", ("192.0.2.1",), NOW))
    one = Proposal.objects.get(name="fine")
    tell(estate, Report("r2", "copyright/copyright", ("192.0.2.1", "192.0.2.2"), NOW))
    assert answer(one, seen=one.mark).state == "changed"
    one.refresh_from_db()
    assert one.changed_at >= one.at
    assert answer(one, seen=one.mark).state == "decided"


def test_an_answer_counts_only_if_what_was_foreseen_follows(estate: Provider) -> None:
    tell(estate, Report("r1", "copyright/copyright", ("192.0.2.1",), NOW))
    one = Proposal.objects.get(name="fine")
    (shown,) = would([one], Answer("approve", ANN, "seen it"), NOW)
    expected = foreseen(shown.decision.effects)
    tell(estate, Payment(5000))  # Credit: no payment deadline follows any more.
    assert answer(one, foreseen=expected).state == "changed"
    assert Proposal.objects.get().closed_at is None
    (shown,) = would([one], Answer("approve", ANN, "seen it"), NOW)
    assert answer(one, foreseen=foreseen(shown.decision.effects)).state == "decided"


def test_looking_ahead_writes_nothing(estate: Provider) -> None:
    one, before = phish(estate), Decision.objects.count()
    (shown,) = would([one], Answer("approve", ANN), NOW + HOUR)
    assert shown.decision.effects
    assert Decision.objects.count() == before
    assert Measure.objects.get(kind="terminate").decided == "proposed"


def test_a_request_of_a_service_without_a_case_waits_too(estate: Provider) -> None:
    tell(estate, Request("q1", "unblock", "192.0.2.1"))
    one = Proposal.objects.get()
    assert (one.kind, one.request, one.case) == ("request", "q1", None)
    assert answer(one).state == "decided"


def test_what_ends_by_itself_waits_no_more(estate: Provider) -> None:
    one = phish(estate)
    submit(docket_of(estate.service), Verification("r1", rejected=True, by="bo"), key="gone", at=NOW + HOUR)
    assert answer(one).why == "it ended by itself"


def test_what_waited_before_the_upgrade_is_found(estate: Provider) -> None:
    phish(estate)
    tell(estate, Report("r2", "copyright/copyright", ("192.0.2.1",), NOW), Request("q1", "unblock", "192.0.2.1"))
    told = ("kind", "name", "request", "items", "mark", "amount", "currency", "clauses", "at")
    before = set(map(str, Proposal.objects.values_list(*told)))
    Proposal.objects.all().delete()
    (file,) = Path(migrations.__file__).parent.glob("*_proposals.py")
    upgrade = importlib.import_module(f"{migrations.__name__}.{file.stem}")
    upgrade.find_waiting(apps, SimpleNamespace(connection=connection))
    assert set(map(str, Proposal.objects.values_list(*told))) == before
    assert len(before) == 3
