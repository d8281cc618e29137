"""Approvals: what waits for a person's yes or no, who may say it, and what becomes of it when nobody does.

`voices` knows who may, `say` takes an answer, `overdue` reminds of what waits too long and lets it expire.
"""

from abusedesk.desk.approvals.say import Answer, Result, say
from abusedesk.desk.approvals.voices import Voice

__all__ = ["Answer", "Result", "Voice", "say"]
