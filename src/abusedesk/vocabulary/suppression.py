"""Suppressions: what an operator knows to be no abuse, and finding the one that covers an observation.

A suppression names any combination of a prefix, a service, a sender, a category and a port; all that it names must fit.
The rules lie in dictionaries by what they name, so that looking one up costs the same with ten of them as with ten
thousand.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import product
from typing import Literal, NamedTuple, get_args

Muffled = Literal["no_notice", "propose"]
"""How a report that the docket hears is held back: the customer is not told, or its measures are only proposed."""

Chosen = Literal["count_only", "no_notice", "propose"]
"""What becomes of a report that is covered; under `count_only` the docket never hears of it."""

MUFFLED: tuple[Muffled, ...] = get_args(Muffled)
CHOSEN: tuple[Chosen, ...] = get_args(Chosen)


class Suppression(NamedTuple):
    """One rule. What is None or empty does not matter; `until` is exclusive, None for no end.

    `sender` is an address, or a domain with all below it; `category` a pair, or a whole class as `connection/*`.
    """

    id: int
    name: str
    effect: Chosen
    brand: int | None = None
    prefix: IPv4Network | IPv6Network | None = None
    service: int | None = None
    sender: str = ""
    category: str = ""
    port: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def runs(self, at: datetime) -> bool:
        """Whether it holds at an instant of receipt."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    @property
    def narrowness(self) -> tuple[int, int, int]:
        """How narrow it is: by how much it names, then by the length of its prefix; of equals the older counts."""
        named = (self.prefix, self.service, self.sender or None, self.category or None, self.port, self.brand)
        exact = self.category != "" and not self.category.endswith("/*")
        of_sender = "@" in self.sender
        score = 4 * sum(one is not None for one in named) + exact + of_sender
        return score, self.prefix.prefixlen if self.prefix is not None else -1, -self.id


class Seen(NamedTuple):
    """What is looked at: one observation, who told of it, and about whom. `ports` are those that it names."""

    brand: int
    ip: str | None
    service: int | None
    senders: tuple[str, ...]
    category: str
    ports: tuple[int, ...]


class _Shape(NamedTuple):
    """Which of the five a rule names, the prefix by IP version and length."""

    prefix: tuple[int, int] | None
    service: bool
    sender: bool
    category: bool
    port: bool


_Key = tuple[int | None, int | None, str, str, int | None]


class Suppressions:
    """Rules that can be asked for the narrowest one that covers an observation."""

    def __init__(self, rules: Iterable[Suppression] = ()) -> None:
        self._shapes: dict[_Shape, dict[_Key, list[Suppression]]] = {}
        for rule in rules:
            found = self._shapes.setdefault(_shape(rule), {}).setdefault(_key(rule), [])
            found.append(rule)

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def covering(self, seen: Seen, at: datetime) -> Suppression | None:
        """The narrowest rule that holds at an instant and covers what was seen; None where none does."""
        found = (rule for shape, rules in self._shapes.items() for rule in _fitting(shape, rules, seen))
        running = (rule for rule in found if rule.brand in {None, seen.brand} and rule.runs(at))
        return max(running, key=lambda rule: rule.narrowness, default=None)


def within(sender: str) -> tuple[str, ...]:
    """A sender's address, its domain and every domain above, as a rule may name them."""
    address = sender.lower().strip("<> ")
    labels = address.rpartition("@")[2].split(".")
    domains = tuple(".".join(labels[index:]) for index in range(len(labels)))
    return (address, *domains) if "@" in address else domains


def _shape(rule: Suppression) -> _Shape:
    prefix = rule.prefix
    return _Shape(
        (prefix.version, prefix.max_prefixlen - prefix.prefixlen) if prefix is not None else None,
        rule.service is not None,
        bool(rule.sender),
        bool(rule.category),
        rule.port is not None,
    )


def _key(rule: Suppression) -> _Key:
    prefix = rule.prefix
    network = None
    if prefix is not None:
        network = int(prefix.network_address) >> (prefix.max_prefixlen - prefix.prefixlen)
    return network, rule.service, rule.sender.lower(), rule.category, rule.port


def _fitting(shape: _Shape, rules: dict[_Key, list[Suppression]], seen: Seen) -> Iterator[Suppression]:
    for key in product(
        _network(shape, seen),
        [seen.service] if shape.service else [None],
        _all_within(seen.senders) if shape.sender else [""],
        _categories(seen.category) if shape.category else [""],
        seen.ports if shape.port else [None],
    ):
        yield from rules.get(key, ())


def _network(shape: _Shape, seen: Seen) -> Sequence[int | None]:
    if shape.prefix is None:
        return [None]
    version, shift = shape.prefix
    ip = _address(seen.ip) if seen.ip is not None else None
    return [int(ip) >> shift] if ip is not None and ip.version == version else []


@lru_cache(maxsize=4096)
def _all_within(senders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for sender in senders for one in within(sender)))


@lru_cache(maxsize=256)
def _categories(category: str) -> tuple[str, str]:
    return category, f"{category.partition('/')[0]}/*"


@lru_cache(maxsize=65536)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
