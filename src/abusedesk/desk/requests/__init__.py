"""Requests: what customers ask for, entered by staff, answered by the policy or a person, and what follows from it."""

from abusedesk.desk.requests.check import ask_again, check_next, findings_of
from abusedesk.desk.requests.decide import Ticked, answer_by_hand, decide_request, left_to_do, tick
from abusedesk.desk.requests.enter import Asked, enter, questions_of, replace

__all__ = [
    "Asked",
    "Ticked",
    "answer_by_hand",
    "ask_again",
    "check_next",
    "decide_request",
    "enter",
    "findings_of",
    "left_to_do",
    "questions_of",
    "replace",
    "tick",
]
