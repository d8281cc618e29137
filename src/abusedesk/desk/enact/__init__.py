"""Enact: saves decision, docket, timeline and orders in one transaction.

`submit` is for one stimulus, `enact` for a batch, `rehearse` for what a batch would bring. `batch` locks and decides,
`write` saves what was decided, `orders` what people and the outside are to do about it.
"""

from abusedesk.desk.enact.batch import Enacted, Move
from abusedesk.desk.enact.submit import (
    Rehearsed,
    concerned_by,
    docket_of,
    docket_of_brand,
    empty_docket,
    enact,
    rehearse,
    submit,
)

__all__ = [
    "Enacted",
    "Move",
    "Rehearsed",
    "concerned_by",
    "docket_of",
    "docket_of_brand",
    "empty_docket",
    "enact",
    "rehearse",
    "submit",
]
