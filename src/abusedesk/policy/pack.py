"""A pack: one provider's policy as data, in dated versions.

`load_pack` gives a `Pack` by the name of one that comes with the product or by its folder, remembered for the life of
the process; `pack_from` makes one from the files themselves, wherever they are kept. A pack is never changed after it
was loaded.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from abusedesk.policy.condition import FactType
from abusedesk.policy.facts import Settings
from abusedesk.policy.rule import KINDED, AddCost, LiftMeasures, MakeCharge, Rule, TopUp
from abusedesk.problem import Problem
from abusedesk.vocabulary.assurance import Assurance
from abusedesk.vocabulary.category import matches
from abusedesk.vocabulary.duration import format_duration, parse_duration
from abusedesk.vocabulary.money import format_amount, parse_amount

PACKS = Path(__file__).parent.parent / "packs"
"""Where the packs that come with the product stand, and the product's own safeguards beside them."""

SAFEGUARDS = "safeguards.yaml"
SAFEGUARD = "safeguard:"
NEVER = "never"

ParameterKind = Literal["count", "duration", "amount", "durations"]
Value = int | timedelta | dict[str, timedelta | None]


class Clause(Struct, frozen=True):
    """A clause by its full id, with its title and the policy's own words.

    `title` and `text` are how it is called and worded in the end; `titles` and `texts` are all of them in order of
    their dates, where those are said.
    """

    id: str
    title: str
    text: str
    informative: bool = False
    texts: tuple[tuple[datetime, str], ...] = ()
    titles: tuple[tuple[datetime, str], ...] = ()

    @property
    def begins(self) -> datetime | None:
        """From when the policy says it; None is since ever."""
        return self.texts[0][0] if self.texts else None

    def said_at(self, moment: datetime | None) -> bool:
        """Whether the policy says it as of an instant; None is that of a version whose date the operator says."""
        return self.begins is None or moment is None or self.begins <= moment

    def at(self, moment: datetime | None) -> str:
        """Its words as of an instant; of an instant before the first, the first."""
        return _as_of(self.texts, self.text, moment)

    def title_at(self, moment: datetime | None) -> str:
        """What it is called as of an instant; of an instant before the first, the first."""
        return _as_of(self.titles, self.title, moment)

    def as_of(self, moment: datetime | None) -> "Clause":
        """The clause as it is called and worded as of an instant, and no longer dated."""
        if not self.texts and not self.titles:
            return self
        return replace(self, title=self.title_at(moment), text=self.at(moment), texts=(), titles=())


def _as_of(dated: tuple[tuple[datetime, str], ...], undated: str, moment: datetime | None) -> str:
    if not dated:
        return undated
    fitting = [said for since, said in dated if moment is not None and since <= moment]
    return fitting[-1] if fitting else dated[0][1]


class Version(Struct, frozen=True):
    """A version of the policy; `since` is None where the operator must say since when it is in force."""

    id: str
    since: datetime | None
    clause: str


class AbuseType(Struct, frozen=True):
    """A pack's grouping of categories, what it breaches by category, and what is asked of the customer by language."""

    name: str
    categories: tuple[str, ...]
    breaches: dict[str, str]
    remediation: dict[str, str]

    def breach(self, category: str) -> str | None:
        """The full id of the clause that a category of this type breaches, or None."""
        return next((clause for pattern, clause in self.breaches.items() if matches(category, pattern)), None)


class Parameter(Struct, frozen=True):
    """A dated value with its clause. `values` are in order of their dates; None is since ever."""

    name: str
    clause: str
    kind: ParameterKind
    values: tuple[tuple[datetime | None, Value], ...]

    def at(self, moment: datetime | None) -> Value:
        """The value as of an instant; of an instant before the first, the first."""
        fitting = [value for since, value in self.values if since is None or (moment is not None and since <= moment)]
        return fitting[-1] if fitting else self.values[0][1]


class Threshold(Struct, frozen=True):
    """A fact of true or false: whether a known duration is `below` or `up_to` the value of a parameter."""

    name: str
    fact: str
    bound: Literal["below", "up_to"]
    parameter: str


class Interpretation(Struct, frozen=True):
    """A question that the text leaves open, and how it is read here."""

    clause: str
    question: str
    choice: str
    alternatives: tuple[str, ...]
    parameter: str | None = None


