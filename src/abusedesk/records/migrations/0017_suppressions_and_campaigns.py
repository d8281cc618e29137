import django.db.models.deletion
from django.db import migrations, models

import abusedesk.records.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0016_api_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="SuppressionChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("what", models.CharField(max_length=20)),
                ("before", models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="SuppressionHit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("service_id", models.BigIntegerField(default=0)),
                ("day", models.DateField()),
                ("reports", models.PositiveBigIntegerField(default=0)),
                ("events", models.PositiveBigIntegerField(default=0)),
                ("last_at", models.DateTimeField()),
                ("last_message", models.UUIDField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="report",
            name="suppressed",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.CharField(blank=True, max_length=150)),
                ("answer", models.TextField(blank=True)),
                ("rejected", models.PositiveIntegerField(default=0)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="campaigns", to="records.brand"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="campaigns", to="records.customer"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="report",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reports",
                to="records.campaign",
            ),
        ),
        migrations.CreateModel(
            name="DoubtedVoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reporter_id", models.BigIntegerField()),
                ("last_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.customer"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(default="other", max_length=20)),
                ("prefix", abusedesk.records.models.fields.OptionalPrefixField(null=True)),
                ("sender", models.CharField(blank=True, max_length=320)),
                ("category", models.CharField(blank=True, max_length=60)),
                ("port", models.PositiveIntegerField(null=True)),
                ("effect", models.CharField(max_length=20)),
                ("reason", models.TextField()),
                ("owner", models.CharField(max_length=150)),
                ("made_at", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=150)),
                ("revision", models.PositiveBigIntegerField(default=0)),
                (
                    "brand",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suppressions",
                        to="records.brand",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suppressions",
                        to="records.service",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="report",
            name="suppression",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reports",
                to="records.suppression",
            ),
        ),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(
                condition=models.Q(("suppression__isnull", False)),
                fields=["suppression", "received_at"],
                name="report_suppressed",
            ),
        ),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(
                condition=models.Q(("campaign__isnull", False)),
                fields=["campaign", "received_at"],
                name="report_campaign",
            ),
        ),
        migrations.AddField(
            model_name="suppressionchange",
            name="suppression",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="records.suppression"
            ),
        ),
        migrations.AddField(
            model_name="suppressionhit",
            name="suppression",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="hits", to="records.suppression"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)), fields=("customer",), name="one_open_campaign"
            ),
        ),
        migrations.AddConstraint(
            model_name="doubtedvoice",
            constraint=models.UniqueConstraint(fields=("customer", "reporter_id"), name="doubted_voice"),
        ),
        migrations.AddIndex(
            model_name="suppressionhit",
            index=models.Index(fields=["service_id", "last_at"], name="suppression_hit_service"),
        ),
        migrations.AddConstraint(
            model_name="suppressionhit",
            constraint=models.UniqueConstraint(fields=("suppression", "service_id", "day"), name="suppression_hit_day"),
        ),
    ]
