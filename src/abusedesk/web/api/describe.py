"""The reference page of the API, written from what the API says of itself (OpenAPI), so that the two stay one."""

from collections.abc import Iterator, Mapping
from typing import Any

from abusedesk.records import keys
from abusedesk.web.api.problem import CODES

_HEAD = """\
# The API

<!-- Made from the code: python -m abusedesk.web.api > docs/reference/api.md -->

Under `/api/v1/`, described for programs at `/api/v1/openapi.json` (OpenAPI 3.1). Every call carries a key,
`Authorization: Bearer abusedesk_…`, made on the page [keys](pages.md) or by [`abusedesk key`](commands.md); only
whether a notice is ours may be asked by anybody. There is no session and no cookie. How to begin:
[send reports by program](../how-to/send-reports-by-program.md).
"""

_REFUSALS = """\
## Refusals

A call that is refused is answered by `application/problem+json` (RFC 9457): `title`, `status`, `code`, `detail` in
words, and `errors`, each with a `pointer` (RFC 6901) into what was sent. Nothing of a refused call is taken.

| `code` | means |
|---|---|"""

_KEYS = """
A key matches `{pattern}`; its last six characters are a checksum (CRC-32 of the forty before, base 62,
lowest digit first), so that a secret scanner finds keys and nothing else. Only their SHA-256 is kept.
"""

_LIMITS = """\
## Rates

Each key may send so many reports a minute (600 where nothing else was chosen), counted in the database over all
processes together; a call that brings none counts as one. It may be a minute ahead. A batch is taken whole and waited
for afterwards: `429` with `Retry-After` says how long.

## Idempotency

Under `Idempotency-Key` a request counts once: the same key and body give the same answer, with
`Idempotency-Replayed: true`, for {days} days; another body under it is refused (`422`, `key_reused`). Of two at the
same time the second waits for the first. Names belong to one API key. What was refused is not kept, so that a corrected
body may use the name. Without the header, the same bytes from the same reporter are still one report.
"""


def page(schema: Mapping[str, Any]) -> str:
    """The page."""
    return "\n".join((_HEAD, *_calls(schema), *_schemas(schema), *_refusals(), *_keys(), *_limits()))


def _calls(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, call in methods.items():
            yield f"## {call['summary']}\n\n`{method.upper()} {path}`\n\n{_paragraph(call.get('description', ''))}\n"
            body = call.get("requestBody")
            if body:
                yield f"Body: {body['description']} Media types: {', '.join(f'`{one}`' for one in body['content'])}.\n"
                yield from _members_of_body(body)
            yield from _parameters(call.get("parameters", []))
            yield from _answers(call["responses"])


def _members_of_body(body: Mapping[str, Any]) -> Iterator[str]:
    """What an object of our own may have; XARF has a specification of its own."""
    one = body["content"]["application/json"]["schema"]["oneOf"][0]
    if "properties" not in one:
        return
    yield f"{one['description']}\n\n| member | type | |\n|---|---|---|"
    for member, value, must in _flat(one):
        yield f"| `{member}` | {_type(value)} | {'must be there' if must else 'may be left out'} |"
    yield ""


def _flat(whole: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    for member, value in whole["properties"].items():
        inner = next((one for one in value.get("anyOf", []) if "properties" in one), None)
        if inner is None:
            yield above + member, value, member in whole.get("required", [])
        else:
            yield from _flat(inner, f"{above}{member}.")


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    for one in parameters:
        if one.get("description"):
            yield f"Header `{one['name']}` (may be left out): {one['description']}\n"


def _answers(responses: Mapping[Any, Any]) -> Iterator[str]:
    said = {str(status): _names(answer) for status, answer in responses.items()}
    good = [f"`{status}` with {names}" for status, names in said.items() if status < "300"]
    refused = ", ".join(f"`{status}`" for status in said if status >= "300")
    yield f"Answers {' or '.join(good)}. Refused with {refused}, each a [problem document](#refusals).\n"


def _names(answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {}).get("application/json", {}).get("schema", {})
    found = [one["$ref"] for one in (content, *content.get("anyOf", [])) if "$ref" in one]
    names = [one.rpartition("/")[2] for one in found]
    return " or ".join(f"[{name}](#{name.lower()})" for name in names)


def _schemas(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "## What is in them\n"
    for name, one in schema["components"]["schemas"].items():
        if "properties" not in one or name in {"ProblemDocument", "Place"}:
            continue
        yield f"### {name}\n\n{_paragraph(one.get('description', ''))}\n\n| member | type | |\n|---|---|---|"
        must = one.get("required", [])
        for member, value in one["properties"].items():
            words = value.get("description", "")
            yield f"| `{member}` | {_type(value)} | {words or '-'}{' (always)' if member in must else ''} |"
        yield ""


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"] if one.get("type") != "null")
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]) if one is not None)
    return {"date-time": "instant", "uuid": "UUID"}.get(value.get("format", ""), str(value.get("type", "any")))


def _refusals() -> Iterator[str]:
    yield _REFUSALS
    yield from (f"| `{code}` | {words} |" for code, words in CODES.items())
    yield ""


def _keys() -> Iterator[str]:
    yield "## Keys\n\n| scope | allows |\n|---|---|"
    yield from (f"| `{scope}` | {words} |" for scope, words in keys.SCOPES.items())
    yield _KEYS.format(pattern=keys.PATTERN)


def _limits() -> Iterator[str]:
    yield _LIMITS.format(days=keys.KEPT.days)


def _paragraph(text: str) -> str:
    return " ".join(text.split())