class Counting(Struct, frozen=True):
    """The assurance on which the pack acts, and the clause that takes a strike back."""

    acts_on: Assurance
    clause: str


class Holidays(Struct, frozen=True):
    """The days (UTC) that are no business days though they are no weekend, in order, and the clause that says so."""

    clause: str = ""
    days: tuple[date, ...] = ()


class Content(Struct, frozen=True):
    """All that a pack folder says, checked."""

    name: str
    title: str
    currency: str
    languages: tuple[str, ...]
    versions: tuple[Version, ...]
    counting: Counting
    clauses: dict[str, Clause]
    parameters: dict[str, Parameter]
    thresholds: dict[str, Threshold]
    abuse_types: dict[str, AbuseType]
    rules: tuple[tuple[Rule, frozenset[str]], ...]
    interpretations: tuple[Interpretation, ...]
    service_types: tuple[str, ...]
    templates: dict[tuple[str, str], str]
    holidays: Holidays = Holidays()


class Terms:
    """What holds under one version and one operator's overrides: the rules by moment and the values of parameters."""

    __slots__ = (
        "_values",
        "agendas",
        "cited",
        "good_behaviour",
        "limitation",
        "rules",
        "thresholds",
        "used",
        "version",
        "window",
    )

    def __init__(self, content: Content, version: Version, overrides: Mapping[str, object]) -> None:
        self.version = version
        self._values = {name: one.at(version.since) for name, one in content.parameters.items()}
        for name, value in overrides.items():
            self._values[name] = _overridden(content, name, value, self._values)
        self.rules = _indexed(rule for rule, versions in content.rules if not versions or version.id in versions)
        self.thresholds = content.thresholds
        self.agendas: dict[tuple[str, str | None, str | None], Any] = {}
        self.cited: dict[str | tuple[str, str | None], tuple[str, ...]] = {}
        self.window = self.duration("occurrence_window")
        quiet = self._values.get("good_behaviour")
        self.good_behaviour = quiet if isinstance(quiet, timedelta) else None
        limitation = self._values["limitation"]
        self.limitation: dict[str, timedelta | None] = limitation if isinstance(limitation, dict) else {}
        self.used = {name: shown_value(one.kind, self._values[name]) for name, one in content.parameters.items()}

    def duration(self, name: str) -> timedelta:
        """A parameter that is a duration."""
        value = self._values[name]
        return value if isinstance(value, timedelta) else timedelta()

    def number(self, name: str) -> int:
        """A parameter that is a count, or an amount in minor units."""
        value = self._values[name]
        return value if isinstance(value, int) else 0

    def lapse(self, abuse_type: str) -> timedelta | None:
        """How long a strike of an abuse type counts; None for ever."""
        return self.limitation[abuse_type] if abuse_type in self.limitation else self.limitation.get("*")


