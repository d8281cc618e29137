from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0025_upstream_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="inventory",
            name="unread",
            field=models.JSONField(default=dict),
        ),
    ]
