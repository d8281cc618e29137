"""Changed policies that somebody tries on the recorded past."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0006_event_seen_of_no_service"),
    ]

    operations = [
        migrations.CreateModel(
            name="WhatIfRun",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                ("title", models.CharField(max_length=300)),
                ("files", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("present", models.CharField(max_length=64)),
                ("state", models.CharField(default="idle", max_length=10)),
                ("since", models.DateTimeField(null=True)),
                ("always", models.BooleanField(default=False)),
                ("asked_at", models.DateTimeField(null=True)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("result", models.BinaryField(null=True)),
                ("error", models.TextField(blank=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="what_ifs", to="records.brand"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["brand", "-at"], name="what_if_of_brand"),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=["asked_at"],
                        name="what_if_due",
                    ),
                ],
            },
        ),
    ]
