"""Reads a pack's files into `Content`, and refuses with file, line and column whatever a policy author got wrong."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple, TypeVar, cast

from abusedesk.policy import meant
from abusedesk.policy.condition import Condition, Refused, compile_condition
from abusedesk.policy.known_facts import DURATIONS, FACTS, THRESHOLD, declared_at
from abusedesk.policy.pack import (
    NEVER,
    SAFEGUARD,
    SAFEGUARDS,
    AbuseType,
    Clause,
    Content,
    Counting,
    Holidays,
    Interpretation,
    Parameter,
    ParameterKind,
    Threshold,
    Value,
    Version,
    notices,
    parameter_facts,
    parse_lapse,
    parse_value,
    placed,
)
from abusedesk.policy.pack_orders import read_order
from abusedesk.policy.rule import BREACH, KINDED, OF, Moment, Rule
from abusedesk.policy.source import Fault, Faults, Node, nearest, read_yaml
from abusedesk.problem import Problem
from abusedesk.vocabulary.assurance import ASSURANCES, Assurance
from abusedesk.vocabulary.instant import parse_instant
from abusedesk.vocabulary.measure import MEASURES
from abusedesk.vocabulary.request import REQUESTS

_REQUIRED = ("pack", "title", "currency", "versions", "counting", "clauses", "parameters", "abuse_types", "rules")
_OPTIONAL = ("languages", "thresholds", "interpretations", "service_types", "holidays")
_OF_PARAMETERS = ("thresholds", "rules", "interpretations")
_OF_CLAUSES = ("parameters", *_OF_PARAMETERS, "versions", "counting", "abuse_types", "holidays")
_NEEDED_PARAMETERS = ("limitation", "occurrence_window")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NAMES_ARE = "lower case letters, digits, - and _"
_CURRENCIES_ARE = "three capital letters such as USD"
_AMOUNT = re.compile(r"\d+\.\d\d")
_MOMENTS: tuple[str, ...] = Moment.__args__  # type: ignore[attr-defined]
OPERATOR = "operator"

T = TypeVar("T")


def read_pack(files: Mapping[str, bytes], origin: str, safeguards: frozenset[str]) -> Content:
    """The content of a pack's files.

    Raises Unfit, a Problem that reads as the first fault and holds all that could be found at once, each with its
    place in `origin`.
    """
    faults = Faults()
    root = read_yaml(_text_of(files, "pack.yaml", origin), placed("pack.yaml", origin), faults)
    parts = _Parts(root, faults)
    name = parts.read("pack", lambda node: _matching(node, "the pack's name", _NAME, _NAMES_ARE), "")
    reader = _Reader(name, parts.names("clauses"), safeguards, faults)
    clauses: dict[str, Clause] = parts.read("clauses", lambda node: _clauses(node, f"{name}:", faults), {})
    if faults and not parts.names("clauses"):
        parts.leave(*_OF_CLAUSES)
    parameters: dict[str, Parameter] = parts.read("parameters", reader.parameters, {})
    if faults and not parts.names("parameters"):
        parts.leave(*_OF_PARAMETERS)
    thresholds: dict[str, Threshold] = parts.read("thresholds", lambda node: reader.thresholds(node, parameters), {})
    versions: tuple[Version, ...] = parts.read("versions", reader.versions, ())
    templates = _templates(files, origin, faults)
    known = _Known(parameters, thresholds, versions, {template for _, template in templates})
    content = Content(
        name=name,
        title=parts.read("title", lambda node: node.text("title"), ""),
        currency=parts.read("currency", lambda node: _matching(node, "the currency", _CURRENCY, _CURRENCIES_ARE), ""),
        languages=parts.read("languages", lambda node: _texts(node, "languages"), ("en",)),
        versions=versions,
        counting=parts.read("counting", reader.counting, Counting("unverified", "")),
        clauses=clauses,
        parameters=parameters,
        thresholds=thresholds,
        abuse_types=parts.read("abuse_types", reader.abuse_types, {}),
        rules=parts.read("rules", lambda node: reader.rules(node, known), ()),
        interpretations=parts.read("interpretations", lambda node: reader.interpretations(node, parameters), ()),
        service_types=parts.read("service_types", lambda node: _texts(node, "service_types"), ()),
        templates=templates,
        holidays=parts.read("holidays", reader.holidays, Holidays()),
    )
    if faults:
        raise faults.unfit()
    return content


class _Parts:
    """The top level of a pack: unknown and missing keys are faults, and each part is read for itself."""

    def __init__(self, root: Node, faults: Faults) -> None:
        self._mapping = root.mapping("the pack")
        self._faults = faults
        for key in self._mapping:
            faults.tried(partial(root.known_key, "the pack", key, (*_REQUIRED, *_OPTIONAL)), None)
        for key in _REQUIRED:
            faults.tried(partial(root.needed_key, "the pack", key), None)

    def read(self, key: str, read: Callable[[Node], T], default: T) -> T:
        """A part, or the default where it is missing or faulty."""
        if key not in self._mapping:
            return default
        return self._faults.tried(lambda: read(self._mapping[key]), default)

    def leave(self, *keys: str) -> None:
        """Leaves parts unread that name what is missing: each name in them would only say so again."""
        self._mapping = {key: node for key, node in self._mapping.items() if key not in keys}

    def names(self, key: str) -> tuple[str, ...]:
        """The names that a part defines, faulty ones included."""
        node = self._mapping.get(key)
        return tuple(node.value) if node is not None and isinstance(node.value, dict) else ()


def read_safeguards(data: bytes, origin: str) -> dict[str, Clause]:
    """The product's own safeguards by full id."""
    root = read_yaml(_text_of({SAFEGUARDS: data}, SAFEGUARDS, origin), placed(SAFEGUARDS, origin))
    faults = Faults()
    clauses = _clauses(root, SAFEGUARD, faults)
    if faults:
        raise faults.unfit()
    return clauses


