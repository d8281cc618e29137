"""The reference of the pack format names all that there is."""

import inspect
import re
from datetime import timedelta
from pathlib import Path

import pytest

from abusedesk.policy import pack_reader
from abusedesk.policy.known_facts import DURATIONS, FACTS
from abusedesk.policy.notice import PLACEHOLDERS
from abusedesk.policy.pack import Parameter, load_pack
from abusedesk.policy.pack_orders import _READERS, _WITH_OCCURRENCE, _WITH_REPORT, read_order
from abusedesk.policy.pack_reader import _OPTIONAL, _REQUIRED
from abusedesk.policy.rule import Moment
from abusedesk.policy.source import read_yaml
from abusedesk.problem import Problem
from abusedesk.vocabulary.assurance import ASSURANCES
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.measure import MEASURES
from abusedesk.vocabulary.request import REQUESTS

MOMENTS: tuple[str, ...] = Moment.__args__

PAGE = (Path(__file__).parents[2] / "docs/reference/pack-format.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_explained(name: str) -> None:
    fact = FACTS[name]
    moments = ", ".join(f"`{one}`" for one in fact.moments) or "all"
    assert f"| `{name}` | {fact.type} | {moments} | {fact.meaning} |" in PAGE


@pytest.mark.parametrize("name", [*Moment.__args__, *DURATIONS])
def test_every_moment_and_duration_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("moment", Moment.__args__)
def test_the_facts_of_each_moment_are_listed(moment: str) -> None:
    own = ", ".join(f"`{name}`" for name, fact in FACTS.items() if moment in fact.moments)
    assert f"| `{moment}` | {own or 'no others'} |" in PAGE


@pytest.mark.parametrize("key", [*_REQUIRED, *_OPTIONAL])
def test_every_key_of_a_pack_is_explained(key: str) -> None:
    assert f"| `{key}` | {'yes' if key in _REQUIRED else 'no'} |" in _part("Top level")


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_every_category_is_listed(category: str) -> None:
    assert f"`{category}`" in _part("Abuse types")


@pytest.mark.parametrize("word", [*ASSURANCES, *REQUESTS, *MEASURES, *load_pack("jimcloud").safeguards])
def test_every_word_of_the_desk_is_named(word: str) -> None:
    assert f"`{word}`" in PAGE


READ_BY = {
    "Versions": r'known_keys\("a version", \(([^)]*)\)',
    "Clauses": r'known_keys\(f"the clause [^"]*", \(([^)]*)\), \(([^)]*)\)',
    "Parameters": r'known_keys\(f"the parameter [^"]*", \(([^)]*)\), \(([^)]*)\)',
    "Thresholds": r'known_keys\(f"the threshold [^"]*", \(([^)]*)\), \(([^)]*)\)',
    "Abuse types": r'known_keys\(f"the abuse type [^"]*", \(([^)]*)\), \(([^)]*)\)',
    "Rules": r'known_keys\("a rule", \(([^)]*)\)',
}


@pytest.mark.parametrize("heading", READ_BY)
def test_every_key_that_the_reader_knows_is_explained_under_its_heading(heading: str) -> None:
    match = re.search(READ_BY[heading], inspect.getsource(pack_reader))
    assert match is not None
    keys = re.findall(r'"(\w+)"', " ".join(match.groups()))
    assert keys
    text = re.sub(r"\s+", " ", _part(heading))
    assert [key for key in keys if not re.search(rf"`{key}\b|\b{key}[:`]", text)] == []


def _part(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("verb", _READERS)
def test_every_order_is_explained_with_its_keys(verb: str) -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith(f"| `{verb}: ")]
    required, optional, _ = _READERS[verb]
    assert [key for key in required if not any(f"**`{key}`**" in line for line in lines)] == []
    assert [key for key in optional if not any(re.search(rf"`{key}[`:]", line) for line in lines)] == []


SAMPLES = {
    "strike": "{strike: true}",
    "add_points": "{add_points: weight}",
    "notify": "{notify: customer, via: [email], template: told}",
    "deadline: reply": "{deadline: reply, within: period}",
    "deadline: payment": "{deadline: payment, within: period}",
    "shorten": "{shorten: reply, within: period}",
    "measure: suspend": "{measure: suspend}",
    "measure: null_route": "{measure: null_route}",
    "top_up": "{top_up: damages, at_least: price, per_event: price}",
    "add_to": "{add_to: fee}",
    "flag": "{flag: marked}",
    "review": "{review: reason}",
    "answer": "{answer: denied}",
    "lift": "{lift: [suspend]}",
    "process": "{process: all}",
    "drop_ground": '{drop_ground: suspend, of: "1"}',
    "mark": "{mark: mail_port}",
    "withdraw": "{withdraw: damages}",
    "record": "{record: upstream}",
}
CHARGES = {"ip": _WITH_REPORT, "occurrence": _WITH_OCCURRENCE, "request": ("request", "approved"), "time": MOMENTS}
PARAMETERS = {
    "period": Parameter("period", "1", "duration", ((None, timedelta(days=1)),)),
    "price": Parameter("price", "1", "amount", ((None, 100),)),
    "weight": Parameter("weight", "1", "count", ((None, 1),)),
}


def _taken(sample: str) -> tuple[str, ...]:
    """The moments at which an order may stand."""
    return tuple(moment for moment in MOMENTS if _readable(sample, moment))


def _readable(sample: str, moment: str) -> bool:
    try:
        read_order(read_yaml(sample, "sample"), moment, PARAMETERS, {"told"}, lambda node: node.text("a clause"))
    except Problem:
        return False
    return True


def test_each_kind_of_order_has_a_sample_here() -> None:
    assert {one.partition(":")[0] for one in SAMPLES} | {"charge"} == set(_READERS)


@pytest.mark.parametrize("order", SAMPLES)
def test_the_moments_at_which_an_order_may_stand_are_told(order: str) -> None:
    table = PAGE.partition("### Orders")[2].splitlines()
    line = next(line for line in table if line.startswith(f"| `{order}"))
    told = tuple(re.findall(r"`(\w+)`", line.split("|")[3]))
    assert set(told or MOMENTS) == set(_taken(SAMPLES[order]))


@pytest.mark.parametrize("each", CHARGES)
def test_the_moments_at_which_a_charge_may_be_made(each: str) -> None:
    assert set(_taken(f"{{charge: fee, amount: price, each: {each}}}")) == set(CHARGES[each])


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_every_placeholder_is_explained(name: str) -> None:
    assert f"`{{{name}}}`" in PAGE
