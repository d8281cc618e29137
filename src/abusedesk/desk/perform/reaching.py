"""How a customer is reached: by role, and never by a mailbox on the accused server alone.

A server that is shut off, or that somebody else has taken over, delivers no warning about itself. So where the first
address lies on it the next independent one gets a copy; where there is none a person is asked.
"""

from datetime import datetime

from abusedesk.records.bell import ring
from abusedesk.records.models import Assignment, Case, Customer, DeclaredName, Effect, Notice, Review
from abusedesk.records.reviews import refresh_needs
from abusedesk.vocabulary.contact import Known, Reach, in_order, is_at

ONLY_ON_ACCUSED = "only_on_accused"
"""The review that asks for another address of a customer who is only reachable on the accused server."""


def reaches(party: Customer) -> list[Reach]:
    """The addresses of a customer or reseller, in the order in which they are written to."""
    rows = party.contacts.order_by("position", "pk").values_list("role", "email", "language", "position")
    return in_order(party.email, [Known(*row) for row in rows])


def first_address(party: Customer) -> str:
    """Where the first mail to a customer goes; empty where nobody said."""
    return next((one.email for one in reaches(party)), "")


def copy_elsewhere(effect: Effect, notice: Notice, now: datetime) -> None:
    """Sees to it that a notice to a customer reaches more than the accused server; once for a notice."""
    case = notice.case
    if notice.to != "customer" or case is None or notice.state != "written" or "copy_of" in effect.payload:
        return
    if not notice.address or not lies_on(notice.address, case, now):
        return
    tried = {one.lower() for one in (*(effect.payload.get("bounced") or []), notice.address)}
    others = (one.email for one in reaches(case.customer) if one.email.lower() not in tried)
    independent = next((one for one in others if not lies_on(one, case, now)), None)
    if independent is not None:
        _copy(effect, notice, independent, now)
    else:
        _ask(notice, case, now)


def lies_on(email: str, case: Case, now: datetime) -> bool:
    """Whether a mailbox may lie on the service that a case is about, by what it holds now."""
    names = DeclaredName.objects.filter(service=case.service_id, period__contains=now)
    held = Assignment.objects.filter(service=case.service_id, period__contains=now)
    label = case.service.label
    known = [*names.values_list("name", flat=True), *([label] if "." in label else [])]
    return is_at(email, known, (str(one).partition("/")[0] for one in held.values_list("prefix", flat=True)))


def served_elsewhere(notice: Notice) -> set[str]:
    """The addresses that got the same words beside a notice, and did not send them back."""
    again = Notice.objects.filter(effect__payload__copy_of=str(notice.pk)).exclude(state__in=("bounced", "failed"))
    return {one.lower() for one in again.values_list("address", flat=True)}


def _copy(effect: Effect, notice: Notice, address: str, now: datetime) -> None:
    tried = [*(effect.payload.get("bounced") or []), notice.address]
    about = {"address": address, "bounced": tried, "again_of": str(notice.pk), "copy_of": str(notice.pk)}
    made = {"brand": notice.brand, "decision": effect.decision, "kind": effect.kind, "due": now}
    Effect.objects.get_or_create(key=f"copy:{notice.pk}", defaults={**made, "payload": effect.payload | about})
    ring()


def _ask(notice: Notice, case: Case, now: datetime) -> None:
    detail = f"{notice.address} may lie on the server that the complaint is about, and no other address is known"
    _, is_new = Review.objects.get_or_create(
        key=f"{ONLY_ON_ACCUSED}:{case.pk}",
        defaults={
            "brand_id": notice.brand_id,
            "docket": case.service.docket,
            "case": case,
            "reason": ONLY_ON_ACCUSED,
            "detail": detail,
            "opened_at": now,
        },
    )
    if is_new:
        refresh_needs([case.pk])
