from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0029_services_that_carry"),
    ]

    operations = [
        migrations.AddField(model_name="deadline", name="braked_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="deadline", name="released_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="deadline", name="would", field=models.JSONField(null=True)),
        migrations.AddField(model_name="deadline", name="acted_at", field=models.DateTimeField(null=True)),
        migrations.AddIndex(
            model_name="deadline",
            index=models.Index(
                condition=models.Q(("braked_at__isnull", False), ("state", "open")),
                fields=["brand", "due"],
                name="deadline_braked",
            ),
        ),
        migrations.AddIndex(
            model_name="deadline",
            index=models.Index(
                condition=models.Q(("acted_at__isnull", False)),
                fields=["brand", "acted_at"],
                name="deadline_acted",
            ),
        ),
    ]
