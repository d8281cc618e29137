"""Charges: proposed, owed, paid, and taken back. Amounts are minor units; money paid too much is credit."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from abusedesk.policy import deadlines
from abusedesk.policy.decision import ChargeMade, Withdraw
from abusedesk.policy.docket import Charge, Ground
from abusedesk.policy.pending import united
from abusedesk.vocabulary.measure import Mode
from abusedesk.vocabulary.money import format_amount

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def make(
    draft: "Draft",
    item: str,
    amount: int,
    mode: Mode,
    clauses: tuple[str, ...],
    *,
    grounds: tuple[Ground, ...] = (),
    ip: str | None = None,
    by: str | None = None,
) -> None:
    """Charges or proposes an amount. What is charged is owed at once, and settled by credit as far as that goes."""
    proposed = mode == "proposed"
    charge = Charge(
        draft.new_id("c"),
        item,
        draft.at,
        amount,
        0,
        draft.pack.currency,
        mode,
        clauses,
        "proposed" if proposed else "owed",
        ip,
        grounds,
        by=by,
        owed_at=None if proposed else draft.at,
        case=draft.occurrence.abuse_type if draft.occurrence is not None else None,
    )
    draft.charges = (*draft.charges, charge)
    say(draft, charge)
    if not proposed:
        _owe(draft, charge)


def say(draft: "Draft", charge: Charge) -> None:
    """The effect that states a charge as it stands."""
    draft.effects.append(
        ChargeMade(
            charge.clauses,
            draft.docket.service,
            draft.facts.customer,
            charge.ip,
            f"{draft.docket.service}/{charge.case}" if charge.case else None,
            _occurrence(charge),
            charge.id,
            item=charge.item,
            amount=format_amount(charge.amount),
            currency=charge.currency,
            mode=charge.mode,
        )
    )


def approve(draft: "Draft", charge: Charge) -> None:
    """A person said yes: the whole amount is owed from now."""
    approved = replace(charge, mode="approved", state="owed", owed_at=draft.at)
    draft.keep_charge(approved)
    say(draft, approved)
    _owe(draft, approved)


def reject(draft: "Draft", charge: Charge) -> None:
    """A person said no."""
    draft.keep_charge(replace(charge, state="rejected"))
    _say_withdrawn(draft, charge, charge.clauses)


def withdraw(draft: "Draft", charge: Charge, clauses: tuple[str, ...]) -> None:
    """The charge no longer stands; what was paid on it is credit. One that a person refused ends without a word."""
    draft.keep_charge(replace(charge, state="withdrawn", paid=0))
    draft.credit += charge.paid
    if charge.state != "rejected":
        _say_withdrawn(draft, charge, united(clauses, charge.clauses))


def add(draft: "Draft", charge: Charge, amount: int) -> None:
    """A proposed charge grows, and is stated again with its new total."""
    grown = replace(charge, amount=charge.amount + amount)
    draft.keep_charge(grown)
    say(draft, grown)


def find(draft: "Draft", charge: str | None) -> Charge | None:
    """A charge by its id."""
    if charge is not None:
        for one in draft.charges:
            if one.id == charge:
                return one
    return None


def owed(draft: "Draft") -> list[Charge]:
    """The charges that are not wholly paid, the oldest owed first."""
    found = [one for one in draft.charges if one.state == "owed"]
    return sorted(found, key=lambda one: one.owed_at or one.at) if len(found) > 1 else found


def any_owed(draft: "Draft") -> bool:
    """Whether a charge is not wholly paid."""
    for one in draft.charges:  # noqa: SIM110 - asked of nearly every decision, and a generator takes twice as long
        if one.state == "owed":
            return True
    return False


def settle(draft: "Draft") -> None:
    """Credit pays what is owed, the oldest first; a payment deadline whose charges are all settled ends.

    The decision before this one left everything settled, so there is nothing to do where nothing moved since.
    """
    if not _moved(draft):
        return
    if draft.credit > 0:
        for charge in owed(draft):
            _pay(draft, charge)
    _end_settled_deadlines(draft)


def _moved(draft: "Draft") -> bool:
    was = draft.docket
    return draft.charges is not was.charges or draft.deadlines is not was.deadlines or draft.credit != was.credit


def standing(draft: "Draft", item: str, occurrence: str, ip: str | None) -> bool:
    """Whether an item was charged, proposed, refused or forgiven for an occurrence, and an address if one is given."""
    for one in draft.charges:
        if one.item == item and one.ip == ip and _counts(one) and _occurrence(one) == occurrence:
            return True
    return False


def case_total(draft: "Draft", item: str, abuse_type: str) -> int:
    """What was charged, proposed, refused or forgiven of an item in a case and is not to be charged again."""
    return sum([one.amount for one in draft.charges if one.item == item and one.case == abuse_type and _counts(one)])


def _counts(charge: Charge) -> bool:
    return charge.state != "withdrawn" or charge.forgiven is True


def _occurrence(charge: Charge) -> str | None:
    return charge.grounds[0].occurrence if charge.grounds else None


def _owe(draft: "Draft", charge: Charge) -> None:
    """Credit settles it as far as it goes; what is left begins to be owed."""
    if draft.credit > 0:
        charge = _pay(draft, charge)
    if charge.state == "owed":
        draft.queue.append(("owed", charge.id, charge.ip))


def _pay(draft: "Draft", charge: Charge) -> Charge:
    part = min(draft.credit, charge.amount - charge.paid)
    draft.credit -= part
    paid = charge.paid + part
    charge = replace(charge, paid=paid, state="paid" if paid >= charge.amount else "owed")
    draft.keep_charge(charge)
    return charge


def _end_settled_deadlines(draft: "Draft") -> None:
    for deadline in draft.deadlines:
        if deadline.state != "open" or deadline.name != "payment":
            continue
        covered = [one.state for one in draft.charges if one.deadline == deadline.id]
        if covered and "owed" not in covered:
            deadlines.end(draft, deadline, "met" if "paid" in covered else "cancelled")


def _say_withdrawn(draft: "Draft", charge: Charge, clauses: tuple[str, ...]) -> None:
    draft.effects.append(
        Withdraw(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            charge.ip,
            f"{draft.docket.service}/{charge.case}" if charge.case else None,
            _occurrence(charge),
            charge.id,
            item=charge.item,
        )
    )
