import datetime

import django.db.models.deletion
from django.db import migrations, models

import abusedesk.records.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0020_listings"),
    ]

    operations = [
        migrations.CreateModel(
            name="Inventory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("name", models.CharField(max_length=120, unique=True)),
                ("enabled", models.BooleanField(default=True)),
                ("options", models.JSONField(default=dict)),
                ("hook_secret", models.CharField(blank=True, max_length=200)),
                ("every", models.DurationField(default=datetime.timedelta(seconds=3600))),
                ("fresh_for", models.DurationField(default=datetime.timedelta(days=1), null=True)),
                ("rank_customers", models.PositiveSmallIntegerField(null=True)),
                ("rank_services", models.PositiveSmallIntegerField(null=True)),
                ("rank_assignments", models.PositiveSmallIntegerField(null=True)),
                ("mass_percent", models.PositiveSmallIntegerField(default=10)),
                ("mass_rows", models.PositiveIntegerField(default=100)),
                ("asks_always", models.BooleanField(default=False)),
                ("fresh_at", models.DateTimeField(null=True)),
                ("claims", models.BinaryField(null=True)),
                ("wanted_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="inventories", to="records.brand"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="assignment",
            name="inventory",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="assignments",
                to="records.inventory",
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="inventory",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="services", to="records.inventory"
            ),
        ),
        migrations.CreateModel(
            name="Contradiction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fact", models.CharField(max_length=20)),
                ("subject", models.CharField(max_length=120)),
                ("claims", models.JSONField(default=list)),
                ("standing", models.CharField(blank=True, max_length=120)),
                ("reason", models.TextField(blank=True)),
                ("opened_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("choice", models.CharField(blank=True, max_length=120)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contradictions", to="records.brand"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("brand", "fact", "subject"),
                        name="one_open_contradiction",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Comparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=12)),
                ("read_at", models.DateTimeField()),
                ("why", models.TextField(blank=True)),
                ("figures", models.JSONField(default=dict)),
                ("claims", models.BinaryField()),
                ("difference", models.BinaryField()),
                ("made", models.BinaryField(null=True)),
                ("digest", models.CharField(max_length=64)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                ("undone_by", models.CharField(blank=True, max_length=150)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "inventory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="comparisons", to="records.inventory"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")), fields=("inventory",), name="one_waiting_comparison"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OwnPrefix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", abusedesk.records.models.fields.PrefixField()),
                ("added_by", models.CharField(blank=True, max_length=150)),
                ("added_at", models.DateTimeField()),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="own_prefixes", to="records.brand"
                    ),
                ),
                (
                    "inventory",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_prefixes",
                        to="records.inventory",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("brand", "prefix"), name="own_prefix")],
            },
        ),
    ]
