from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0007_what_if")]

    operations = [
        migrations.AddField("messageseen", "again_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="ReadingRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True)),
                ("position", models.PositiveIntegerField(default=0)),
                ("enabled", models.BooleanField(default=True)),
                ("body", models.JSONField(default=dict)),
                ("changed_by", models.CharField(blank=True, max_length=150)),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SenderDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sender", models.CharField(max_length=320)),
                ("day", models.DateField(db_index=True)),
                ("messages", models.PositiveIntegerField(default=0)),
                ("sourced", models.PositiveIntegerField(default=0)),
                ("timed", models.PositiveIntegerField(default=0)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("sender", "day"), name="sender_day")]},
        ),
    ]
