"""What the demo's people did about their policies: one change that holds, and one that waits for the visitor to decide.

Both went the way of every change: proposed by one colleague, and the first approved by another.
"""

from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from abusedesk.cli.demo.day import COLLEAGUE
from abusedesk.desk.policies import publish
from abusedesk.policy.author.change import new_version
from abusedesk.records.models import Brand

ANOTHER = "henrik"
"""Who looks at what the first colleague proposes."""

_LAPSES = "{attack: P365D, infringement: P180D, spam: P365D, fraud: never}"


def publish_change(brand: Brand, began: datetime) -> None:
    """A change that holds since three weeks before the demo's day."""
    if brand.publications.exists():
        return
    get_user_model().objects.get_or_create(username=ANOTHER, defaults={"password": make_password(None)})
    proposed = publish.propose(
        brand,
        _changed(brand, _midnight(began - timedelta(days=21)), {"limitation": _LAPSES}, {}),
        COLLEAGUE,
        "An infringement is mostly a matter of one upload. Half a year without another is long enough to forget it.",
        now=began - timedelta(days=24),
    )
    publish.approve(proposed, ANOTHER, now=began - timedelta(days=23))
    brand.refresh_from_db()


def propose_change(brand: Brand, began: datetime) -> None:
    """A change that waits for another person than the colleague who wants it."""
    if brand.publications.filter(state="proposed").exists():
        return
    said = "Users are requested to complete the processing and reply to the work order within 4 hours."
    publish.propose(
        brand,
        _changed(brand, _midnight(began + timedelta(days=30)), {"reply_period": "PT4H"}, {"8.b": said}),
        COLLEAGUE,
        "Most customers answer within two hours. Those who take six are those whose servers go on attacking meanwhile.",
        now=began - timedelta(hours=3),
    )


def _changed(brand: Brand, since: datetime, values: dict[str, str], texts: dict[str, str]) -> dict[str, bytes]:
    files = publish.files_of(brand)
    return {**files, "pack.yaml": new_version(files["pack.yaml"].decode(), since, values, texts).encode()}


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
