from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0028_lifecycle"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="carries",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
