import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0032_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="deadline",
            name="paused_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("what", models.CharField(max_length=10)),
                ("item", models.CharField(max_length=40)),
                ("about", models.CharField(max_length=300)),
                ("said", models.TextField()),
                ("via", models.CharField(max_length=12)),
                ("since", models.DateTimeField()),
                ("due", models.DateTimeField()),
                ("entered_by", models.CharField(max_length=150)),
                ("entered_at", models.DateTimeField()),
                ("paused", models.JSONField(default=list)),
                ("outcome", models.CharField(blank=True, max_length=10)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="appeals", to="records.brand"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="appeals", to="records.case"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="appeals", to="records.customer"
                    ),
                ),
                (
                    "docket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="appeals", to="records.docket"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Mistake",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("wrong", models.CharField(max_length=12)),
                ("reason", models.CharField(max_length=300)),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                ("said", models.JSONField(default=list)),
                ("steps", models.JSONField(default=list)),
                ("done", models.PositiveIntegerField(default=0)),
                ("letter", models.TextField(blank=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("verdict", models.CharField(blank=True, max_length=10)),
                (
                    "appeal",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="mistakes",
                        to="records.appeal",
                    ),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mistakes", to="records.brand"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mistakes", to="records.case"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="mistakes", to="records.customer"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Downtime",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
                (
                    "measure",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="records.measure"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="records.service"
                    ),
                ),
                (
                    "mistake",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="downtimes", to="records.mistake"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="appeal",
            index=models.Index(condition=models.Q(("outcome", "")), fields=["due", "id"], name="appeal_open"),
        ),
        migrations.AddIndex(
            model_name="appeal",
            index=models.Index(fields=["-decided_at", "id"], name="appeal_decided"),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome", "")), fields=("docket", "what", "item"), name="appeal_once_at_a_time"
            ),
        ),
        migrations.AddIndex(
            model_name="mistake",
            index=models.Index(condition=models.Q(("finished_at", None)), fields=["at"], name="mistake_unfinished"),
        ),
        migrations.AddIndex(
            model_name="mistake",
            index=models.Index(fields=["brand", "-at"], name="mistake_by_brand"),
        ),
        migrations.AddIndex(
            model_name="downtime",
            index=models.Index(condition=models.Q(("until", None)), fields=["measure"], name="downtime_runs"),
        ),
    ]
