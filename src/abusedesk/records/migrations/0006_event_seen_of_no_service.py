from django.db import migrations


class Migration(migrations.Migration):
    """Nobody asks which service a known event was about, and each row paid for an index and a look-up."""

    dependencies = [("records", "0005_queue_by_deadline")]

    operations = [migrations.RemoveField("eventseen", "service")]
