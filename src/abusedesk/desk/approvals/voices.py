"""Who may answer what waits: what a brand says of it, the chain that a proposal takes, and how far that is.

A yes counts for the proposal as it was then. When it grows or anything joins it, the chain begins anew.
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.contrib.auth import get_user_model

from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Consent, Proposal
from abusedesk.vocabulary.approval import ANYBODY, Terms, read_terms
from abusedesk.vocabulary.permission import APPROVERS


class Voice(NamedTuple):
    """A person who may answer: the name under which it is recorded, the groups, where to write to."""

    name: str
    groups: frozenset[str] = frozenset()
    is_administrator: bool = False
    address: str = ""

    def is_in(self, group: str) -> bool:
        """Whether this person is in a group, or may do what each of them may."""
        return self.is_administrator or group in self.groups


class Chain(NamedTuple):
    """Whose yes a proposal takes, in order, and those that were said to it as it is now."""

    steps: tuple[str, ...]
    given: tuple[Consent, ...]

    @property
    def next(self) -> str:
        """Whose yes it waits for: a group, or anybody."""
        return self.steps[min(len(self.given), len(self.steps) - 1)]

    @property
    def is_last(self) -> bool:
        """Whether the next yes is enough."""
        return len(self.given) + 1 >= len(self.steps)


def terms_of(brand: Brand) -> Terms:
    """What a brand says of its approvals. Raises Problem where that cannot be read: then nobody's yes is enough."""
    try:
        return read_terms(brand.settings)
    except (ValueError, TypeError) as error:
        raise Problem(f"the setting approvals of {brand.name} is wrong: {error}") from None


def chain_of(proposal: Proposal, terms: Terms) -> Chain:
    """How far a proposal is on its way."""
    given = [one for one in proposal.consents.all() if one.mark == proposal.mark]
    steps = terms.steps(proposal.name, proposal.amount if proposal.kind == "charge" else 0)
    return Chain(steps, tuple(sorted(given, key=lambda one: (one.at, one.pk))[: len(steps)]))


def may_approve(voice: Voice, terms: Terms) -> bool:
    """Whether somebody may answer what waits of a brand, where no chain says more."""
    return not terms.approvers_only or voice.is_in(APPROVERS)


def hindrance(voice: Voice, proposal: Proposal, chain: Chain, terms: Terms) -> str:
    """Why somebody cannot say yes to a proposal now, for that person; empty where nothing is in the way."""
    if voice.name in proposal.barred:
        return "You proposed this, so another person answers it."
    if any(one.by == voice.name for one in chain.given):
        return "You have said yes already; the next yes is another person's."
    if chain.next != ANYBODY and not voice.is_in(chain.next):
        return f"The next yes is for a member of the group “{chain.next}”."
    if chain.next == ANYBODY and not may_approve(voice, terms):
        return f"This is for members of the group “{APPROVERS}” and administrators."
    return ""


def may_reject(voice: Voice, proposal: Proposal, chain: Chain, terms: Terms) -> bool:
    """Whether somebody may say no: whoever may say any yes of it, and did not propose it."""
    takes_part = any(one != ANYBODY and voice.is_in(one) for one in chain.steps)
    return voice.name not in proposal.barred and (takes_part or may_approve(voice, terms))


def everybody() -> list[Voice]:
    """Everybody who can sign in."""
    users = get_user_model().objects.filter(is_active=True).prefetch_related("groups").order_by("username")
    return [voice_of(one, frozenset(group.name for group in one.groups.all())) for one in users]


def voice_of(user: object, groups: Iterable[str]) -> Voice:
    """A signed-in user as a voice."""
    name, address = str(user.get_username()), str(getattr(user, "email", ""))  # type: ignore[attr-defined]
    return Voice(name, frozenset(groups), bool(getattr(user, "is_superuser", False)), address)


def who_can(proposal: Proposal, people: Iterable[Voice]) -> list[Voice]:
    """Those who could say the next yes to a proposal. Raises Problem where the brand's setting cannot be read."""
    terms = terms_of(proposal.brand)
    chain = chain_of(proposal, terms)
    return [one for one in people if not hindrance(one, proposal, chain, terms)]
