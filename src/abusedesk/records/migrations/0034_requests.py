import django.db.models.deletion
from django.db import migrations, models

# What was asked before there was this table stands in the dockets. Whatever was granted then, staff did then.
FROM_DOCKETS = """
INSERT INTO records_customerrequest (docket_id, brand_id, service_id, customer_id, item, kind, ip, cause, state, clauses,
    at, state_at, decided_at, decided_by, reason, lifts, to_do, done, domain, selector, words, entered_by, findings)
SELECT DISTINCT ON (docket.id, asked ->> 'id') docket.id, docket.brand_id, service.id, service.customer_id,
    asked ->> 'id', asked ->> 'kind', (asked ->> 'ip')::inet, coalesce(asked ->> 'cause', ''), asked ->> 'state',
    coalesce(asked -> 'clauses', '[]'), (asked ->> 'at')::timestamptz, (asked ->> 'at')::timestamptz,
    CASE WHEN asked ->> 'state' <> 'needs_approval' THEN (asked ->> 'at')::timestamptz END,
    '', '', '[]', false, '[]', '', '', '', '', '[]'
FROM records_docket docket JOIN records_service service ON service.id = docket.service_id,
    jsonb_array_elements(convert_from(docket.state, 'UTF8')::jsonb -> 'requests') WITH ORDINALITY AS one(asked, number)
WHERE position('"requests":[{' in convert_from(docket.state, 'UTF8')) > 0
ORDER BY docket.id, asked ->> 'id', number DESC
"""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0033_appeals_and_mistakes"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=30)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("state", models.CharField(default="asked", max_length=20)),
                ("clauses", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                ("state_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("reason", models.TextField(blank=True)),
                ("lifts", models.JSONField(default=list)),
                ("to_do", models.BooleanField(default=False)),
                ("done", models.JSONField(default=list)),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("selector", models.CharField(blank=True, max_length=100)),
                ("words", models.TextField(blank=True)),
                ("entered_by", models.CharField(blank=True, max_length=150)),
                ("message_id", models.UUIDField(null=True)),
                ("check_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("findings", models.JSONField(default=list)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.brand"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="records.customer"
                    ),
                ),
                (
                    "docket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="requests", to="records.docket"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="records.service"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["at"], name="request_by_time"),
                    models.Index(
                        condition=models.Q(
                            ("state__in", ["asked", "needs_approval", "granted_when_paid"]),
                            ("to_do", True),
                            _connector="OR",
                        ),
                        fields=["at"],
                        name="request_open",
                    ),
                    models.Index(
                        condition=models.Q(("check_at__isnull", False)),
                        fields=["check_at"],
                        name="request_to_be_checked",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("docket", "item"), name="request_of_docket")],
            },
        ),
        migrations.RunSQL(FROM_DOCKETS, migrations.RunSQL.noop),
    ]
