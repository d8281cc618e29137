from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0039_mail_domains"),
    ]

    operations = [
        migrations.AddField(
            model_name="appeal",
            name="held",
            field=models.JSONField(default=list),
        ),
    ]
