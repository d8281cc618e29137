import django.db.models.deletion
from django.db import migrations, models

import abusedesk.records.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0019_names_and_ports"),
    ]

    operations = [
        migrations.CreateModel(
            name="SweptBlock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("blocklist", models.CharField(max_length=253)),
                ("block", abusedesk.records.models.fields.PrefixField()),
                ("cleared", models.BinaryField(default=b"")),
                ("shown", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("shown", {}), _negated=True),
                        fields=["blocklist", "block"],
                        name="block_with_shown",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("blocklist", "block"), name="one_row_a_block")],
            },
        ),
        migrations.CreateModel(
            name="Listing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("blocklist", models.CharField(max_length=253)),
                ("title", models.CharField(max_length=253)),
                ("address", models.GenericIPAddressField()),
                ("codes", models.JSONField(default=list)),
                ("says", models.TextField(blank=True)),
                ("text", models.TextField(blank=True)),
                ("clean_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("again_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("missing_since", models.DateTimeField(null=True)),
                ("gone_at", models.DateTimeField(null=True)),
                ("verdict", models.CharField(blank=True, max_length=20)),
                ("message_id", models.UUIDField(null=True)),
                (
                    "brand",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="listings",
                        to="records.brand",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="listings",
                        to="records.channel",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="listings",
                        to="records.service",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("gone_at", None)), fields=["again_at"], name="listing_asked_again"
                    ),
                    models.Index(fields=["address"], name="listing_address"),
                    models.Index(fields=["-seen_at", "-id"], name="listing_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("gone_at", None)),
                        fields=("blocklist", "address"),
                        name="one_present_listing",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ListingQuestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.GenericIPAddressField()),
                ("asked_at", models.DateTimeField()),
                ("asked_by", models.CharField(max_length=150)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answer", models.TextField(blank=True)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="questions", to="records.channel"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("answered_at", None)), fields=["channel"], name="question_open"),
                    models.Index(fields=["address", "-asked_at"], name="question_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Sweep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("blocklist", models.CharField(max_length=253)),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("addresses", models.PositiveBigIntegerField()),
                ("asked", models.PositiveBigIntegerField(default=0)),
                ("unanswered", models.PositiveBigIntegerField(default=0)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sweeps", to="records.channel"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["blocklist", "-began_at"], name="sweep_newest")],
            },
        ),
    ]
