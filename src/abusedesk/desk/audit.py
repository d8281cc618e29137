"""Audit: proves that what is stored is what was decided, and that the same would be decided again."""

from collections.abc import Iterator
from hashlib import sha256

from abusedesk.desk.decide import recompute
from abusedesk.policy.decision import ENGINE_VERSION
from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket
from abusedesk.records.chain import Fault
from abusedesk.records.models import Decision
from abusedesk.records.models import Docket as DocketRow


def recompute_all() -> Iterator[Fault]:
    """Folds every docket again from its stored decisions and yields where the answer differs.

    A decision of another pack or erased values cannot be made again: it is reported, and its docket is not followed on.
    """
    for row in DocketRow.objects.select_related("service").order_by("pk").iterator(500):
        yield from _refold(row)


def _refold(row: DocketRow) -> Iterator[Fault]:
    docket = Docket(row.service.ref if row.service else None)
    for stored in Decision.objects.filter(docket=row).order_by("sequence").defer("snapshot").iterator(500):
        again = recompute(stored, docket) if stored.salt else None
        if again is None:
            yield Fault(
                row.pk, stored.sequence, "cannot be made again: its pack has changed, or its values were erased"
            )
            return
        docket = again.docket
        if sha256(canonical(docket)).digest() != bytes(stored.docket_digest):
            engine = "" if stored.engine_version == ENGINE_VERSION else f" (engine {stored.engine_version} then)"
            yield Fault(row.pk, stored.sequence, f"the decision would be another today{engine}")
            return