class Pack:
    """A loaded pack. `digest` identifies its whole content, templates included.

    `files` are those that the digest covers; a pack made from another one, to try something, has none.
    """

    __slots__ = ("_breaches", "_terms", "_types", "content", "currency", "digest", "files", "name", "safeguards")

    def __init__(
        self, content: Content, safeguards: dict[str, Clause], digest: str, files: Mapping[str, bytes] | None = None
    ) -> None:
        self.content = content
        self.safeguards = safeguards
        self.digest = digest
        self.files = files or {}
        self.name = content.name
        self.currency = content.currency
        self._types: dict[str, AbuseType] = {}
        self._breaches: dict[str, str | None] = {}
        self._terms: dict[str | tuple[str, bytes], Terms] = {}

    @property
    def title(self) -> str:
        """The policy's name for people."""
        return self.content.title

    @property
    def versions(self) -> tuple[Version, ...]:
        """The versions, earliest first."""
        return self.content.versions

    @property
    def interpretations(self) -> tuple[Interpretation, ...]:
        """How open questions of the text are read."""
        return self.content.interpretations

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The dated values by name."""
        return self.content.parameters

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all versions, in order."""
        return tuple(rule for rule, _ in self.content.rules)

    @property
    def items(self) -> frozenset[str]:
        """The names of the charges that it makes, in any of its versions."""
        orders = [order for rule in self.rules for order in rule.orders]
        fees = {one.fee for one in orders if isinstance(one, LiftMeasures) and one.fee}
        return frozenset(fees | {one.item for one in orders if isinstance(one, MakeCharge | TopUp | AddCost)})

    @property
    def clauses(self) -> dict[str, Clause]:
        """The clauses by full id, without the safeguards."""
        return self.content.clauses

    def clause(self, clause_id: str) -> Clause:
        """A clause or safeguard by its full id; one that this pack no longer has answers with its id alone."""
        known = self.safeguards if clause_id.startswith(SAFEGUARD) else self.content.clauses
        return known.get(clause_id) or Clause(clause_id, clause_id, "")

    def clause_in(self, clause_id: str, version: Version | None) -> Clause:
        """The same as a version words it; as it is worded in the end where no version is given."""
        found = self.clause(clause_id)
        return found if version is None else found.as_of(version.since)

    def since(self, version: Version, settings: Settings) -> datetime | None:
        """From when a version is in force; the operator's date is that of the first version."""
        if settings.in_force_from is not None and version is self.content.versions[0]:
            return settings.in_force_from
        return version.since

    def version_at(self, instant: datetime, settings: Settings) -> Version | None:
        """The version in force at an instant, its first instant included; None where none was."""
        found, moved = None, settings.in_force_from
        for version in self.content.versions:
            since = version.since if moved is None else self.since(version, settings)
            if since is not None and since <= instant:
                found = version
        return found

    def version(self, version_id: str) -> Version:
        """A version by its id; the first one where the pack no longer has it."""
        return next((one for one in self.content.versions if one.id == version_id), self.content.versions[0])

    def terms(self, version: Version, settings: Settings) -> Terms:
        """What holds under a version and an operator's overrides. Raises Problem for an override that cannot be."""
        key: str | tuple[str, bytes] = version.id
        if settings.overrides:
            key = (version.id, msgspec.json.encode(settings.overrides, order="sorted"))
        terms = self._terms.get(key)
        if terms is None:
            terms = self._terms[key] = Terms(self.content, version, settings.overrides)
        return terms

    def abuse_type(self, category: str, version: Version | None = None) -> AbuseType:  # noqa: ARG002
        """The abuse type of a category: the first whose patterns fit. Types are the same in all versions so far."""
        found = self._types.get(category)
        if found is None:
            found = self._types[category] = self._find_type(category)
        return found

    def breach(self, category: str) -> str | None:
        """The full id of the clause that a category breaches, or None."""
        if category not in self._breaches:
            self._breaches[category] = self.abuse_type(category).breach(category)
        return self._breaches[category]

    def _find_type(self, category: str) -> AbuseType:
        types = self.content.abuse_types.values()
        return next(one for one in types if any(matches(category, pattern) for pattern in one.categories))


@lru_cache(maxsize=64)
def load_pack(name_or_path: str) -> Pack:
    """A pack by the name of one that comes with the product, or by the path of its folder or `pack.yaml`.

    Raises Problem with file, line and column for whatever is wrong with it.
    """
    folder = find_pack(name_or_path)
    return pack_from(pack_files(folder), str(folder))


def pack_from(files: Mapping[str, bytes], origin: str = "") -> Pack:
    """A pack from its files by their names in its folder: `pack.yaml`, `notices/en/complaint.txt`.

    Where `safeguards.yaml` is among them, as it is among those that are kept with a decision, it takes the place of
    today's and the digest is that of then. Raises Problem with file, line and column, the file's name after `origin`.
    """
    from abusedesk.policy.pack_reader import read_pack, read_safeguards  # noqa: PLC0415 - it needs the types above

    today = _safeguards_of_today()
    safeguards = read_safeguards(today, str(PACKS))
    if SAFEGUARDS in files:
        # A safeguard that came later keeps its title on pages about a pack of before.
        safeguards |= read_safeguards(files[SAFEGUARDS], origin)
    content = read_pack(files, origin, frozenset(safeguards))
    own = deciding_files({SAFEGUARDS: today, **files})
    return Pack(content, safeguards, _digest(own), own)


