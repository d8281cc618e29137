"""What somebody proposed themselves, and may approve alone where nobody else can be reached."""

from typing import Any, NamedTuple

from abusedesk.desk.break_glass import is_allowed
from abusedesk.policy.docket import Docket
from abusedesk.records.models import Brand
from abusedesk.web import words
from abusedesk.web.forms import BreakGlass


class Own(NamedTuple):
    """A proposal of one's own, in words, with the form that approves it alone."""

    what: str
    form: BreakGlass


def own_proposals(docket: Docket, brand: Brand, user: Any) -> list[Own]:
    """The proposals of a docket that only another person may approve; none where the brand forbids to break glass."""
    if not is_allowed(brand):
        return []
    name = user.get_username()
    measures = dict.fromkeys(
        one.kind
        for one in docket.measures
        if one.state == "proposed"
        and one.kind != "terminate"
        and any(ground.by == name and ground.mode == "proposed" for ground in one.grounds)
    )
    charges = dict.fromkeys(one.item for one in docket.charges if one.state == "proposed" and one.by == name)
    return [
        *(Own(words.measure(kind), BreakGlass(initial={"measure": kind})) for kind in measures),
        *(Own(words.charge(item), BreakGlass(initial={"item": item})) for item in charges),
    ]
