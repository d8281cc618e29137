"""`policy diff`: each difference said in words under its clause, and none left out."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from abusedesk.cli.policy import run
from abusedesk.policy.author import wording
from abusedesk.policy.author.diff import as_of, diff
from abusedesk.policy.author.diff_rules import _FIELDS
from abusedesk.policy.condition import Condition
from abusedesk.policy.pack import PACKS, Content, Pack, load_pack
from abusedesk.policy.rule import Order, OrderMeasure, Rule

# ---------- in words ----------

SAID = [
    (
        "reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}",
        "reply_period: {clause: 8.b, values: {2022-06-07: PT4H}}",
        "8.b: the reply period is 4 hours instead of 6 hours",
    ),
    (
        'spam_fine: {clause: "3", values: {2022-06-07: "20.00"}}',
        'spam_fine: {clause: "3", values: {2022-06-07: "20.00", 2027-01-01: "30.00"}}',
        "3: the spam fine is 30.00 USD instead of 20.00 USD from 2027-01-01",
    ),
    (
        'spam_fine: {clause: "3"',
        'spam_fine: {clause: "1"',
        "1: the spam fine rests on 1 instead of 3",
    ),
    ("spam: P365D", "spam: never", "0.limitation: the limitation of spam is for ever instead of 365 days"),
    (
        '"spam"\n    then: [{measure: suspend}]',
        '"spam"\n    then: [{measure: suspend, mode: proposed}]',
        "3: the rule 'spam-suspends' now only proposes the suspension",
    ),
    (
        "refund: false, mode: proposed}]",
        "refund: false}]",
        "9: the rule 'third-strike' now orders the termination without refund by itself, "
        "and no longer only proposes it",
    ),
    (
        "{charge: fine, amount: spam_fine, each: ip}",
        "{charge: fine, amount: spam_fine, each: occurrence}",
        "3: the rule 'spam-fine' now charges the spam fine as fine once for each occurrence instead of: "
        "charges the spam fine as fine for each address",
    ),
    (
        "when: strikes >= strikes_to_terminate\n",
        "when: strikes > strikes_to_terminate\n",
        "9: the rule 'third-strike' now acts if `strikes > strikes_to_terminate` instead of "
        "`strikes >= strikes_to_terminate`",
    ),
    (
        "within 6 hours.",
        "within 4 hours.",
        "8.b: the text reads otherwise: … and reply to the work order within [-6-]{+4+} hours.",
    ),
    (
        "choice: From the charge",
        "choice: From the notice",
        "8.d: “From when do the 24 hours run?” is read: From the notice; instead of: From the charge",
    ),
    (
        "categories: [content/phishing, content/fraud]",
        "categories: [content/phishing, content/malware]",
        "4: the abuse type 'fraud' gains content/malware and loses content/fraud",
    ),
    (
        "counting: {acts_on: authenticated",
        "counting: {acts_on: corroborated",
        "0.track: an occurrence counts once it is corroborated instead of authenticated",
    ),
    ("currency: USD", "currency: EUR", "the currency is EUR instead of USD"),
    (
        "up_to: chain_period}",
        "below: chain_period}",
        "8.c: the threshold 'within chain' is met if since first notice is less than the chain period, "
        "instead of since first notice is at most the chain period",
    ),
    ("- id: agent-informed", "- id: agent-told", "10: the rule 'agent-informed' is now called 'agent-told'"),
    (
        "    title: Infringement\n",
        "    title: Infringement\n    informative: true\n",
        "2: the clause is now informative, nothing acts by it",
    ),
    (
        'clause: "11"}\n',
        'clause: "11"}\n  - {id: "2027", from: 2027-01-01, clause: "11"}\n',
        "11: a new version '2027', in force from 2027-01-01",
    ),
]


def _changed(folder: Path, before: str, after: str) -> Pack:
    shutil.copytree(PACKS / "jimcloud", folder / "changed")
    path = folder / "changed/pack.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after, 1), encoding="utf-8")
    return load_pack(str(folder / "changed"))


@pytest.mark.parametrize(("before", "after", "said"), SAID)
def test_a_change_is_one_sentence_under_its_clause(before: str, after: str, said: str, tmp_path: Path) -> None:
    assert [str(one) for one in diff(load_pack("jimcloud"), _changed(tmp_path, before, after))] == [said]


def test_a_new_rule_says_when_and_what(tmp_path: Path) -> None:
    rule = """\
  - id: kept-attack
    clause: 1.b
    says: A third attack closes the mail port.
    on: strike
    when: strikes_of_type >= 3
    then: [{measure: block_port, port: 25}]
