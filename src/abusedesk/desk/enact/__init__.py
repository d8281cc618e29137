"""Enact: saves decision, docket, timeline and orders in one transaction.

`submit` is for one stimulus, `enact` for a batch. `batch` locks and decides, `write` saves what was decided, `orders`
what people and the outside are to do about it.
"""

from abusedesk.desk.enact.batch import Enacted, Move
from abusedesk.desk.enact.submit import docket_of, docket_of_brand, empty_docket, enact, submit

__all__ = ["Enacted", "Move", "docket_of", "docket_of_brand", "empty_docket", "enact", "submit"]
