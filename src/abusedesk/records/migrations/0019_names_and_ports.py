"""Services that carry many sites or are the provider's own, source ports of assignments, candidates of a review."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.backends.postgresql.psycopg_any import NumericRange

import abusedesk.records.models.parties


class Migration(migrations.Migration):
    dependencies = [("records", "0018_threads")]

    operations = [
        migrations.AddField("service", "shared", models.BooleanField(default=False)),
        migrations.AddField("service", "infrastructure", models.BooleanField(default=False)),
        migrations.RunSQL(
            "ALTER TABLE records_service ALTER shared SET DEFAULT false, ALTER infrastructure SET DEFAULT false",
            "ALTER TABLE records_service ALTER shared DROP DEFAULT, ALTER infrastructure DROP DEFAULT",
        ),
        migrations.RemoveConstraint("assignment", "one_holder_per_prefix"),
        migrations.RunSQL(
            "ALTER TABLE records_assignment ADD COLUMN ports int4range NOT NULL DEFAULT '[0,65536)'",
            "ALTER TABLE records_assignment DROP COLUMN ports",
            state_operations=[
                migrations.AddField(
                    "assignment",
                    "ports",
                    django.contrib.postgres.fields.IntegerRangeField(
                        default=abusedesk.records.models.parties.every_port
                    ),
                )
            ],
        ),
        migrations.AddConstraint(
            "assignment",
            django.contrib.postgres.constraints.ExclusionConstraint(
                name="one_holder_per_prefix",
                expressions=[
                    (django.contrib.postgres.indexes.OpClass("prefix", "inet_ops"), "="),
                    ("ports", "&&"),
                    ("period", "&&"),
                ],
            ),
        ),
        migrations.AddConstraint(
            "assignment",
            models.CheckConstraint(
                name="ports_that_exist",
                condition=models.Q(ports__contained_by=NumericRange(0, 65536), ports__isempty=False),
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE records_review ADD COLUMN candidates jsonb NOT NULL DEFAULT '[]'",
            "ALTER TABLE records_review DROP COLUMN candidates",
            state_operations=[migrations.AddField("review", "candidates", models.JSONField(default=list))],
        ),
        migrations.AddIndex(
            "review",
            models.Index(condition=models.Q(("closed_at", None)), fields=["report_id"], name="review_open_of_report"),
        ),
    ]
