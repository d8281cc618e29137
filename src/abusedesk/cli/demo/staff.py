"""What the demo's people did beside the complaints: who is on call this week, and an appeal that came in."""

from datetime import datetime, timedelta

from abusedesk.cli.demo.day import COLLEAGUE
from abusedesk.desk import appeals
from abusedesk.records.models import Brand, Measure, Rota

_WORDS = (
    "The server was a mail relay for one of our clients, and the client's list was sold to them as clean. They are "
    "gone, and the relay with them. We ask you to look at this once more: nothing of it was ours."
)


def make_rota(login: str, began: datetime) -> None:
    """Two people take the weeks in turn; who does not answer is followed by the other."""
    monday = (began - timedelta(days=began.weekday())).date()
    for level, turns in enumerate(([login, COLLEAGUE], [COLLEAGUE, login]), start=1):
        Rota.objects.get_or_create(brand=None, level=level, defaults={"turns": turns, "first": monday})


def appeal(brand: Brand, began: datetime) -> None:
    """A customer disputes the last suspension that the policy ordered by itself, for somebody else to decide."""
    suspended = Measure.objects.filter(brand=brand, kind="suspend", decided="in_force", mode="automatic")
    latest = suspended.exclude(case=None).order_by("-at").first()
    if latest is None or latest.case is None:
        return
    disputed = appeals.Disputed("measure", latest.item, f"the suspension of {latest.at:%-d %b %Y}")
    said = appeals.Said(_WORDS, "mail", began - timedelta(minutes=40), COLLEAGUE, "demo:appeal")
    appeals.enter(latest.case, disputed, said, began)
