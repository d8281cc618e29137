from django.db import migrations, models

# The table is PostgreSQL's own to partition, so Django only hears of the columns.
COLUMNS = """
ALTER TABLE records_message ADD COLUMN details text NOT NULL DEFAULT '', ADD COLUMN envelope_from text;
"""
NO_COLUMNS = "ALTER TABLE records_message DROP COLUMN details, DROP COLUMN envelope_from"


class Migration(migrations.Migration):
    dependencies = [("records", "0010_channels_that_are_asked")]

    operations = [
        migrations.RunSQL(
            COLUMNS,
            NO_COLUMNS,
            state_operations=[
                migrations.AddField("message", "details", models.TextField(blank=True)),
                migrations.AddField("message", "envelope_from", models.TextField(null=True)),
            ],
        ),
        migrations.AddField("ticketentry", "message_id", models.UUIDField(null=True)),
        migrations.AddField("ticketentry", "sender", models.CharField(blank=True, default="", max_length=320), False),
        migrations.AddField("ticketentry", "shown", models.TextField(blank=True, default=""), False),
        migrations.AddConstraint(
            "ticketentry",
            models.UniqueConstraint(fields=("ticket", "message_id"), name="entry_once_per_message"),
        ),
    ]
