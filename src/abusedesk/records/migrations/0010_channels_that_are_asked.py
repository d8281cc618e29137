from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0009_publications")]

    operations = [
        migrations.AddField("channel", "options", models.JSONField(default=dict)),
        migrations.AddField("channel", "memory", models.JSONField(default=dict)),
        migrations.AddField("channel", "backlog", models.PositiveIntegerField(default=0)),
        migrations.AddField("channel", "checked_at", models.DateTimeField(null=True)),
        migrations.AddField("channel", "failing_since", models.DateTimeField(null=True)),
        migrations.AddField("channel", "error", models.TextField(blank=True, default=""), preserve_default=False),
    ]
