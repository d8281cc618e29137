"""What happens next is what the policy would do: with the brand's safeguards, as the surroundings are now."""

from datetime import timedelta

import pytest

from abusedesk.desk.decide import state_of
from abusedesk.desk.enact import docket_of, submit
from abusedesk.policy.stimulus import Report
from abusedesk.records.models import Case, Measure
from abusedesk.web.ahead import ahead_of
from tests.desk.estate import NOW, Provider, provider, with_addresses

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def heard(made: Provider) -> Case:
    """A claim of infringement: the third missed reply, 18 hours later, suspends."""
    report = Report("r1", "copyright/p2p", ("192.0.2.1",), NOW, assurance="authenticated")
    submit(docket_of(made.service), report, key="r1", at=NOW)
    return Case.objects.get()


def last_step(case: Case) -> str:
    coming = ahead_of(case, state_of(case.service.docket))
    assert [one.at - NOW for one in coming] == [6 * HOUR, 12 * HOUR, 18 * HOUR]
    return " ".join(str(order.line) for order in coming[-1].orders)


def test_a_suspension_to_come_is_told() -> None:
    assert "propos" not in last_step(heard(with_addresses(provider())))


def test_on_a_protected_customer_it_is_only_proposed() -> None:
    made = with_addresses(provider())
    made.customer.protected = True
    made.customer.save()
    assert "propos" in last_step(heard(made))


def test_a_used_up_blast_radius_leaves_a_proposal() -> None:
    assert "propos" in last_step(heard(with_addresses(provider(settings={"blast_radius": 0}))))


def test_measures_that_are_older_than_an_hour_by_then_do_not_count() -> None:
    made = with_addresses(provider(settings={"blast_radius": 1}))
    case = heard(made)
    docket = docket_of(made.service)
    taken = {"docket": docket, "brand": made.brand, "service": made.service, "kind": "suspend", "counts": True}
    Measure.objects.create(item="m90", mode="automatic", decided="lifted", at=NOW, **taken)
    assert "propos" not in last_step(case)
    Measure.objects.create(item="m91", mode="automatic", decided="lifted", at=NOW + 17.5 * HOUR, **taken)
    assert "propos" in last_step(case)