"""
    changed = _changed(tmp_path, "  - id: spam-suspends\n", f"{rule}  - id: spam-suspends\n")
    assert [str(one) for one in diff(load_pack("jimcloud"), changed)] == [
        "1.b: a new rule 'kept-attack': A third attack closes the mail port. It is weighed when an occurrence becomes "
        "a strike, if `strikes_of_type >= 3`, and orders the block of a port 25."
    ]


def test_a_notice_is_compared_by_language_under_the_clause_that_sends_it(tmp_path: Path) -> None:
    changed = _changed(tmp_path, "", "")
    path = tmp_path / "changed/notices/zh-Hans/further_notice.txt"
    path.write_text(path.read_text(encoding="utf-8") + "\nEnde\n", encoding="utf-8")
    load_pack.cache_clear()
    [change] = diff(changed, load_pack(str(tmp_path / "changed")))
    assert change.clause == "jimcloud:8.c"
    assert change.text.startswith("the notice 'further_notice' in zh-Hans reads otherwise: ")
    assert change.text.endswith("{+ ⏎ Ende ⏎ +}")


def test_rules_that_overtake_each_other_are_told_by_the_fewest_moves() -> None:
    pack = load_pack("jimcloud")
    rules = list(pack.content.rules)
    place = next(place for place, (rule, _) in enumerate(rules) if rule.id == "first-attack")
    third = next(place for place, (rule, _) in enumerate(rules) if rule.id == "third-strike")
    rules.insert(third + 1, rules.pop(place))
    [change] = diff(pack, _with(pack, rules=tuple(rules)))
    assert change.text == "the rule 'first-attack' is weighed last when an occurrence becomes a strike"


def test_an_order_of_rules_that_changes_nothing_is_said_as_such() -> None:
    pack = load_pack("jimcloud")
    changed = _with(pack, rules=(*pack.content.rules[1:], pack.content.rules[0]))
    assert [one.text for one in diff(pack, changed)] == [
        "the rules stand in another order, and none is weighed earlier or later for it"
    ]


def test_where_a_thing_stands_in_the_file_is_no_difference(tmp_path: Path) -> None:
    assert diff(load_pack("jimcloud"), _changed(tmp_path, "pack: jimcloud", "# said again\n\npack: jimcloud")) == []


def test_two_packs_of_other_names_are_compared_by_short_ids(tmp_path: Path) -> None:
    assert [str(one) for one in diff(load_pack("jimcloud"), _changed(tmp_path, "pack: jimcloud", "pack: other"))] == [
        "the pack's name is other instead of jimcloud"
    ]


# ---------- at two dates ----------


def _dated(folder: Path) -> str:
    shutil.copytree(PACKS / "jimcloud", folder / "dated")
    path = folder / "dated/pack.yaml"
    text = path.read_text(encoding="utf-8")
    for before, after in (
        ('clause: "11"}\n', 'clause: "11"}\n  - {id: later, from: 2027-01-01, clause: "11"}\n'),
        ("8.b, values: {2022-06-07: PT6H}", "8.b, values: {2022-06-07: PT6H, 2027-01-01: PT4H}"),
        ("  - id: spam-no-unblock\n", "  - id: spam-no-unblock\n    versions: [later]\n"),
    ):
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")
    return str(folder / "dated")


def test_what_holds_at_two_dates_of_one_pack_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _dated(tmp_path)
    assert run(["diff", f"{folder}@2026-12-31", f"{folder}@2027-01-01"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "3: a new rule 'spam-no-unblock': An address complained of for spam is not unblocked. It is weighed for each "
        'report, once authenticated, if `abuse_type == "spam"`, and flags each address no unblock.',
        "8.b: the reply period is 4 hours instead of 6 hours",
        "11: in force is 'later', in force from 2027-01-01 instead of '2022-06-07', in force from 2022-06-07",
        "3 differences",
    ]


def test_at_one_date_a_pack_is_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "scalibit@2026-01-01", "scalibit@2027-01-01"]) == 0
    assert capsys.readouterr().out == "no difference in what they say\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jimcloud@2022-01-01", "jimcloud@2026-01-01"], "no version in force on 2022-01-01"),
        (["jimcloud@soon", "jimcloud"], "'soon' in 'jimcloud@soon' is no date"),
        (["jimcloud@2026-01-01", "jimcloud"], "only one side has a date"),
        (["jimcloud", "nowhere"], "there is no policy 'nowhere'"),
    ],
)
def test_what_cannot_be_compared_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", *words]) == 2
    assert said in capsys.readouterr().err


def test_scripts_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _changed(tmp_path, "within 6 hours.", "within 4 hours.")
    assert run(["diff", "jimcloud", str(tmp_path / "changed"), "--json"]) == 1
    given = json.loads(capsys.readouterr().out)
    [change] = given["changes"]
    assert (given["different"], change["clause"], change["kind"]) == (True, "jimcloud:8.b", "clause")
    assert [one for one in change["words"] if one["what"] != "same"] == [
        {"what": "gone", "text": "6"},
        {"what": "new", "text": "4"},
    ]


# ---------- nothing is left out ----------


def test_each_field_of_a_rule_is_compared() -> None:
    told_apart = {"id", "says", "line"}
    assert set(Rule.__struct_fields__) == set(_FIELDS) | told_apart


def _with(pack: Pack, **parts: Any) -> Pack:
    return Pack(replace(pack.content, **parts), pack.safeguards, pack.digest)


_KEYED = frozenset({"Clause.id", "Parameter.name", "Threshold.name", "AbuseType.name"})
"""Named by the key under which they stand."""


def _canonical(thing: Any, ordered: bool = False) -> Any:
    if isinstance(thing, Struct):
        return tuple(
            (name, _canonical(getattr(thing, name), ordered=name in {"clauses", "abuse_types", "breaches"}))
            for name in thing.__struct_fields__
            if name != "line"
        )
    if isinstance(thing, dict):
        pairs = [(repr(key), repr(_canonical(one))) for key, one in thing.items()]
        return tuple(pairs if ordered else sorted(pairs))
    if isinstance(thing, tuple):
        return tuple(_canonical(one) for one in thing)
    return thing.text if isinstance(thing, Condition) else sorted(thing) if isinstance(thing, frozenset) else thing


def _paths(thing: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of a content at which something can be changed; a pair only within."""
    if path[-2:-1] not in {("values",), ("rules",)}:
        yield path
    if isinstance(thing, Struct):
        for name in thing.__struct_fields__:
            if name != "line" and f"{type(thing).__name__}.{name}" not in _KEYED:
                yield from _paths(getattr(thing, name), (*path, name))
    elif isinstance(thing, dict):
        for key, one in thing.items():
            yield from _paths(one, (*path, key))
    elif isinstance(thing, tuple):
        for place, one in enumerate(thing):
            yield from _paths(one, (*path, place))


