from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actuators", "0001_switch")]

    operations = [
        migrations.CreateModel(
            name="Fence",
            fields=[
                ("target", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("fence", models.BigIntegerField()),
            ],
        ),
    ]
