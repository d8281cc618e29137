from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0013_addresses_of_customers")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE records_message ADD COLUMN provenance jsonb NOT NULL DEFAULT '{}'",
            "ALTER TABLE records_message DROP COLUMN provenance",
            state_operations=[migrations.AddField("message", "provenance", models.JSONField(default=dict))],
        ),
    ]
