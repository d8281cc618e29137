import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0031_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("key", models.CharField(max_length=200)),
                ("severity", models.CharField(max_length=8)),
                ("summary", models.CharField(max_length=300)),
                ("link", models.CharField(blank=True, max_length=200)),
                ("things", models.JSONField(default=list)),
                ("times", models.PositiveIntegerField(default=1)),
                ("opened_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=150)),
                ("level", models.PositiveSmallIntegerField(default=0)),
                ("escalates_at", models.DateTimeField(null=True)),
                ("over_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Rota",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField(default=1)),
                ("turns", models.JSONField(default=list)),
                ("first", models.DateField()),
                ("weekday", models.PositiveSmallIntegerField(default=0)),
                ("hour", models.PositiveSmallIntegerField(default=9)),
                ("zone", models.CharField(default="UTC", max_length=60)),
                ("stand_ins", models.TextField(blank=True)),
                ("minutes", models.PositiveSmallIntegerField(default=15)),
            ],
        ),
        migrations.CreateModel(
            name="Telling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200, unique=True)),
                ("person", models.CharField(blank=True, max_length=150)),
                ("state", models.CharField(default="pending", max_length=8)),
                ("place", models.PositiveSmallIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due", models.DateTimeField()),
                ("lease_until", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("way", models.CharField(blank=True, max_length=80)),
                ("receipts", models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name="Way",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True)),
                ("person", models.CharField(blank=True, max_length=150)),
                ("kind", models.CharField(max_length=20)),
                ("options", models.JSONField(default=dict)),
                ("position", models.PositiveSmallIntegerField(default=1)),
                ("enabled", models.BooleanField(default=True)),
                ("worked_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True)),
            ],
        ),
        migrations.AddIndex(
            model_name="effect",
            index=models.Index(condition=models.Q(("state", "failed")), fields=["done_at"], name="effect_failed"),
        ),
        migrations.AddIndex(
            model_name="measure",
            index=models.Index(condition=models.Q(("decided", "proposed")), fields=["brand"], name="measure_proposed"),
        ),
        migrations.AddIndex(
            model_name="measure",
            index=models.Index(condition=models.Q(("state", "failed")), fields=["brand"], name="measure_failed"),
        ),
        migrations.AddField(
            model_name="alert",
            name="brand",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.brand"
            ),
        ),
        migrations.AddField(
            model_name="rota",
            name="brand",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rotas",
                to="records.brand",
            ),
        ),
        migrations.AddField(
            model_name="telling",
            name="alert",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tellings", to="records.alert"
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["-opened_at"], name="alert_by_time"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("over_at", None)), fields=("key",), name="alert_open_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rota",
            constraint=models.UniqueConstraint(fields=("brand", "level"), name="rota_of_level", nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name="telling",
            index=models.Index(condition=models.Q(("state", "pending")), fields=["due"], name="telling_due"),
        ),
    ]
