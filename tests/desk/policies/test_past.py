"""The recorded past under a changed pack, out of the real tables, which stay as they are."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from abusedesk.desk import hold
from abusedesk.desk.enact import docket_of, docket_of_brand, submit
from abusedesk.desk.policies.past import what_if
from abusedesk.desk.watch import fire_due
from abusedesk.policy.author.whatif import WhatIf
from abusedesk.policy.pack import Pack, load_pack
from abusedesk.policy.stimulus import (
    AnyStimulus,
    Approval,
    Opened,
    Payment,
    Reply,
    Report,
    Request,
    Unattributed,
    Verification,
)
from abusedesk.problem import Problem
from abusedesk.records.models import Assignment, Brand, Decision, Heartbeat, Service
from tests.desk.estate import LONG_AGO, NOW, Provider, provider, with_addresses
from tests.policy.test_replay import changed

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
IP = "192.0.2.1"
SOONER = ("8.b, values: {2022-06-07: PT6H}", "8.b, values: {2022-06-07: PT2H}")
DEARER = ('"3", values: {2022-06-07: "20.00"}', '"3", values: {2022-06-07: "45.00"}')


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


@pytest.fixture
def sooner(tmp_path: Path) -> Pack:
    return changed(tmp_path, "jimcloud", SOONER)


def hear(service: Service, *heard: tuple[float, AnyStimulus]) -> None:
    """What a service hears, so many hours after the beginning; the watch fires what is due before."""
    for hours, stimulus in heard:
        at = NOW + hours * HOUR
        while fire_due(at - timedelta(microseconds=1)):
            pass
        submit(docket_of(service), stimulus, key=f"{type(stimulus).__name__}:{hours}:{id(stimulus)}", at=at)


def watched(until: float) -> None:
    """The watch goes on for so many hours after the beginning."""
    while fire_due(NOW + until * HOUR):
        pass
    Heartbeat.objects.update_or_create(name="watch", defaults={"at": NOW + until * HOUR})


def complaint(name: str, hours: float, category: str = "messaging/spam", **values: object) -> tuple[float, Report]:
    return hours, Report(name, category, (IP,), NOW + hours * HOUR, **values)  # type: ignore[arg-type]


def a_life(service: Service) -> None:
    """Some weeks of a service: spam, an unpaid fine, doubt, requests, and people's decisions."""
    hear(
        service,
        (-100, Opened()),
        complaint("a", 0, assurance="unverified"),
        (7, Verification("a", "verified", by="staff")),
        (9, Reply(complete=True)),
        complaint("b", 30, "connection/ddos"),
        (36, Payment(1000)),
        (40, Request("r1", "restore")),
        complaint("c", 200, "content/phishing"),
        (201, Approval("approve", "staff", measure="terminate")),
        (260, Payment(9000)),
    )


