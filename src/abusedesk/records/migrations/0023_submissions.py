import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0022_reporters")]

    operations = [
        migrations.CreateModel(
            "Submission",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("reference", models.CharField(max_length=20, unique=True)),
                ("at", models.DateTimeField()),
                ("address", models.CharField(blank=True, max_length=320)),
                ("mailbox", models.CharField(blank=True, max_length=320)),
                ("network", models.CharField(max_length=64)),
                ("language", models.CharField(max_length=12)),
                ("document", models.BinaryField(null=True)),
                ("key", models.BinaryField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("message_id", models.UUIDField(null=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.brand"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["mailbox", "at"], name="submission_by_mailbox"),
                    models.Index(fields=["network", "at"], name="submission_by_network"),
                    models.Index(fields=["brand", "at"], name="submission_by_brand"),
                    models.Index(
                        condition=models.Q(("confirmed_at", None)), fields=["at"], name="submission_unconfirmed"
                    ),
                ],
            },
        ),
    ]