def _put(thing: Any, path: tuple[Any, ...], draw: Any, hint: Any = None) -> Any:
    """The content with what stands at a path changed."""
    if not path:
        return _mutated(thing, hint, draw)
    first, rest = path[0], path[1:]
    if isinstance(thing, Struct):
        kind = get_type_hints(type(thing))[first]
        return replace(thing, **{first: _put(getattr(thing, first), rest, draw, kind)})
    if isinstance(thing, dict):
        return {key: _put(one, rest, draw) if key == first else one for key, one in thing.items()}
    each = get_args(hint)[0] if get_origin(hint) is tuple else None
    return tuple(_put(one, rest, draw, each) if place == first else one for place, one in enumerate(thing))


def _words_of(hint: Any) -> list[str]:
    options = [hint, *get_args(hint)] if isinstance(hint, UnionType) or get_origin(hint) is not None else [hint]
    return [word for one in options if get_origin(one) is Literal for word in get_args(one)]


def _mutated(thing: Any, hint: Any, draw: Any) -> Any:
    others = [word for word in _words_of(hint) if word != thing]
    if others and isinstance(thing, str):
        return draw(st.sampled_from(others))
    change = next((change for kinds, change in _MUTATIONS if isinstance(thing, kinds)), None)
    return change(thing, draw) if change is not None else thing


