"""Names declared for services: one holder of a name at a time, as an import checks it too."""

from datetime import datetime

from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from abusedesk.records.models import DeclaredName, Service
from abusedesk.vocabulary.instant import format_instant


@transaction.atomic
def declare(service: Service, name: str, since: datetime) -> str:
    """Declares a name (`csv_tables.domain`) for a service from an instant on. Returns why that cannot be, or empty."""
    if since < service.since:
        return f"the service began only at {format_instant(service.since)}; declare the name from then on"
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE records_declaredname IN SHARE ROW EXCLUSIVE MODE")
    period = DateTimeTZRange(since, service.until)
    other = DeclaredName.objects.filter(name=name, period__overlap=period).select_related("service__brand").first()
    if other is not None:
        whose = f"{other.service.ref} of {other.service.brand.slug}"
        return f"{name} is declared for {whose} since {format_instant(other.period.lower)}; end it there first"
    DeclaredName.objects.create(service=service, name=name, period=period)
    return ""


def end(name: DeclaredName, at: datetime) -> None:
    """Ends a declaration; one that had not begun yet is taken back."""
    if name.period.lower >= at:
        name.delete()
    else:
        DeclaredName.objects.filter(pk=name.pk, period__upper_inf=True).update(period=(name.period.lower, at))
