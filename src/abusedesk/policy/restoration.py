"""Restorations that were approved with a fee and wait until nothing is unpaid: what voids them."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def void_waiting(draft: "Draft") -> None:
    """A new strike or measure voids a restoration that waits for payment."""
    for one in draft.requests:
        if one.state == "granted_when_paid":
            draft.keep_request(replace(one, state="void"), one)
