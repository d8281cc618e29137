"""What a worker does in one turn, for the processes that are killed."""

from datetime import datetime, timedelta

from abusedesk.desk.enact import submit
from abusedesk.desk.hold import release
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects, perform_targets
from abusedesk.desk.receive import Incoming, receive
from abusedesk.desk.watch import fire_due
from abusedesk.policy.stimulus import Report
from abusedesk.records.models import Brand, Docket


def perform(now: datetime) -> None:
    """Notices, then measures."""
    perform_effects("child", now)
    perform_targets("child", now)


def enact_and_perform(now: datetime) -> None:
    """What is in the hands of a reader is submitted, whether or not it was before; then it is carried out."""
    for docket in Docket.objects.filter(brand__held_since=None).select_related("service"):
        submit(docket, report(docket), key="report:1", at=now.replace(minute=0, second=0))
    perform(now)


def take_and_perform(mail: bytes, now: datetime) -> None:
    """A mail comes in, again if its sender was told nothing of it, and goes all the way."""
    receive(Incoming(mail, "test", now))
    while process_messages(now):
        pass
    perform(now)


def watch_and_perform(now: datetime) -> None:
    """Due deadlines, then what they order."""
    fire_due(now)
    perform(now)


def release_held(now: datetime) -> None:
    """Somebody releases every brand that is held by the button."""
    for brand in Brand.objects.filter(held_by="kim"):
        release(brand, "lee", now)


def report(docket: Docket) -> Report:
    """A believed complaint about spam from the service's one address."""
    assert docket.service is not None
    assignment = docket.service.assignments.get()
    return Report(
        id="r1",
        category="messaging/spam",
        ips=(str(assignment.prefix.network_address),),
        occurred_at=assignment.period.lower + timedelta(hours=1),
        assurance="authenticated",
    )
