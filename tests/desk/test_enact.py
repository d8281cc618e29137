"""A decision and all that follows from it, in one transaction."""

from datetime import timedelta

import pytest
from django.db import connection

from abusedesk.desk.enact import Move, docket_of, enact, submit
from abusedesk.desk.policies.audit import recompute
from abusedesk.policy.stimulus import Approval, DeadlinePassed, Payment, Reply, Verification
from abusedesk.records.chain import verify
from abusedesk.records.holders import holders
from abusedesk.records.models import (
    Brand,
    Case,
    Charge,
    Deadline,
    Decision,
    Effect,
    Measure,
    Report,
    Review,
    Strike,
    Target,
)
from tests.desk.estate import NOW, Provider, complaint, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def jim() -> Provider:
    known_reporter("isp.example.net")
    return with_addresses(provider())


def reject(one: Provider, report: Report) -> None:
    stimulus = Verification(str(report.pk), rejected=True, by="alice")
    submit(docket_of(one.service), stimulus, key=f"reject:{report.pk}", at=NOW + MINUTE, by="alice")


def test_a_strike_orders_notice_deadline_fine_and_suspension(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    case = Case.objects.get()
    assert Strike.objects.get().case == case
    assert {(one.name, one.due - NOW) for one in Deadline.objects.all()} == {
        ("reply", timedelta(hours=6)),
        ("payment", timedelta(hours=24)),
    }
    assert Charge.objects.get().clauses[0] == "jimcloud:3"
    assert (case.next_due, case.next_due_name) == (NOW + timedelta(hours=6), "reply")
    assert Effect.objects.get().payload["template"] == "complaint"


def test_a_measure_marks_its_target_for_whoever_drives_it(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    measure, target = Measure.objects.get(), Target.objects.get()
    assert (measure.decided, measure.state, measure.target) == ("in_force", "none", target)
    assert (target.key, target.dirty) == ("service:jim/s1", True)


def test_the_same_key_counts_once(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    for _ in range(2):
        submit(docket_of(jim.service), Payment(2000), key="payment:1", at=NOW + MINUTE)
    charge = Charge.objects.get()
    assert (charge.state, charge.paid) == ("paid", 2000)
    assert Decision.objects.filter(key="payment:1").count() == 1


def test_a_reply_meets_the_deadline_and_the_case_shows_the_next(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    submit(docket_of(jim.service), Reply(complete=True), key="reply:1", at=NOW + MINUTE)
    assert Deadline.objects.get(name="reply").state == "met"
    assert Case.objects.get().next_due_name == "payment"


def test_rejecting_the_report_undoes_everything_and_remembers_it_of_the_reporter(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    report = Report.objects.get()
    reject(jim, report)
    report.refresh_from_db()
    assert Measure.objects.get().decided == "lifted"
    assert Charge.objects.get().state == "withdrawn"
    assert Strike.objects.get().annulled_at == NOW + MINUTE
    assert (report.rejected_by, report.reporter and report.reporter.rejected) == ("alice", 1)
    assert Target.objects.get().dirty


def test_believing_a_report_answers_its_review(jim: Provider) -> None:
    take(complaint())
    report = Report.objects.get()
    stimulus = Verification(str(report.pk), "verified", by="alice")
    submit(docket_of(jim.service), stimulus, key="verify:1", at=NOW + MINUTE, by="alice")
    assert Review.objects.get().closed_by == "alice"
    assert Case.objects.get().needs == []
    assert Measure.objects.get().decided == "in_force"
    assert Report.objects.get().assurance == "verified"


def test_a_missed_deadline_asks_the_same_question_no_second_time(jim: Provider) -> None:
    take(complaint())
    for number, deadline in enumerate(("d2", "d3")):
        due = Deadline.objects.get(item=deadline).due
        submit(docket_of(jim.service), DeadlinePassed(deadline), key=f"deadline:{number}", at=due)
    assert Review.objects.count() == 1
    reject(jim, Report.objects.get())
    assert Case.objects.get().needs == []


def test_several_deadlines_missed_in_one_batch_are_decided_together(jim: Provider) -> None:
    other = jim.another("s2", "198.51.100.4/32")
    take(complaint(), complaint(ip="198.51.100.4", note="2"))
    Review.objects.update(closed_at=NOW)
    moves = [
        Move(docket_of(service).pk, DeadlinePassed("d2"), "deadline:1", NOW + timedelta(hours=6))
        for service in (jim.service, other)
    ]
    assert len(enact(moves, holders())) == 2
    assert Review.objects.filter(closed_at=None).count() == 2


def test_what_is_said_of_a_report_is_said_to_every_service_it_names(jim: Provider) -> None:
    other = jim.another("s2", "198.51.100.4/32")
    rows = (f"2026-03-02 08:00:00,{ip},22,tcp,,ssh,64500,DE" for ip in ("192.0.2.1", "198.51.100.4"))
    report = "\n".join(["timestamp,ip,port,protocol,hostname,tag,asn,geo", *rows, ""]).encode()
    from abusedesk.desk.intake import process_messages
    from abusedesk.desk.receive import Incoming, receive

    receive(Incoming(report, "feed", NOW, name="2026-03-02-scan_ssh.csv", brand=jim.brand.pk))
    process_messages(NOW)
    said = Report.objects.get()
    reject(jim, said)
    assert set(Decision.objects.filter(key=f"reject:{said.pk}").values_list("docket__service", flat=True)) == {
        jim.service.pk,
        other.pk,
    }


def test_a_proposal_is_what_the_case_needs_until_a_person_decides(jim: Provider) -> None:
    Brand.objects.update(settings={"blast_radius": 0})
    take(signed_complaint("isp.example.net"))
    assert Case.objects.get().needs == ["proposal:suspend"]
    assert not Target.objects.exists()
    approval = Approval("approve", by="alice", measure="suspend")
    submit(docket_of(jim.service), approval, key="approve:1", at=NOW + MINUTE, by="alice")
    assert Case.objects.get().needs == []
    assert (Measure.objects.get().mode, Measure.objects.get().decided) == ("approved", "in_force")


def test_beyond_the_blast_radius_measures_are_proposed_and_staff_told_once(jim: Provider) -> None:
    Brand.objects.update(settings={"blast_radius": 2})
    for number in range(4):
        jim.another(f"x{number}", f"203.0.113.{number}/32")
    mails = [signed_complaint("isp.example.net", ip=f"203.0.113.{number}", note=str(number)) for number in range(4)]
    take(*mails[:3])
    take(mails[3])
    assert sorted(Measure.objects.values_list("mode", flat=True)) == ["automatic", "automatic", "proposed", "proposed"]
    assert Effect.objects.filter(kind="alert").count() == 1


def test_a_dry_run_decides_and_carries_nothing_out(jim: Provider) -> None:
    Brand.objects.update(dry_run=True)
    take(signed_complaint("isp.example.net"))
    assert (Measure.objects.get().decided, Measure.objects.get().state) == ("in_force", "dry_run")
    assert set(Effect.objects.values_list("state", flat=True)) == {"dry_run"}
    assert not Target.objects.exists()


def test_every_effect_names_its_clauses(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"), complaint(ip="203.0.113.77"))
    for model in (Deadline, Charge, Measure, Strike, Review):
        assert all(model.objects.values_list("clauses", flat=True)), model.__name__


def test_the_chain_holds_and_every_decision_would_be_made_again(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"), complaint(note="2", sender="x@example.com"))
    reject(jim, Report.objects.get(assurance="authenticated"))
    assert list(verify()) == []
    assert {one.outcome for one in recompute()} == {"same"}


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        ("UPDATE records_decision SET effects = '[]' WHERE sequence = 1", "was changed afterwards"),
        ("UPDATE records_decision SET at = at + interval '1 hour' WHERE sequence = 1", "does not match"),
        ("UPDATE records_decision SET previous = 'x' WHERE sequence = 2", "does not follow"),
        ("UPDATE records_docket SET head = 'x'", "missing at the end"),
    ],
)
def test_tampering_shows(jim: Provider, tamper: str, says: str) -> None:
    take(signed_complaint("isp.example.net"))
    submit(docket_of(jim.service), Payment(2000), key="payment:1", at=NOW + MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(tamper)
    assert any(says in fault.problem for fault in verify())


def test_erasing_values_with_their_salt_leaves_the_chain_whole(jim: Provider) -> None:
    take(signed_complaint("isp.example.net"))
    Decision.objects.update(stimulus=b"", facts=b"", effects=b"", trace=b"", salt=b"")
    assert list(verify()) == []
