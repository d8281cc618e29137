from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0027_tried_actuators"),
    ]

    operations = [
        migrations.AddField(
            model_name="measure",
            name="ended",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AddField(
            model_name="deadline",
            name="measure",
            field=models.CharField(blank=True, max_length=40),
        ),
    ]
