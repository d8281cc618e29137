"""The product's own mails beside what a policy orders: receipts and outcomes for reporters, what an answer lacks, what
became of a customer's request, and what an upstream demands of the provider.

They come with the product in its languages. A pack has its own words for one where it has a template of that name, in
`notices/<language>/`; no rule sends it. Each may use these placeholders and no others.
"""

from functools import cache

from abusedesk.policy.pack import PACKS, Terms
from abusedesk.policy.rule import SendNotice

ACKNOWLEDGEMENT = "acknowledgement"
OUTCOME = "outcome"
INCOMPLETE = "incomplete"
REPLY_SOON = "reply_soon"
PAYMENT_SOON = "payment_soon"
REMINDERS = frozenset({REPLY_SOON, PAYMENT_SOON})
"""Mails that nothing hangs on: what they remind of was served before."""
APOLOGY = "apology"
UPHELD = "appeal_upheld"
"""Drafts of letters, which a person changes before they go out."""
REQUEST_ANSWER = "request_answer"
REQUEST_COPY = "request_copy"
"""The same to the reseller through whom the customer came."""
DIGEST = "digest"
"""One mail in place of many notices of one kind."""
DUTY = "duty"
DUTY_SOON = "duty_soon"

_TO_REPORTERS = ("subject", "reference", "received", "brand", "answer_at")
_OF_A_REQUEST = (
    "customer",
    "service",
    "addresses",
    "asked",
    "answer",
    "follows",
    "reason",
    "clauses",
    "policy",
    "answer_at",
    "brand",
)
_OF_A_DUTY = ("brand", "upstream", "do", "otherwise", "addresses", "reference", "due")
OWN: dict[str, tuple[str, ...]] = {
    ACKNOWLEDGEMENT: (*_TO_REPORTERS, "follows"),
    OUTCOME: (*_TO_REPORTERS, "outcome", "code"),
    INCOMPLETE: ("customer", "service", "addresses", "abuse_type", "missing", "due", "answer_at", "brand"),
    REPLY_SOON: ("customer", "service", "remediation", "due", "answer_at", "brand"),
    PAYMENT_SOON: ("customer", "service", "charges", "due", "answer_at", "brand"),
    APOLOGY: ("customer", "service", "undone", "downtime", "answer_at"),
    UPHELD: ("customer", "service", "about", "reason", "answer_at"),
    REQUEST_ANSWER: _OF_A_REQUEST,
    REQUEST_COPY: _OF_A_REQUEST,
    DIGEST: ("number", "abuse_type", "remediation", "list", "answer_at", "clauses", "policy", "brand"),
    DUTY: _OF_A_DUTY,
    DUTY_SOON: _OF_A_DUTY,
}
"""The placeholders of each."""

LANGUAGES = ("en", "zh-Hans", "de")


@cache
def own_notice(template: str, language: str) -> str | None:
    """The product's own words; None for a language that it has not, and for any other template."""
    if template not in OWN or language not in LANGUAGES:
        return None
    return (PACKS / "notices" / language / f"{template}.txt").read_text(encoding="utf-8")


def reseller_clauses(terms: Terms) -> tuple[str, ...]:
    """The clauses by which a reseller hears of each notice to its customers; nothing where the policy orders none."""
    rules = terms.rules.get(("notice", None), ())
    return next((one.clauses for one in rules if any(map(_goes_to_reseller, one.orders))), ())


def _goes_to_reseller(order: object) -> bool:
    return isinstance(order, SendNotice) and order.to == "reseller"
