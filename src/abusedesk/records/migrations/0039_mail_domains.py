from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0038_alert_over"),
    ]

    operations = [
        migrations.CreateModel(
            name="MailDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(max_length=255, unique=True)),
                ("host", models.CharField(blank=True, max_length=255)),
                ("until", models.DateTimeField()),
                ("ask_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("ask_at__isnull", False)), fields=["ask_at"], name="mail_domain_asked"
                    ),
                ],
            },
        ),
    ]
