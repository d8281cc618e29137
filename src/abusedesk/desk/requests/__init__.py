"""Requests: what customers ask for, entered by staff, answered by the policy or a person, and what follows from it."""

from abusedesk.desk.requests.check import ask_again, check_next, findings_of
from abusedesk.desk.requests.decide import Ticked, Verdict, decide_request, left_to_do, note_reason, tick
from abusedesk.desk.requests.enter import Asked, enter, questions_of, replace

__all__ = [
    "Asked",
    "Ticked",
    "Verdict",
    "ask_again",
    "check_next",
    "decide_request",
    "enter",
    "findings_of",
    "left_to_do",
    "note_reason",
    "questions_of",
    "replace",
    "tick",
]
