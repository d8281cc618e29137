"""How far a report can be believed, lowest first."""

from typing import Literal, get_args

Assurance = Literal["unverified", "authenticated", "corroborated", "verified"]

ASSURANCES: tuple[Assurance, ...] = get_args(Assurance)

RANK: dict[str, int] = {name: rank for rank, name in enumerate(ASSURANCES)}


def reaches(assurance: str, needed: str) -> bool:
    """Whether an assurance is at least the one needed."""
    return RANK[assurance] >= RANK[needed]


def higher(one: Assurance, other: Assurance) -> Assurance:
    """The better of two assurances."""
    return one if RANK[one] >= RANK[other] else other
