"""Old tickets taken over from a file: marked in the story, known again, provable, and taken back."""

from pathlib import Path

import pytest

from abusedesk.desk import history
from abusedesk.desk.policies.audit import recompute
from abusedesk.records.chain import verify
from abusedesk.records.models import Case, Charge, Deadline, Effect, Measure, Strike, TicketEntry, TimelineEntry
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db

HEADER = "service,ticket,at,kind,abuse_type,category,ip,amount,item,author,text\n"
ROWS = """\
s1,4711,2025-12-01,strike,spam,,192.0.2.1,,,,
s1,4711,2025-12-01T10:00:00Z,message,,,,,,customer,"We have closed the form, sorry."
s1,4800,2026-01-10,case,,connection/port_scan,192.0.2.1 192.0.2.2,,,,
s1,4801,2026-01-11,owed,,,,40.00,fine,,
"""


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


def planned(jim: Provider, tmp_path: Path, text: str) -> history.Plan:
    file = tmp_path / "old.csv"
    file.write_text(text)
    return history.plan(history.read_file(file), jim.brand, "WHMCS", NOW)


def carry(jim: Provider, tmp_path: Path, rows: str = ROWS) -> history.Done:
    plan = planned(jim, tmp_path, HEADER + rows)
    assert plan.faults == []
    return history.write(plan, jim.brand, "ann", NOW, lambda _: None)


def test_tickets_strikes_balances_and_conversations_are_there_and_nothing_went_out(
    jim: Provider, tmp_path: Path
) -> None:
    done = carry(jim, tmp_path)

    assert done == ({"strike": 1, "case": 1, "owed": 1, "message": 1}, 0, 0, ())
    assert {(one.abuse_type, one.open) for one in Case.objects.all()} == {("spam", False), ("attack", False)}
    strike = Strike.objects.get()
    assert f"{strike.at:%Y-%m-%d}" == "2025-12-01"
    assert [(one.amount, one.state) for one in Charge.objects.all()] == [(4000, "owed")]
    entry = TicketEntry.objects.get()
    assert (f"{entry.at:%Y-%m-%d %H}", entry.author) == ("2025-12-01 10", "customer")
    assert entry.text.endswith("(WHMCS, ticket 4711)")
    assert not Effect.objects.exists()
    assert not Measure.objects.exists()
    assert not Deadline.objects.exists()


def test_the_story_of_each_case_says_where_it_came_from(jim: Provider, tmp_path: Path) -> None:
    carry(jim, tmp_path)

    for abuse_type in ("spam", "attack"):
        case = Case.objects.get(abuse_type=abuse_type)
        (line,) = TimelineEntry.objects.filter(case_id=case.pk)
        assert (line.kind, line.by) == ("carried_ticket", "ann")


def test_a_second_run_adds_nothing(jim: Provider, tmp_path: Path) -> None:
    carry(jim, tmp_path)

    assert carry(jim, tmp_path) == ({}, 4, 0, ())
    assert Strike.objects.count() == 1


def test_the_chain_holds_and_every_decision_is_made_again(jim: Provider, tmp_path: Path) -> None:
    carry(jim, tmp_path)

    assert list(verify()) == []
    assert {one.outcome for one in recompute()} == {"same"}


def test_the_next_strike_counts_the_carried_one(jim: Provider, tmp_path: Path) -> None:
    carry(jim, tmp_path)
    known_reporter("isp.example.net")

    take(signed_complaint("isp.example.net"))

    assert sorted(Strike.objects.values_list("number", flat=True)) == [1, 2]


def test_what_was_taken_over_can_be_taken_back_whole_or_by_ticket(jim: Provider, tmp_path: Path) -> None:
    carry(jim, tmp_path, ROWS + "s1,4900,2026-02-01,strike,spam,,192.0.2.1,,,,\n")

    assert history.annul(jim.brand, "WHMCS", "4900", "ann", NOW) == 1
    assert Strike.objects.filter(annulled_at=None).count() == 1
    history.annul(jim.brand, "WHMCS", "", "ann", NOW)
    assert not Strike.objects.filter(annulled_at=None).exists()


def test_a_source_is_taken_back_and_no_other_whose_name_begins_alike(jim: Provider, tmp_path: Path) -> None:
    for source in ("A", "A:B"):
        file = tmp_path / "old.csv"
        file.write_text(f"{HEADER}s1,1,2025-12-01,strike,spam,,192.0.2.1,,,,\n")
        plan = history.plan(history.read_file(file), jim.brand, source, NOW)
        history.write(plan, jim.brand, "ann", NOW, lambda _: None)

    assert history.annul(jim.brand, "A", "", "ann", NOW) == 1
    assert Strike.objects.filter(annulled_at=None).count() == 1


def test_two_amounts_for_two_things_are_two(jim: Provider, tmp_path: Path) -> None:
    carry(jim, tmp_path, "s1,1,2025-12-01,owed,,,,20.00,fine,,\ns1,1,2025-12-01,owed,,,,20.00,cleaning,,\n")

    assert Charge.objects.count() == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("s9,1,2025-12-01,strike,spam,,,,,,", "service: there is no service 's9'"),
        ("s1,1,2026-12-01,strike,spam,,,,,,", "at: lies in the future"),
        ("s1,1,2025-12-01,struck,spam,,,,,,", "kind: 'struck' is none of"),
        ("s1,1,2025-12-01,strike,spma,,,,,,", "abuse_type: the policy has no 'spma'; did you mean 'spam'?"),
        ("s1,1,2025-12-01,strike,,,,,,,", "abuse_type: is empty, and so is category"),
        ("s1,1,2025-12-01,strike,,messaging/spma,,,,,", "category: 'messaging/spma' is no category"),
        ("s1,1,2025-12-01,strike,spam,,192.0.2,,,,", "ip: '192.0.2' does not appear"),
        ("s1,1,2025-12-01,owed,,,,,,,", "amount: says nothing"),
        ("s1,1,2025-12-01,owed,,,,twenty,,,", "amount: 'twenty' is no amount"),
        ("s1,1,2025-12-01,message,,,,,,customer,", "text: is empty"),
        ("s1,1,2025-12-01,message,,,,,,customer,hello", "ticket: no row of the file makes a case of '1'"),
    ],
)
def test_every_fault_has_its_line_and_nothing_is_written(jim: Provider, tmp_path: Path, row: str, said: str) -> None:
    (fault,) = planned(jim, tmp_path, f"{HEADER}{row}\n").faults

    assert fault.line == 2
    assert f"{fault.column}: {fault.text}".startswith(said)
