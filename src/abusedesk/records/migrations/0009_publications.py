"""Packs kept by their digests and published by two people; what an upgrade found."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

# What decided, and who published it, is never rewritten. A lock on a row to refer to it is no change.
FORWARD = """
CREATE FUNCTION records_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON records_packtext
    FOR EACH ROW EXECUTE FUNCTION records_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON records_publicationentry
    FOR EACH ROW EXECUTE FUNCTION records_append_only();
"""

BACK = """
DROP TRIGGER append_only ON records_publicationentry;
DROP TRIGGER append_only ON records_packtext;
DROP FUNCTION records_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0008_own_rules_and_yields"),
    ]

    operations = [
        migrations.CreateModel(
            name="Installed",
            fields=[
                ("name", models.CharField(max_length=310, primary_key=True, serialize=False)),
                ("value", models.CharField(max_length=64)),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PackText",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("title", models.CharField(max_length=300)),
                ("files", models.JSONField()),
                ("first_seen", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="brand",
            name="published",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="records.packtext",
            ),
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("previous", models.CharField(max_length=64)),
                ("author", models.CharField(max_length=150)),
                ("note", models.TextField()),
                ("state", models.CharField(default="proposed", max_length=10)),
                ("proposed_at", models.DateTimeField()),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                ("reaches_back", models.JSONField(default=list)),
                ("cases", models.JSONField(default=dict)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="publications", to="records.brand"
                    ),
                ),
                (
                    "pack",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="publications", to="records.packtext"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["brand", "-proposed_at"], name="publication_of_brand")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "proposed")),
                        fields=("brand", "pack"),
                        name="proposed_once_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PublicationEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sequence", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("body", models.TextField()),
                ("previous", models.BinaryField()),
                ("hash", models.BinaryField()),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="records.brand"
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="records.publication"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("brand", "sequence"), name="publication_entry_sequence")
                ],
            },
        ),
        migrations.CreateModel(
            name="UpgradeAudit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("was", models.JSONField(default=dict)),
                ("now", models.JSONField(default=dict)),
                ("since", models.DateTimeField(null=True)),
                ("counts", models.JSONField(default=dict)),
                ("differences", models.JSONField(default=list)),
                ("differing", models.PositiveIntegerField(default=0)),
                ("state", models.CharField(max_length=10)),
                ("accepted_by", models.CharField(blank=True, max_length=150)),
                ("accepted_at", models.DateTimeField(null=True)),
            ],
            options={"indexes": [models.Index(fields=["-at"], name="upgrade_audit_latest")]},
        ),
        migrations.AddIndex(
            model_name="decision",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["decided_at"], name="decision_by_time"),
        ),
        migrations.RunSQL(FORWARD, BACK),
    ]