def _text_of(files: Mapping[str, bytes], name: str, origin: str) -> str:
    place = placed(name, origin)
    if name not in files:
        raise Problem(f"{place} is missing; a pack begins with it")
    try:
        return files[name].decode()
    except UnicodeDecodeError as error:
        line = files[name][: error.start].count(b"\n") + 1
        raise Fault(place, line, 1, f"{place} cannot be read: {error}; save it as a UTF-8 text file") from None


def _templates(files: Mapping[str, bytes], origin: str, faults: Faults) -> dict[tuple[str, str], str]:
    """The notice templates by language and name."""
    paths = [PurePosixPath(name) for name in notices(files)]
    return {
        (path.parent.name, path.stem): faults.tried(partial(_text_of, files, str(path), origin), "") for path in paths
    }


def _clauses(node: Node, prefix: str, faults: Faults) -> dict[str, Clause]:
    """The clauses by full id, which is the prefix and the short one."""
    found = faults.each(node.mapping("clauses"), lambda short, one: _clause(short, one, prefix))
    return {one.id: one for one in found.values()}


def _clause(short: str, node: Node, prefix: str) -> Clause:
    keys = node.known_keys(f"the clause {short!r}", (), ("title", "titles", "text", "texts", "informative"))
    title, titles = _worded(node, keys, short, "title")
    text, texts = _worded(node, keys, short, "text")
    informative = "informative" in keys and keys["informative"].truth("informative")
    return Clause(f"{prefix}{short}", title, text, informative, texts, titles)


def _worded(node: Node, keys: Mapping[str, Node], short: str, key: str) -> tuple[str, tuple[tuple[datetime, str], ...]]:
    """A clause's title or text as it is in the end, and all of them by date, where they are dated."""
    dated = f"{key}s"
    if dated not in keys:
        node.needed_key(f"the clause {short!r}", key)
        return _one_text(keys[key], key), ()
    if key in keys:
        node.refuse(f"the clause {short!r} has both a {key} and {dated} by date; keep one")
    said = tuple((since, one.text(f"a {key}")) for since, one in _dated(keys[dated], dated))
    return said[-1][1], said


def _one_text(node: Node, key: str) -> str:
    if isinstance(node.value, dict):
        node.refuse(f"{key} is one wording; several by their dates stand under `{key}s`")
    return node.text(key)


def _matching(node: Node, what: str, form: re.Pattern[str], meaning: str) -> str:
    text = node.text(what)
    if not form.fullmatch(text):
        node.refuse(f"{what} {text!r} must be {meaning}")
    return text


def _texts(node: Node | None, what: str) -> tuple[str, ...]:
    return tuple(one.text(what) for one in node.items(what)) if node is not None else ()


class _Known(NamedTuple):
    """What rules may refer to."""

    parameters: Mapping[str, Parameter]
    thresholds: Mapping[str, Threshold]
    versions: tuple[Version, ...]
    templates: set[str]


