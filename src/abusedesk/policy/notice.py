"""Notices: a pack's template in a language, filled with the values of one case.

The first line of a template is the subject; after an empty line comes the text. A template may use these placeholders
and no others. `render` fills `{policy}` and `{remediation}` from the pack; all others are values of the caller.

| placeholder | meaning |
|---|---|
| `{customer}` | the addressee's name, or the end user's in a reseller's copy |
| `{service}` | the service's name |
| `{addresses}` | the addresses concerned, separated by commas |
| `{abuse_type}` | the abuse type, as the pack names it |
| `{first_seen}` | the time of the first event |
| `{complaint}` | the complaint, as far as the pack allows to pass it on |
| `{measures}` | what has been taken or proposed, one a line |
| `{charges}` | what is charged or proposed, one a line |
| `{due}` | until when the customer has to answer |
| `{answer_at}` | where to answer |
| `{measure}` | a network measure in words, for the upstream |
| `{clauses}` | the clauses cited, with their titles |
| `{clause_texts}` | the clauses cited, with their words as of the version that decided |
| `{points}` | what the service's strikes weigh together, as of the decision |
| `{policy}` | the policy's title and version |
| `{remediation}` | what is asked of the customer for this abuse type, in the notice's language |
"""

import re
from collections.abc import Mapping

from abusedesk.policy.own_notices import LANGUAGES, OWN, own_notice
from abusedesk.policy.pack import Pack, Version
from abusedesk.problem import Problem

PLACEHOLDERS: tuple[str, ...] = (
    "customer",
    "service",
    "addresses",
    "abuse_type",
    "first_seen",
    "complaint",
    "measures",
    "charges",
    "due",
    "answer_at",
    "measure",
    "clauses",
    "clause_texts",
    "points",
    "policy",
    "remediation",
)

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")
_IN_UTC = re.compile(r" \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)")
_HOLE = re.compile(r"\n{3,}")


def render(
    pack: Pack, version: Version | None, template: str, language: str, values: Mapping[str, str]
) -> tuple[str, str]:
    """The subject and text of a notice, in the language or, where the pack has it not, in its first.

    Raises Problem for an unknown template and for a placeholder without a value: nothing is ever left unfilled.
    """
    chosen, text = _template(pack, template, language)
    known_values = {**_own(pack, version, chosen, values), **values}
    if template in OWN:
        known_values.setdefault("remediation", "")
    if said := values.get("abuse_type_said"):
        known_values["abuse_type"] = said
    filled = _PLACEHOLDER.sub(lambda match: _value(match[1], known_values, template), text)
    subject, _, body = filled.partition("\n")
    subject = _IN_UTC.sub("", subject)  # One clock is enough in a line that is read at a glance; the text has both.
    # A value that is empty leaves its paragraph empty, and no hole in the letter.
    return " ".join(subject.split()), _HOLE.sub("\n\n", body).strip() + "\n"


def _template(pack: Pack, template: str, language: str) -> tuple[str, str]:
    """The language that is written in, and its template: the pack's; for what is the product's own, else that one's."""
    templates, first = pack.content.templates, pack.content.languages[0]
    for chosen in (language, first):
        text = templates.get((chosen, template)) or own_notice(template, chosen)
        if text is not None:
            return chosen, text
    own = own_notice(template, LANGUAGES[0])
    if own is not None:
        return LANGUAGES[0], own
    known = sorted({name for _, name in templates})
    raise Problem(f"{pack.name} has no notice template {template!r}; it has {', '.join(known)}")


def placeholders(text: str) -> set[str]:
    """The placeholders that a template uses."""
    return set(_PLACEHOLDER.findall(text))


def _own(pack: Pack, version: Version | None, language: str, values: Mapping[str, str]) -> dict[str, str]:
    policy = f"{pack.title} ({version.id})" if version is not None and version.since is not None else pack.title
    found = {"policy": policy}
    abuse_type = pack.content.abuse_types.get(values.get("abuse_type", ""))
    if abuse_type is not None and abuse_type.remediation:
        asked = abuse_type.remediation
        found["remediation"] = asked.get(language) or asked.get(pack.content.languages[0]) or next(iter(asked.values()))
    return found


def _value(name: str, values: Mapping[str, str], template: str) -> str:
    value = values.get(name)
    if value is None:
        raise Problem(f"the notice {template!r} needs a value for {{{name}}}; give one")
    return value