def checksum() -> dict[str, tuple[int, str]]:
    """Every table with its number of rows and a digest of what they say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        tables = [row[0] for row in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t")
            found[table] = cursor.fetchone()
    return found


def differing(found: WhatIf) -> list[str]:
    return [f"{(one.at - NOW) / HOUR:g} {one.text}" for one in found.differences]


def test_under_the_same_pack_all_is_as_recorded(jim: Provider) -> None:
    a_life(jim.service)
    watched(300)
    submit(docket_of_brand(jim.brand.pk), Unattributed("u", "messaging/spam", ("203.0.113.9",), NOW), key="u", at=NOW)
    found = what_if(jim.brand, load_pack("jimcloud"))
    assert (found.differing, found.affected, found.unlike_record, found.skipped) == (0, 0, 0, 0)
    assert found.stimuli == Decision.objects.count()
    assert found.services == 1
    assert found.until == NOW + 300 * HOUR
    assert found.sum("measure", "suspend", "automatic").before == 1
    assert found.sum("review", "no_attribution", "").after == 1


def test_a_changed_pack_shows_what_would_have_been_and_touches_nothing(jim: Provider, tmp_path: Path) -> None:
    a_life(jim.service)
    watched(300)
    before = checksum()
    found = what_if(jim.brand, changed(tmp_path, "jimcloud", SOONER, DEARER))
    assert checksum() == before
    assert (found.affected, found.unlike_record) == (1, 0)
    assert (
        "7 changed: fine 20.00 USD on 192.0.2.1, automatic → fine 45.00 USD on 192.0.2.1, automatic [jimcloud:3]"
        in (differing(found))
    )
    assert (
        found.sum("charge", "fine", "automatic").amount_after - found.sum("charge", "fine", "automatic").amount_before
        == 2500
    )
    assert [(one.currency, one.after - one.before) for one in found.money if one.mode == "automatic"] == [("USD", 2500)]


def test_a_shorter_deadline_suspends_who_answered_too_late_for_it(jim: Provider, sooner: Pack) -> None:
    hear(jim.service, complaint("a", 0, "copyright/copyright"), (8, Reply(complete=True)))
    watched(20)
    found = what_if(jim.brand, sooner)
    assert differing(found)[0] == "6 gained: suspend, automatic, without refund [jimcloud:8.c]"
    assert found.sum("measure", "suspend", "automatic") == found.sums[0]
    assert (found.sums[0].before, found.sums[0].after, found.sums[0].gained) == (0, 1, 1)


def test_only_what_came_since_a_date_is_compared(jim: Provider, sooner: Pack) -> None:
    hear(jim.service, complaint("a", 0, "copyright/copyright"), (8, Reply(complete=True)))
    hear(jim.service, complaint("b", 100, "copyright/copyright"), (108, Reply(complete=True)))
    watched(150)
    found = what_if(jim.brand, sooner, since=NOW + 50 * HOUR)
    assert found.stimuli < what_if(jim.brand, sooner).stimuli
    assert differing(found)[0] == "106 gained: suspend, automatic, without refund [jimcloud:8.c]"
    assert min(one.at for one in found.differences) > NOW + 50 * HOUR


def test_dockets_start_as_they_stood_then(jim: Provider) -> None:
    """More than fifty decisions lie before, so that the first docket comes from a snapshot, and a second is quiet."""
    other = jim.another("s2", "198.51.100.0/28")
    hear(other, (0, Report("z", "messaging/spam", ("198.51.100.1",), NOW, assurance="unverified")))
    hear(jim.service, *(complaint(f"a{number}", number * 7) for number in range(40)), (290, Payment(500)))
    watched(280)
    assert Decision.objects.exclude(snapshot=None).exists()
    hear(jim.service, complaint("z", 300), (301, Request("r", "restore")))
    watched(400)
    found = what_if(jim.brand, load_pack("jimcloud"), since=NOW + 285 * HOUR)
    assert (found.unlike_record, found.differing) == (0, 0)
    assert found.sum("strike", "spam", "").before == 1
    assert found.sum("answer", "restore", "denied").before == 1


def test_a_docket_that_is_quiet_since_then_still_has_its_deadlines(jim: Provider) -> None:
    hear(jim.service, complaint("a", 0, "copyright/copyright"))
    other = jim.another("s2", "198.51.100.0/28")
    hear(other, (1, Report("z", "copyright/copyright", ("198.51.100.1",), NOW)))
    found = what_if(jim.brand, load_pack("jimcloud"), since=NOW + HOUR)
    assert found.sum("notice", "further_notice", "customer").before == 0
    Heartbeat.objects.create(name="watch", at=NOW + 7 * HOUR)
    found = what_if(jim.brand, load_pack("jimcloud"), since=NOW + HOUR)
    assert found.sum("notice", "further_notice", "customer").before == 2


def test_erased_values_are_passed_over_and_counted(jim: Provider) -> None:
    a_life(jim.service)
    Decision.objects.filter(sequence=1).update(salt=b"", stimulus=b"", facts=b"", effects=b"", trace=b"")
    found = what_if(jim.brand, load_pack("jimcloud"))
    assert found.skipped == 1
    assert found.stimuli == Decision.objects.count() - 1


def test_what_the_brand_sets_holds_for_both(jim: Provider) -> None:
    """Set after the fact: both replays go by it, and it shows that the record does not."""
    hear(jim.service, complaint("a", 0, "copyright/copyright"))
    watched(4)
    Brand.objects.update(settings={"parameters": {"reply_period": "PT2H"}})
    found = what_if(Brand.objects.get(), load_pack("jimcloud"))
    assert found.differing == 0
    assert found.unlike_record == 3
    assert found.sum("notice", "further_notice", "customer").before == 2


def test_a_hold_of_the_brand_holds_the_replay(jim: Provider, sooner: Pack) -> None:
    hear(jim.service, complaint("a", 0, "copyright/copyright"))
    hold.press(jim.brand, "staff", "a look", NOW + HOUR)
    hold.release(jim.brand, "staff", NOW + 11 * HOUR)
    watched(20)
    found = what_if(jim.brand, load_pack("jimcloud"))
    assert found.unlike_record == 0
    found = what_if(jim.brand, sooner)
    assert "12 gained: notice further notice, to the customer, ticket+email [jimcloud:8.c, jimcloud:8.b]" not in (
        differing(found)
    )
    assert [one.split()[0] for one in differing(found) if "further notice" in one and "earlier" in one] == ["12"]


def test_an_address_that_passed_on_is_no_longer_acted_on(tmp_path: Path) -> None:
    """SCALIBIT null-routes at once; a deadline of the changed pack falls after the address has another holder."""
    made = with_addresses(provider("sca", "scalibit", in_force_from=LONG_AGO))
    hear(made.service, complaint("a", 0, "connection/ddos", assurance="verified"))
    routed = what_if(made.brand, load_pack("scalibit")).sum("measure", "null_route", "automatic").before
    Assignment.objects.filter(service=made.service).update(period=(LONG_AGO, NOW - HOUR))
    made.another("s9", "192.0.2.0/28", since=NOW - HOUR)
    found = what_if(made.brand, load_pack("scalibit"))
    assert (routed, found.sum("measure", "null_route", "automatic").before) == (1, 0)
    assert found.unlike_record == 1


def test_progress_is_told_and_can_end_it(jim: Provider) -> None:
    a_life(jim.service)
    told: list[tuple[int, int]] = []
    what_if(jim.brand, load_pack("jimcloud"), progress=lambda done, total: told.append((done, total)))
    total = Decision.objects.count()
    assert told[-1] == (total, total)

    class EnoughError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        what_if(jim.brand, load_pack("jimcloud"), progress=stop)


def test_a_brand_without_a_past_says_so(jim: Provider) -> None:
    with pytest.raises(Problem, match="jim has no past yet"):
        what_if(jim.brand, load_pack("jimcloud"))


def test_a_date_after_all_that_says_so(jim: Provider) -> None:
    hear(jim.service, complaint("a", 0))
    with pytest.raises(Problem, match="nothing on record since 2027-01-01; give an earlier date"):
        what_if(jim.brand, load_pack("jimcloud"), since=NOW.replace(year=2027, month=1, day=1))


def test_a_parameter_that_the_changed_pack_lacks_says_so(jim: Provider) -> None:
    hear(jim.service, complaint("a", 0))
    Brand.objects.update(settings={"parameters": {"attack_fine": "30.00"}})
    with pytest.raises(Problem, match="has no parameter 'attack_fine'"):
        what_if(Brand.objects.get(), load_pack("scalibit"))


def test_a_replay_that_breaks_says_why(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    hear(jim.service, complaint("a", 0))
    Decision.objects.update(stimulus=b"not a stimulus")
    with pytest.raises(RuntimeError, match="a replay broke off"):
        what_if(jim.brand, load_pack("jimcloud"))
