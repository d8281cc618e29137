"""Conditions: CEL over declared flat facts, with three values.

CEL already answers `false && unknown` with false and `true || unknown` with true. What it cannot answer because a
fact is missing is *unknown*, and the condition names that fact. A condition reads few facts with few values, so its
answers are remembered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from itertools import product
from threading import Lock
from typing import Any, Literal

from abusedesk.policy.source import nearest

MAX_LENGTH = 400
"""Characters that a condition may have: CEL has no limit on cost, so its length is the limit."""

_OPERATORS = frozenset({"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})
_WORDS = {"_?_:_": "?:", "_[_]": "[]", "_+_": "+", "_-_": "-", "-_": "-", "_*_": "*", "_/_": "/", "_%_": "%"}
_MACRO = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_STRING = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')
_REMEMBERED = 4096
_DRY_RUNS = 2000
_loading = Lock()

FactType = Literal["bool", "int", "text", "texts"]
Answer = tuple[bool | None, str]
"""True, false or None for unknown; and the values read, or the missing fact's name."""


class Refused(ValueError):  # noqa: N818 - it says what happened to the condition
    """A condition that cannot be used; the text says why and what to do. `word` is the unknown fact, if it is that."""

    def __init__(self, text: str, word: str | None = None) -> None:
        super().__init__(text)
        self.word = word


class Condition:
    """A compiled condition. `names` are the facts that it reads, in the order in which they are asked for."""

    __slots__ = ("_answers", "_program", "names", "text")

    def __init__(self, text: str, names: tuple[str, ...], program: Any) -> None:
        self.text = text
        self.names = names
        self._program = program
        self._answers: dict[tuple[object, ...], Answer] = {}

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        """It was checked when it was made; another process only compiles it again."""
        return _again, (self.text, self.names)

    def weigh(self, values: tuple[object, ...]) -> Answer:
        """The answer for the values of `names`, None for a missing one."""
        answer = self._answers.get(values)
        if answer is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            answer = self._answers[values] = self._evaluate(values)
        return answer

    def _evaluate(self, values: tuple[object, ...]) -> Answer:
        known = {name: _plain(value) for name, value in zip(self.names, values, strict=True) if value is not None}
        try:
            result = self._program.execute(known)
        except RuntimeError:
            missing = next(name for name in self.names if name not in known)
            return None, missing
        return bool(result), ", ".join(f"{name} = {_shown(value)}" for name, value in known.items())


def _again(text: str, names: tuple[str, ...]) -> Condition:
    return Condition(text, names, _cel().compile(text))


def compile_condition(text: str, facts: Mapping[str, FactType]) -> Condition:
    """Checks a condition against the declared facts and runs it on samples of their types.

    Raises Refused with the reason: a syntax error, an unknown name with the nearest known one, a comprehension, a
    function or arithmetic, an operand of the wrong type, or an answer that is neither true nor false.
    """
    program = _parsed(text)
    names = _names_in_order(program.variables(), text)
    for name in names:
        if name not in facts:
            raise Refused(f"there is no fact {name!r} at this moment{_meant_by(name, facts, text)}", name)
    _dry_run(program, {name: facts[name] for name in names}, text)
    return Condition(text, names, program)


def _meant_by(name: str, facts: Mapping[str, FactType], text: str) -> str:
    """A bare word behind the comparison of a text is a text without its quotes; else the nearest fact is meant."""
    compared = re.search(rf"\b(\w+)\s*[!=]=\s*{name}\b", text)
    if compared and facts.get(compared[1]) == "text":
        return f'; a text stands in quotes: {compared[1]} == "{name}"'
    return nearest(name, facts)


def _parsed(text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise Refused(f"the condition has {len(text)} characters; at most {MAX_LENGTH} are allowed: split the rule")
    if _MACRO.search(text):
        raise Refused("a condition may not loop over a list; use `in`")
    try:
        program = _cel().compile(text)
    except ValueError as error:
        raise Refused(f"the condition cannot be read: {_syntax(str(error))}{_advice(text)}") from None

    for function in program.functions():
        if function not in _OPERATORS:
            raise Refused(
                f"a condition may not use {_WORDS.get(function, function)!r}; compare facts with && || ! == in"
            )
    return program


def _advice(text: str) -> str:
    """What whoever writes conditions for the first time may have meant."""
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', "", text)
    meant = [f"`{sign}`" for word, sign in _MEANT.items() if re.search(word, bare)]
    return f"; write {' and '.join(meant)}" if meant else ""


_MEANT = {
    r"=>": ">=",
    r"=<": "<=",
    r"(?<![=!<>])=(?![=<>])": "==",
    r"\bis\b": "==",
    r"(?i)\band\b|(?<!&)&(?!&)": "&&",
    r"(?i)\bor\b|(?<!\|)\|(?!\|)": "||",
    r"(?i)\bnot\b": "!",
    "[\u201c\u201d\u201e\u2018\u2019]": '"',
}
_COMPARED = (
    'compare a number with a number, as in strikes >= 2, and a text with a text in quotes, as in abuse_type == "spam"'
)
"""What other languages write, and what is written here."""


def _syntax(message: str) -> str:
    """The first line of CEL's message after its place, which it counts from 1; in words where it names a sign."""
    match = re.search(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)", message)
    if match is None:
        return message.splitlines()[0]
    sign = _NO_SIGN.match(match[3])
    return f"at its character {match[2]}: {f'{sign[1]} is not understood' if sign else match[3]}"


_NO_SIGN = re.compile(r"(?:token recognition error at: |mismatched input |extraneous input )('.*?'(?= expecting|$))")


def _names_in_order(variables: Iterable[str], text: str) -> tuple[str, ...]:
    return tuple(sorted(variables, key=lambda name: match.start() if (match := re.search(rf"\b{name}\b", text)) else 0))


def _dry_run(program: Any, types: Mapping[str, FactType], text: str) -> None:
    """CEL has no static types: a wrong operand shows only where it is reached, so every sample is tried."""
    literals = [one or other for one, other in _STRING.findall(text)]
    samples: dict[str, Sequence[object]] = {
        "bool": [True, False],
        "int": [0, 1, 2, 1000],
        "text": [*literals, "anything else"],
        "texts": [[], literals],
    }
    for count, values in enumerate(_combinations([samples[kind] for kind in types.values()])):
        if count >= _DRY_RUNS:
            return
        try:
            answer = program.execute(dict(zip(types, values, strict=True)))
        except (TypeError, ValueError, RuntimeError) as error:
            raise Refused(
                f"the condition does not fit its facts ({_described(types)}): {_first(error)}; {_COMPARED}"
            ) from None
        if not isinstance(answer, bool):
            raise Refused(f"the condition must be true or false, and gives {answer!r}")


def _combinations(choices: Iterable[Sequence[object]]) -> Iterable[tuple[object, ...]]:
    return product(*choices)


def _described(types: Mapping[str, FactType]) -> str:
    return ", ".join(f"{name} is {kind}" for name, kind in types.items())


def _first(error: Exception) -> str:
    said = str(error).split(". ", maxsplit=1)[0]
    return "two kinds are compared" if said.startswith("No such overload") else said


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _cel() -> Any:
    # Two threads at once would set it up twice, which it answers with a panic that no handler of errors sees.
    with _loading:
        return _loaded()


@cache
def _loaded() -> Any:
    """The CEL extension alone: the package's own `__init__` loads a command line with it, which costs 0.2 s."""
    package = find_spec("cel")
    spec = PathFinder.find_spec("cel.cel", package.submodule_search_locations if package else None)
    if spec is None or spec.loader is None:
        raise ImportError("the package common-expression-language is not installed")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
