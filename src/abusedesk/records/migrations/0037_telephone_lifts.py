import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0036_audit_runs"),
    ]

    operations = [
        migrations.CreateModel(
            name="TelephoneLift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                ("key", models.CharField(max_length=100, unique=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.brand"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["by", "at"], name="telephone_lift_by_agent")],
            },
        ),
    ]