def pack_files(folder: Path) -> dict[str, bytes]:
    """The files of a pack's folder by their names in it: `pack.yaml`, notices and cases, and nothing else.

    Raises Problem for one that cannot be read.
    """
    found = [folder / "pack.yaml", *folder.glob("notices/*/*.txt"), *folder.glob("cases/*.yaml")]
    try:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}
    except OSError as error:
        raise Problem(f"{error.filename} cannot be read: {error.strerror}; give a UTF-8 text file") from None


def deciding_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that make a pack's digest: itself, its notices, and the safeguards that hold with it; no cases."""
    safeguards = files[SAFEGUARDS] if SAFEGUARDS in files else _safeguards_of_today()
    return {SAFEGUARDS: safeguards, **{name: files[name] for name in ("pack.yaml", *notices(files)) if name in files}}


def notices(files: Iterable[str]) -> list[str]:
    """The names of notice templates, `notices/<language>/<template>.txt`, by language."""
    paths = sorted(PurePosixPath(name) for name in files)
    return [str(one) for one in paths if one.match("notices/*/*.txt") and len(one.parts) == 3]


def placed(name: str, origin: str) -> str:
    """A file's name as an error gives it."""
    return f"{origin}/{name}" if origin else name


def _safeguards_of_today() -> bytes:
    return (PACKS / SAFEGUARDS).read_bytes()


def find_pack(name_or_path: str) -> Path:
    """The folder of a pack. Raises Problem where there is none, with the names that there are."""
    own = PACKS / name_or_path
    if "/" not in name_or_path and (own / "pack.yaml").is_file():
        return own
    path = Path(name_or_path)
    folder = path.parent if path.name == "pack.yaml" else path
    if (folder / "pack.yaml").is_file():
        return folder
    if folder.is_dir():
        raise Problem(f"the folder {name_or_path} has no pack.yaml; begin one with abusedesk policy copy")
    if path.is_file() and path.parent.name == "cases":
        raise Problem(f"{name_or_path} is one case; give the folder of its pack, or play it with abusedesk simulate")
    known = ", ".join(sorted(one.parent.name for one in PACKS.glob("*/pack.yaml")))
    raise Problem(f"there is no policy {name_or_path!r}: give one of {known}, or the folder of a pack.yaml")


def parameter_facts(content_parameters: Mapping[str, Parameter]) -> dict[str, FactType]:
    """The counts among the parameters, which conditions may name."""
    return {name: "int" for name, one in content_parameters.items() if one.kind == "count"}


def parse_value(kind: ParameterKind, value: object) -> Value:
    """A value as a pack or an operator writes it. Raises ValueError."""
    if kind == "count":
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{value!r} is no whole number")
        return value
    if kind == "durations":
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no map from abuse types to durations")
        return {str(key): parse_lapse(str(one)) for key, one in value.items()}
    return parse_duration(str(value)) if kind == "duration" else parse_amount(str(value))


def parse_lapse(text: str) -> timedelta | None:
    """How long a strike counts; None for `never`. Raises ValueError."""
    return None if text == NEVER else parse_duration(text)


def _overridden(content: Content, name: str, value: object, values: Mapping[str, Value]) -> Value:
    if name not in content.parameters:
        raise Problem(f"{content.name} has no parameter {name!r}; it has {', '.join(sorted(content.parameters))}")
    try:
        parsed = parse_value(content.parameters[name].kind, value)
    except ValueError as error:
        raise Problem(f"the parameter {name!r} cannot be {value!r}: {error}") from None
    present = values[name]
    return {**present, **parsed} if isinstance(present, dict) and isinstance(parsed, dict) else parsed


def _indexed(rules: Iterable[Rule]) -> dict[tuple[str, str | None], tuple[Rule, ...]]:
    index: dict[tuple[str, str | None], tuple[Rule, ...]] = {}
    for rule in rules:
        key = (rule.on, rule.kind if rule.on in KINDED else None)
        index[key] = (*index.get(key, ()), rule)
    return index


def shown_value(kind: ParameterKind, value: Value) -> str:
    """A value as a pack writes it."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {format_duration(one) if one is not None else NEVER}" for name, one in value.items())
    return format_amount(value) if kind == "amount" else str(value)


def _digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the pack's files and the safeguards, names included, in order."""
    total = sha256()
    for name in (SAFEGUARDS, "pack.yaml", *notices(files)):
        total.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return total.hexdigest()
