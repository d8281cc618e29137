import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0014_provenance")]

    operations = [
        # The table is PostgreSQL's own to partition, so Django only hears of the column.
        migrations.RunSQL(
            "ALTER TABLE records_message ADD COLUMN designation varchar(20) NOT NULL DEFAULT 'abuse'",
            "ALTER TABLE records_message DROP COLUMN designation",
            state_operations=[
                migrations.AddField("message", "designation", models.CharField(default="abuse", max_length=20))
            ],
        ),
        migrations.AddField("report", "notice", models.JSONField(null=True)),
        migrations.CreateModel(
            "LegalFile",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("year", models.PositiveSmallIntegerField()),
                ("number", models.PositiveIntegerField()),
                ("reference", models.CharField(max_length=30)),
                ("received_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("sender", models.CharField(blank=True, max_length=320)),
                ("subject", models.TextField(blank=True)),
                ("state", models.CharField(default="open", max_length=12)),
                ("notice", models.JSONField(null=True)),
                ("due", models.DateTimeField(null=True)),
                ("due_reason", models.CharField(blank=True, max_length=300)),
                ("taken_by", models.CharField(blank=True, max_length=150)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="records.brand"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="files",
                        to="records.customer",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="files",
                        to="records.service",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["last_at", "id"], name="file_by_last")],
                "constraints": [
                    models.UniqueConstraint(fields=["brand", "kind", "year", "number"], name="file_number"),
                    models.UniqueConstraint(fields=["brand", "reference"], name="file_reference"),
                ],
            },
        ),
        migrations.CreateModel(
            "FileEntry",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=12)),
                ("at", models.DateTimeField()),
                ("author", models.CharField(blank=True, max_length=320)),
                ("subject", models.TextField(blank=True)),
                ("text", models.TextField(blank=True)),
                ("message_id", models.UUIDField(null=True)),
                ("mail_id", models.CharField(blank=True, max_length=320)),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="records.legalfile"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("mail_id", ""), _negated=True),
                        fields=["mail_id"],
                        name="file_entry_by_mail",
                    ),
                    models.Index(fields=["message_id"], name="file_entry_by_message"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["file", "message_id"], name="file_entry_once_per_message")
                ],
            },
        ),
    ]
