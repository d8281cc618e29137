"""Precedence: of what several inventories say, what holds, and where they contradict each other. Pure.

Each fact is believed by rank, 1 first; an inventory without a rank for a fact is not heard about it. Silence is no
contradiction: only two different answers to the same question are. A person's choice stands above every rank for as
long as the claims stay as they were when it was made.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim

RUNS, ENDED = "runs", "ended"


class Source(NamedTuple):
    """An inventory with what it says and how early it is believed about customers, services and assignments."""

    id: int
    name: str
    claims: Claims
    customers: int | None = None
    services: int | None = None
    assignments: int | None = None


class Said(NamedTuple):
    """One inventory's answer to one question."""

    inventory: int
    name: str
    value: str


class Choice(NamedTuple):
    """What a person chose, and from which claims."""

    value: str
    claims: tuple[Said, ...]


class Dispute(NamedTuple):
    """A question with two answers, what holds meanwhile (empty: what held before), and why."""

    fact: str
    subject: str
    claims: tuple[Said, ...]
    standing: str
    reason: str
    chosen: bool = False


class Believed(NamedTuple):
    """A claim with the inventory that is believed for it."""

    inventory: int
    claim: ServiceClaim | HoldingClaim


class Wanted(NamedTuple):
    """What holds by what all inventories say.

    `open_prefixes` are in dispute within the inventory that is believed: whoever holds one keeps it.
    """

    customers: Mapping[str, CustomerClaim]
    services: Mapping[str, Believed]
    holdings: Mapping[str, Believed]
    open_prefixes: Mapping[str, int]
    disputes: tuple[Dispute, ...]


Choices = Mapping[tuple[str, str], Choice]


def weigh(sources: Iterable[Source], choices: Choices) -> Wanted:
    """What holds, and what is in dispute."""
    every = sorted(sources, key=lambda one: one.id)
    services, about_services = _services(_ranked(every, "services"), choices)
    holdings, unclear, about_holders = _holdings(_ranked(every, "assignments"), choices)
    return Wanted(
        _customers(_ranked(every, "customers")), services, holdings, unclear, (*about_services, *about_holders)
    )


def _ranked(sources: list[Source], fact: str) -> list[Source]:
    heard = [one for one in sources if getattr(one, fact) is not None]
    return sorted(heard, key=lambda one: (getattr(one, fact), one.id))


def _customers(ranked: list[Source]) -> dict[str, CustomerClaim]:
    """Customers by ref; what the first leaves empty the next may say."""
    found: dict[str, CustomerClaim] = {}
    for source in ranked:
        for one in source.claims.customers:
            before = found.get(one.ref)
            found[one.ref] = one if before is None else _filled(before, one)
    return found


def _filled(first: CustomerClaim, second: CustomerClaim) -> CustomerClaim:
    return CustomerClaim(
        first.ref,
        first.name or second.name,
        first.email or second.email,
        first.language or second.language,
        first.reseller or second.reseller,
        first.since or second.since,
    )


def _services(ranked: list[Source], choices: Choices) -> tuple[dict[str, Believed], list[Dispute]]:
    said: dict[str, list[tuple[Source, ServiceClaim]]] = {}
    for source in ranked:
        for one in source.claims.services:
            said.setdefault(one.ref, []).append((source, one))
    found: dict[str, Believed] = {}
    disputes: list[Dispute] = []
    for ref, answers in said.items():
        running = _settle("running", ref, [_runs(*one) for one in answers], choices, disputes)
        owners = [_owner(*one) for one in answers if one[1].customer and (not one[1].ended or running == ENDED)]
        customer = _settle("customer", ref, owners, choices, disputes) if owners else ""
        found[ref] = Believed(answers[0][0].id, _joined([claim for _, claim in answers], customer, running))
    return found, disputes


def _runs(source: Source, claim: ServiceClaim) -> Said:
    return Said(source.id, source.name, ENDED if claim.ended else RUNS)


def _owner(source: Source, claim: ServiceClaim) -> Said:
    return Said(source.id, source.name, claim.customer)


def _joined(answers: list[ServiceClaim], customer: str, running: str) -> ServiceClaim:
    def first(name: str) -> str:
        return next((str(getattr(one, name)) for one in answers if getattr(one, name)), "")

    return ServiceClaim(
        answers[0].ref,
        customer,
        first("label"),
        first("type"),
        next((one.since for one in answers if one.since), None),
        next((one.until for one in answers if one.ended and one.until), None) if running == ENDED else None,
        running == ENDED,
    )


def _holdings(ranked: list[Source], choices: Choices) -> tuple[dict[str, Believed], dict[str, int], list[Dispute]]:
    said: dict[str, dict[int, list[HoldingClaim]]] = {}
    for source in ranked:
        for one in source.claims.holdings:
            said.setdefault(one.prefix, {}).setdefault(source.id, []).append(one)
    names = {one.id: one.name for one in ranked}
    found: dict[str, Believed] = {}
    unclear: dict[str, int] = {}
    disputes: list[Dispute] = []
    for prefix, answers in said.items():
        claims = [Said(of, names[of], one.service) for of, ones in answers.items() for one in ones]
        service = _settle("holder", prefix, claims, choices, disputes)
        if service:
            found[prefix] = next(
                Believed(of, one) for of, ones in answers.items() for one in ones if one.service == service
            )
        else:
            unclear[prefix] = claims[0].inventory
    return found, unclear, disputes


def _settle(fact: str, subject: str, claims: list[Said], choices: Choices, disputes: list[Dispute]) -> str:
    """The answer that holds; empty where the inventory that is believed gives two. Disputes grow by this one."""
    if len({one.value for one in claims}) == 1:
        return claims[0].value
    choice = choices.get((fact, subject))
    if choice is not None and sorted(choice.claims) == sorted(claims):
        disputes.append(Dispute(fact, subject, tuple(claims), choice.value, "a person chose it", chosen=True))
        return choice.value
    first = claims[0]
    if any(one.inventory == first.inventory and one.value != first.value for one in claims):
        reason = f"{first.name} says both; whoever held it before keeps it"
        disputes.append(Dispute(fact, subject, tuple(claims), "", reason))
        return ""
    disputes.append(Dispute(fact, subject, tuple(claims), first.value, f"{first.name} is believed first"))
    return first.value