class _Reader:
    """Reads the parts of one pack that speak of its clauses. `clauses` are their short ids."""

    def __init__(self, pack: str, clauses: tuple[str, ...], safeguards: frozenset[str], faults: Faults) -> None:
        self.pack = pack
        self.clauses = clauses
        self.safeguards = safeguards
        self.faults = faults

    def clause(self, node: Node) -> str:
        """A clause's full id, of the pack or of the product's safeguards."""
        word = node.text("a clause")
        if word in self.safeguards or word in self.clauses:
            return word if word in self.safeguards else f"{self.pack}:{word}"
        listed = meant.listed(word, self.clauses)
        known = self.safeguards if word.startswith(SAFEGUARD[:4]) else self.clauses
        return node.refuse(f"there is no clause {word!r}{listed or nearest(word, known)}")

    def counting(self, node: Node) -> Counting:
        keys = node.known_keys("counting", ("acts_on", "clause"))
        acts_on = keys["acts_on"].one_of("an assurance", ASSURANCES)
        return Counting(cast("Assurance", acts_on), self.clause(keys["clause"]))

    def versions(self, node: Node) -> tuple[Version, ...]:
        versions: list[Version] = []
        for one in node.items("versions"):
            self.faults.tried(partial(self._version, one, versions), None, _id_of(one))
        if not node.value:
            node.refuse("a pack has at least one version")
        return tuple(versions)

    def _version(self, node: Node, earlier: list[Version]) -> None:
        """Adds a version to the earlier ones."""
        keys = node.known_keys("a version", ("id", "from", "clause"))
        since = None if keys["from"].value == OPERATOR else _instant(keys["from"])
        if earlier and (since is None or (earlier[-1].since is not None and since <= earlier[-1].since)):
            keys["from"].refuse("versions must follow each other in time; put the earlier one first")
        earlier.append(Version(keys["id"].text("a version's id"), since, self.clause(keys["clause"])))

    def holidays(self, node: Node) -> Holidays:
        node.mapping("holidays", '{clause: "3", days: [2026-12-25]}')
        keys = node.known_keys("holidays", ("clause", "days"))
        days: list[date] = []
        for one in keys["days"].items("days"):
            self.faults.tried(partial(self._holiday, one, days), None)
        if not keys["days"].value:
            keys["days"].refuse("the list of holidays is empty; name at least one day, or remove it")
        return Holidays(self.clause(keys["clause"]), tuple(days))

    def _holiday(self, node: Node, earlier: list[date]) -> None:
        """Adds a day to the earlier ones."""
        try:
            day = date.fromisoformat(str(node.value))
        except ValueError:
            node.refuse(f"{str(node.value)!r} is no date; write 2026-12-25")
        if earlier and day <= earlier[-1]:
            node.refuse(f"{day} must come after {earlier[-1]}; list each holiday once, the earlier first")
        earlier.append(day)

    def parameters(self, node: Node) -> dict[str, Parameter]:
        parameters = self.faults.each(node.mapping("parameters"), self._parameter)
        for name in _NEEDED_PARAMETERS:
            if name not in node.value:
                text = f"the parameter {name!r} is missing; every pack must say it"
                self.faults.tried(partial(node.refuse, text), None)
        return parameters

    def _parameter(self, name: str, node: Node) -> Parameter:
        keys = node.known_keys(f"the parameter {name!r}", ("clause",), ("value", "values"))
        if ("value" in keys) == ("values" in keys):
            node.refuse(f"the parameter {name!r} needs either a value or values by date")
        dated: list[tuple[datetime | None, Node]] = (
            [(None, keys["value"])] if "value" in keys else [*_dated(keys["values"])]
        )
        kind = _kind(dated[0][1])
        values = tuple((since, _value(kind, one)) for since, one in dated)
        return Parameter(name, self.clause(keys["clause"]), kind, values)

    def thresholds(self, node: Node, parameters: Mapping[str, Parameter]) -> dict[str, Threshold]:
        named = node.mapping("thresholds")
        return self.faults.each(named, lambda name, one: self._threshold(name, one, parameters))

    def _threshold(self, name: str, node: Node, parameters: Mapping[str, Parameter]) -> Threshold:
        keys = node.known_keys(f"the threshold {name!r}", ("fact",), ("below", "up_to"))
        if ("below" in keys) == ("up_to" in keys):
            node.refuse(f"the threshold {name!r} needs either below or up_to")
        bound = "below" if "below" in keys else "up_to"
        durations = [key for key, parameter in parameters.items() if parameter.kind == "duration"]
        parameter = keys[bound].one_of("a duration among the parameters", durations)
        fact = keys["fact"].one_of("a duration", DURATIONS)
        return Threshold(name, fact, bound, parameter)  # type: ignore[arg-type]

    def abuse_types(self, node: Node) -> dict[str, AbuseType]:
        types = self.faults.each(node.mapping("abuse_types"), self._abuse_type)
        if len(types) == len(node.value) and not any("*" in one.categories for one in types.values()):
            node.refuse('no abuse type takes what fits no other; give the last one the categories ["*"]')
        return types

    def _abuse_type(self, name: str, node: Node) -> AbuseType:
        keys = node.known_keys(f"the abuse type {name!r}", ("categories",), ("breaches", "remediation"))
        categories = _texts(keys["categories"], "categories")
        asked_in = "{en: Stop the attack.}"
        remediation = keys["remediation"].mapping("remediation", asked_in) if "remediation" in keys else {}
        asked = {language: one.text("a remediation") for language, one in remediation.items()}
        return AbuseType(name, categories, self._breaches(keys.get("breaches")), asked)

    def _breaches(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return {}
        if isinstance(node.value, dict):
            return {pattern: self.clause(one) for pattern, one in node.value.items()}
        return {"*": self.clause(node)}

    def interpretations(self, node: Node, parameters: Mapping[str, Parameter]) -> tuple[Interpretation, ...]:
        listed = node.items("interpretations")
        return tuple(self.faults.listed(listed, lambda one: self._interpretation(one, parameters)))

    def _interpretation(self, node: Node, parameters: Mapping[str, Parameter]) -> Interpretation:
        keys = node.known_keys("an interpretation", ("clause", "question", "choice", "alternatives"), ("parameter",))
        parameter = keys["parameter"].one_of("the parameter", parameters) if "parameter" in keys else None
        return Interpretation(
            self.clause(keys["clause"]),
            keys["question"].text("a question"),
            keys["choice"].text("a choice"),
            _texts(keys["alternatives"], "an alternative"),
            parameter,
        )

    def rules(self, node: Node, known: _Known) -> tuple[tuple[Rule, frozenset[str]], ...]:
        seen: dict[str, int] = {}
        return tuple(self.faults.listed(node.items("rules"), lambda one: self._another(one, known, seen)))

    def _another(self, node: Node, known: _Known, seen: dict[str, int]) -> tuple[Rule, frozenset[str]]:
        """A rule whose id is not among those seen, to which it is added."""
        rule = self._rule(node, known)
        if rule.id in seen:
            node.refuse(f"there is a rule {rule.id!r} already, in line {seen[rule.id]}; give this one another id")
        seen[rule.id] = node.line
        return rule, frozenset(_version_ids(node.value.get("versions"), known.versions))

    def _rule(self, node: Node, known: _Known) -> Rule:
        optional = ("kind", "when", "needs", "below", "versions")
        keys = node.known_keys("a rule", ("id", "clause", "says", "on", "then"), optional)
        moment = cast("Moment", keys["on"].one_of("the moment", _MOMENTS))
        clauses = self._rule_clauses(keys["clause"])
        orders = self.faults.listed(
            _orders(keys["then"]),
            lambda one: read_order(one, moment, known.parameters, known.templates, self.clause),
        )
        return Rule(
            id=keys["id"].text("a rule's id"),
            clauses=clauses,
            says=keys["says"].text("says"),
            on=moment,
            orders=tuple(orders),
            kind=_rule_kind(node, keys, moment),
            condition=_condition(keys.get("when"), moment, known.parameters, known.thresholds),
            needs=_assurance(keys.get("needs"), "unverified"),
            below=_assurance(keys["below"], "unverified") if "below" in keys else None,
            line=node.line,
        )

    def _rule_clauses(self, node: Node) -> tuple[str, ...]:
        listed = node.value if isinstance(node.value, list) else [node]
        if not listed:
            node.refuse("a rule names at least one clause")
        clauses = tuple(self._rule_clause(one) for one in listed)
        if clauses[0] == BREACH:
            node.refuse("the first clause is the one that bears the rule; put breach after it")
        return clauses

    def _rule_clause(self, node: Node) -> str:
        word = node.value
        if word == BREACH:
            return BREACH
        if isinstance(word, str) and word.startswith(OF):
            if word.removeprefix(OF) not in MEASURES:
                node.refuse(f"{word!r} names no measure{nearest(word.removeprefix(OF), MEASURES)}")
            return word
        return self.clause(node)


def _id_of(node: Node) -> str:
    """The id that a node gives itself, if it does."""
    known = node.value.get("id") if isinstance(node.value, dict) else None
    return str(known.raw) if known is not None else ""


def _orders(node: Node) -> list[Node]:
    if not isinstance(node.value, list):
        node.refuse("then must be a list of orders, as in [{strike: true}]")
    orders = node.items("then")
    if not orders:
        node.refuse("a rule orders at least one thing")
    return orders


def _rule_kind(node: Node, keys: Mapping[str, Node], moment: str) -> str | None:
    if moment in KINDED and "kind" not in keys:
        node.refuse(f"a rule on {moment} lacks the key 'kind'; add {_kinds_of(moment)}")
    if moment not in KINDED and "kind" in keys:
        keys["kind"].refuse(f"a rule on {moment} has no kinds; remove the key")
    return keys["kind"].text("kind") if "kind" in keys else None


def _kinds_of(moment: str) -> str:
    return "`kind: reply` or `kind: payment`" if moment == "missed" else f"what is asked, as in `kind: {REQUESTS[0]}`"


def _assurance(node: Node | None, default: Assurance) -> Assurance:
    return cast("Assurance", node.one_of("an assurance", ASSURANCES)) if node is not None else default


def _version_ids(node: Node | None, versions: tuple[Version, ...]) -> list[str]:
    known = [one.id for one in versions]
    return [one.one_of("a version", known) for one in node.items("versions")] if node is not None else []


def _condition(
    node: Node | None, moment: Moment, parameters: Mapping[str, Parameter], thresholds: Mapping[str, Threshold]
) -> Condition | None:
    if node is None:
        return None
    facts = {**declared_at(moment), **parameter_facts(parameters), **dict.fromkeys(thresholds, THRESHOLD)}
    try:
        return compile_condition(node.text("a condition"), facts)
    except Refused as error:
        node.refuse(_elsewhere(error.word, moment, parameters) or str(error), error.word)


def _elsewhere(word: str | None, moment: Moment, parameters: Mapping[str, Parameter]) -> str:
    """Where a name is known that is no fact at a rule's moment; empty for one that nobody knows."""
    if word is not None and word in FACTS:
        return f"{word!r} is known on {', '.join(FACTS[word].moments)} alone, not on {moment}; leave it out"
    known = parameters.get(word or "")
    return f"{word!r} is of the kind {known.kind}; conditions name counts, facts and thresholds alone" if known else ""


def _instant(node: Node) -> datetime:
    text = str(node.value)
    try:
        return parse_instant(text) if "T" in text else datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        node.refuse(f"{text!r} is no date; write 2026-01-31 or 2026-01-31T00:00:00Z")


def _dated(node: Node, what: str = "values") -> list[tuple[datetime, Node]]:
    dated: list[tuple[datetime, Node]] = []
    for text, one in node.mapping(what).items():
        key = node.keys[text]
        since = _instant(key)
        if dated and dated[-1][0] >= since:
            key.refuse(f"{what} must follow each other in time; put the earlier one first")
        dated.append((since, one))
    if not dated:
        node.refuse(f"{what} must name at least one date")
    return dated


def _kind(node: Node) -> ParameterKind:
    value = node.value
    if isinstance(value, dict):
        return "durations"
    if isinstance(value, int) and not isinstance(value, bool):
        return "count"
    text = node.text("a value")
    if text.startswith("P") or text == NEVER:
        return "duration"
    if _AMOUNT.fullmatch(text):
        return "amount"
    return node.refuse(
        f'{text!r} is no whole number, no duration such as PT6H and no amount such as "20.00"{meant.value(text)}'
    )


def _value(kind: ParameterKind, node: Node) -> Value:
    if _kind(node) != kind:
        node.refuse(f"{node.raw!r} is no {kind}; all values of a parameter are of one kind")
    if kind == "durations":
        return {name: _lapse(one) for name, one in node.value.items()}
    try:
        return parse_value(kind, node.value)
    except ValueError as error:
        node.refuse(_no_value(error, node))


def _lapse(node: Node) -> timedelta | None:
    """One of the durations by abuse type."""
    try:
        return parse_lapse(node.text("a duration"))
    except ValueError as error:
        node.refuse(_no_value(error, node))


def _no_value(error: ValueError, node: Node) -> str:
    return f"{error}; {meant.no_duration(node.raw)}" if "is no duration" in str(error) else str(error)
