from django.db import migrations, models

# What was in force before anybody looked again is looked at now.
LOOK = """
UPDATE records_target target SET look_at = now() WHERE NOT dirty AND EXISTS (
    SELECT FROM records_measure measure WHERE measure.target_id = target.id AND measure.state = 'in_force')
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0023_submissions")]

    operations = [
        migrations.AddField("target", "look_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "target",
            models.Index(
                fields=["look_at"], condition=models.Q(dirty=False, look_at__isnull=False), name="target_to_look_at"
            ),
        ),
        migrations.RunSQL(LOOK, migrations.RunSQL.noop),
    ]
