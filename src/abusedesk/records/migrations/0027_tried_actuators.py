from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0026_unread_services"),
    ]

    operations = [
        migrations.AddField(
            model_name="measure",
            name="tried",
            field=models.JSONField(default=list),
        ),
    ]
