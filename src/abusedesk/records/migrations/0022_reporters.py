import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0021_inventories")]

    operations = [
        migrations.AddField("reporter", "addresses", models.JSONField(default=list)),
        migrations.AddField("reporter", "certificates", models.JSONField(default=list)),
        migrations.AddField("reporter", "formats", models.JSONField(default=list)),
        migrations.AddField("reporter", "trusted_flagger", models.BooleanField(default=False)),
        migrations.AddField("reporter", "muted_at", models.DateTimeField(null=True)),
        migrations.AddField("reporter", "muted_by", models.CharField(blank=True, max_length=150)),
        migrations.AddField("reporter", "muted_reason", models.CharField(blank=True, max_length=300)),
        migrations.AddField("reporter", "last_seen", models.DateTimeField(null=True)),
        migrations.AddField("reporter", "shipped", models.JSONField(default=dict)),
        migrations.RunSQL("UPDATE records_reporter SET last_seen = first_seen", migrations.RunSQL.noop),
        migrations.AddIndex("reporter", models.Index(fields=["last_seen", "id"], name="reporter_by_last_seen")),
        migrations.AddField(
            "channel",
            "reporter",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="feeds",
                to="records.reporter",
            ),
        ),
        migrations.CreateModel(
            name="ReporterChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("what", models.CharField(max_length=500)),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "reporter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="records.reporter"
                    ),
                ),
            ],
            options={"ordering": ["-at", "-pk"]},
        ),
    ]
