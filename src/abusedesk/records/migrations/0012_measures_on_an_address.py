from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0011_answers")]

    operations = [
        migrations.AddIndex(
            "measure",
            models.Index(
                fields=["ip"],
                condition=models.Q(kind__in=["null_route", "rate_limit"], decided__in=["proposed", "in_force"]),
                name="measure_on_address",
            ),
        ),
    ]
