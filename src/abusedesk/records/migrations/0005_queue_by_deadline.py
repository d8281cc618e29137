"""The queue by its nearest deadline, of all brands and of one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0004_holders_version"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("needs", []), _negated=True), fields=["next_due", "id"], name="case_queue_due"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("needs", []), _negated=True),
                fields=["brand", "next_due", "id"],
                name="case_queue_brand",
            ),
        ),
    ]