def _rearranged(thing: Any, draw: Any) -> Any:
    listed = list(thing.items()) if isinstance(thing, dict) else list(thing)
    if len(listed) > 1:
        first, second = draw(st.integers(0, len(listed) - 1)), draw(st.integers(0, len(listed) - 1))
        if draw(st.booleans()):
            listed[first], listed[second] = listed[second], listed[first]
        else:
            del listed[first]
    return dict(listed) if isinstance(thing, dict) else tuple(listed)


_MUTATIONS: list[tuple[Any, Callable[[Any, Any], Any]]] = [
    (bool, lambda thing, draw: not thing),
    (int, lambda thing, draw: thing + draw(st.sampled_from([1, -1]))),
    (str, lambda thing, draw: thing + draw(st.sampled_from(["x", " ", "\n", "_"]))),
    ((timedelta, datetime), lambda thing, draw: thing + timedelta(seconds=draw(st.sampled_from([1, 3600, 86400])))),
    (Condition, lambda thing, draw: Condition(f"{thing.text} || true", thing.names, None)),
    (frozenset, lambda thing, draw: thing ^ {"some"}),
    ((dict, tuple), _rearranged),
]

PLACES = {name: list(_paths(load_pack(name).content))[1:] for name in ("jimcloud", "scalibit")}


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_there_is_a_difference_exactly_if_the_contents_differ(data: st.DataObject) -> None:
    pack = load_pack(data.draw(st.sampled_from(sorted(PLACES))))
    content: Content = pack.content
    for path in data.draw(st.lists(st.sampled_from(PLACES[pack.name]), max_size=3)):
        try:
            content = _put(content, path, data.draw)
        except (KeyError, AttributeError):  # an earlier change took this place away
            continue
    changes = diff(pack, Pack(content, pack.safeguards, ""))
    assert bool(changes) == (_canonical(content) != _canonical(pack.content)), content
    assert all(one.text for one in changes)


def _order_types() -> list[type[Struct]]:
    return [one for one in get_args(Order) if one.__struct_fields__]


@pytest.mark.parametrize("kind", _order_types(), ids=lambda one: one.__name__)
def test_two_orders_that_differ_are_said_in_other_words(kind: type[Struct]) -> None:
    hints = get_type_hints(kind)
    samples = {name: _samples(hint) for name, hint in hints.items()}
    plain = kind(**{name: one[0] for name, one in samples.items()})
    for name, values in samples.items():
        said = {wording.order(replace(plain, **{name: one})) for one in values}
        assert len(said) == len(values), name


def _samples(hint: Any) -> list[Any]:
    if _words_of(hint):
        plain: list[Any] = list(_words_of(hint))
        return plain if get_origin(hint) is not tuple else [(one,) for one in plain]
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    by_type = {bool: [True, False], int: [25, 80], str: ["one", "other"], type(None): [None]}
    if get_origin(hint) is tuple:
        return [("ticket",), ("email", "ticket")]
    return [value for one in options for value in by_type[one]]


# ---------- durations ----------


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(hours=6), "6 hours"),
        (timedelta(days=1), "24 hours"),
        (timedelta(hours=30), "1 day 6 hours"),
        (timedelta(days=365), "365 days"),
        (timedelta(seconds=61), "1 minute 1 second"),
        (timedelta(), "0 seconds"),
        (None, "for ever"),
    ],
)
def test_a_duration_in_words(length: timedelta | None, said: str) -> None:
    assert wording.duration(length) == said


def test_a_date_keeps_one_version() -> None:
    held = as_of(load_pack("jimcloud"), datetime(2026, 1, 1, tzinfo=UTC))
    assert [one.id for one in held.versions] == ["2022-06-07"]
    assert OrderMeasure("suspend") in [order for rule in held.rules for order in rule.orders]
