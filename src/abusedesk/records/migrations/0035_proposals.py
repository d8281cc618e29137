from typing import Any

import django.db.models.deletion
import msgspec
from django.db import migrations, models

from abusedesk.policy.docket import Docket
from abusedesk.policy.waiting import waiting_in

_WAITING = """
SELECT id FROM records_docket WHERE service_id IS NOT NULL
  AND (position('"proposed"'::bytea IN state) > 0 OR position('"needs_approval"'::bytea IN state) > 0) ORDER BY id
"""


def find_waiting(apps: Any, editor: Any) -> None:
    """What waits in the dockets of before."""
    dockets, proposal, case = (apps.get_model("records", name) for name in ("docket", "proposal", "case"))
    with editor.connection.cursor() as cursor:
        cursor.execute(_WAITING)
        found = [pk for (pk,) in cursor.fetchall()]
    for pk in found:
        one = dockets.objects.select_related("service").get(pk=pk)
        docket = msgspec.json.decode(bytes(one.state), type=Docket)
        latest = case.objects.filter(service=one.service_id).order_by("-last_at").first()
        known: list[Any] = [*docket.measures, *docket.charges, *docket.requests]
        since = {each.id: each for each in known}
        for key, waiting in waiting_in(docket).items():
            at = min(since[each.id].at for each in waiting.items)
            proposal.objects.create(
                docket=one,
                brand_id=one.brand_id,
                service=one.service,
                customer_id=one.service.customer_id,
                case=latest,
                **key._asdict(),
                items=msgspec.to_builtins(waiting.items),
                mark=waiting.mark,
                amount=waiting.amount,
                currency=next((each.currency for each in docket.charges if key.kind == "charge"), ""),
                clauses=list(waiting.clauses),
                proposers=list(waiting.proposers),
                barred=list(waiting.barred),
                at=at,
                changed_at=max(since[each.id].at for each in waiting.items),
            )


class Migration(migrations.Migration):
    dependencies = [("records", "0034_requests")]

    operations = [
        migrations.CreateModel(
            "Proposal",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=40)),
                ("request", models.CharField(blank=True, max_length=200)),
                ("items", models.JSONField(default=list)),
                ("mark", models.CharField(max_length=16)),
                ("amount", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("clauses", models.JSONField(default=list)),
                ("proposers", models.JSONField(default=list)),
                ("barred", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("reminded_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("answer", models.CharField(blank=True, max_length=12)),
                ("closed_by", models.CharField(blank=True, max_length=150)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="proposals", to="records.brand"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proposals",
                        to="records.case",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposals", to="records.customer"
                    ),
                ),
                (
                    "docket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="proposals", to="records.docket"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposals", to="records.service"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            "Consent",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mark", models.CharField(max_length=16)),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(max_length=500)),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="consents", to="records.proposal"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            "proposal",
            models.Index(condition=models.Q(("closed_at", None)), fields=["at", "id"], name="proposal_waiting"),
        ),
        migrations.AddIndex(
            "proposal",
            models.Index(
                condition=models.Q(("answer", ""), _negated=True), fields=["closed_at"], name="proposal_answered"
            ),
        ),
        migrations.AddConstraint(
            "proposal",
            models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("docket", "kind", "name", "request"),
                name="proposal_waits_once",
            ),
        ),
        migrations.AddConstraint(
            "consent",
            models.UniqueConstraint(fields=("proposal", "mark", "by"), name="consent_once_each"),
        ),
        # An index cannot be made in the transaction that wrote rows which point elsewhere, so these come last.
        migrations.RunPython(find_waiting, migrations.RunPython.noop),
    ]
