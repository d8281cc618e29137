"""A measure's life on the live desk: expired, lifted to clean and taken again, undone outside and accepted."""

from datetime import datetime, timedelta

import pytest

from abusedesk.actuators.models import Switch
from abusedesk.desk import hold
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.hearing.answers import READ_REPLY
from abusedesk.desk.perform import look_again, perform_targets
from abusedesk.desk.perform.pace import LOOK_AGAIN
from abusedesk.desk.policies.audit import recompute
from abusedesk.desk.watch import fire_due
from abusedesk.policy.stimulus import AnyStimulus, ExpirySet, LiftedByHand, LiftedToClean, Reply
from abusedesk.records.models import Brand, Case, Deadline, Measure, Review, TimelineEntry
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def jim() -> Provider:
    known_reporter("isp.example.net")
    return with_addresses(provider())


def suspended(one: Provider) -> Measure:
    take(signed_complaint("isp.example.net"))
    perform_targets("w1", NOW)
    measure = Measure.objects.get(docket=docket_of(one.service))
    assert measure.state == "in_force"
    return measure


def say(one: Provider, stimulus: AnyStimulus, at: datetime) -> None:
    submit(docket_of(one.service), stimulus, key=f"staff:{at}", at=at, by="ann")


def pass_time(at: datetime) -> None:
    """Deadlines fire, and whatever has to be driven is."""
    while fire_due(at):
        pass
    perform_targets("w1", at)


def test_a_brands_expiry_lifts_at_its_hour_and_is_read_back(jim: Provider) -> None:
    Brand.objects.update(settings={"expires": {"suspend": "PT2H"}})
    measure = suspended(jim)
    pass_time(NOW + HOUR)
    assert Switch.objects.get().on
    pass_time(NOW + 2 * HOUR)
    measure.refresh_from_db()
    assert (measure.decided, measure.state, measure.ended) == ("lifted", "lifted", "expired")
    assert not Switch.objects.get().on
    assert TimelineEntry.objects.filter(kind="carried_out", body__state="lifted").exists()


def test_an_expiry_is_no_deadline_that_the_queue_hurries_for(jim: Provider) -> None:
    Brand.objects.update(settings={"expires": {"suspend": "PT2H"}})
    measure = suspended(jim)
    deadline = Deadline.objects.get(name="expiry")
    assert (deadline.measure, deadline.case, deadline.due) == (measure.item, Case.objects.get(), NOW + 2 * HOUR)
    assert Case.objects.get().next_due_name == "reply"


def test_an_unread_answer_does_not_keep_it_standing(jim: Provider) -> None:
    suspended(jim)
    say(jim, ExpirySet("suspend", NOW + 2 * HOUR, "ann", "enough"), NOW + HOUR)
    case, docket = Case.objects.get(), docket_of(jim.service)
    Review.objects.create(brand=jim.brand, docket=docket, case=case, key="r", reason=READ_REPLY, opened_at=NOW + HOUR)
    pass_time(NOW + 7 * HOUR)
    assert Measure.objects.get().ended == "expired"
    assert Deadline.objects.get(name="reply").state == "open"


def test_a_hold_shows_it_where_it_stays_and_release_does_not_move_it(jim: Provider) -> None:
    suspended(jim)
    say(jim, ExpirySet("suspend", NOW + 3 * HOUR, "ann", "enough"), NOW)
    hold.press(jim.brand, "ann", "look", NOW)
    shown = hold.preview(jim.brand, NOW + 2 * HOUR)
    assert [due for due, one in shown.next_due if one.name == "expiry"] == [NOW + 3 * HOUR]
    assert [one.name for one in hold.preview(jim.brand, NOW + 4 * HOUR).overdue] == ["expiry"]
    pass_time(NOW + 4 * HOUR)
    assert Measure.objects.get().decided == "in_force"
    hold.release(jim.brand, "ann", NOW + 4 * HOUR)
    pass_time(NOW + 4 * HOUR)
    assert Measure.objects.get().state == "lifted"


def test_it_is_lifted_to_clean_and_taken_again(jim: Provider) -> None:
    first = suspended(jim)
    say(jim, LiftedToClean("suspend", NOW + 3 * HOUR, "ann", "will patch it"), NOW + HOUR)
    perform_targets("w1", NOW + HOUR)
    first.refresh_from_db()
    assert (first.state, first.ended, Switch.objects.get().on) == ("lifted", "to_clean", False)
    assert Deadline.objects.get(name="resume").measure == first.item
    pass_time(NOW + 3 * HOUR)
    second = Measure.objects.exclude(pk=first.pk).get()
    assert (second.kind, second.mode, second.state) == ("suspend", "approved", "in_force")
    assert Switch.objects.get().on


def test_it_stays_lifted_where_the_customer_was_done_in_time(jim: Provider) -> None:
    suspended(jim)
    say(jim, LiftedToClean("suspend", NOW + 3 * HOUR, "ann", "will patch it"), NOW + HOUR)
    say(jim, Reply(complete=True), NOW + 2 * HOUR)
    pass_time(NOW + 3 * HOUR)
    assert [one.state for one in Measure.objects.all()] == ["lifted"]


def test_what_was_undone_outside_is_shown_and_may_be_accepted(jim: Provider) -> None:
    measure = suspended(jim)
    Switch.objects.update(on=False)
    look_again("w1", NOW + LOOK_AGAIN)
    measure.refresh_from_db()
    assert (measure.state, measure.outside["drifted"]) == ("failed", True)
    assert "failed:suspend" in Case.objects.get().needs
    say(jim, LiftedByHand("suspend", "ann", "the node was moved"), NOW + HOUR)
    perform_targets("w1", NOW + HOUR)
    measure.refresh_from_db()
    assert (measure.decided, measure.state, measure.ended) == ("lifted", "lifted", "by_hand")
    assert "failed:suspend" not in Case.objects.get().needs
    assert not look_again("w1", NOW + 9 * HOUR)


def test_every_decision_of_it_would_be_made_again(jim: Provider) -> None:
    Brand.objects.update(settings={"expires": {"suspend": "PT9H"}})
    suspended(jim)
    say(jim, ExpirySet("suspend", NOW + 8 * HOUR, "ann", "less"), NOW + HOUR)
    say(jim, LiftedToClean("suspend", NOW + 3 * HOUR, "ann", "will patch it"), NOW + 2 * HOUR)
    pass_time(NOW + 4 * HOUR)
    say(jim, LiftedByHand("suspend", "ann", "host"), NOW + 5 * HOUR)
    made = list(recompute())
    assert [one for one in made if one.is_difference] == []
    assert len(made) >= 5
