from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0037_telephone_lifts"),
    ]

    operations = [
        migrations.AddField(
            model_name="telling",
            name="over",
            field=models.BooleanField(default=False),
        ),
    ]
