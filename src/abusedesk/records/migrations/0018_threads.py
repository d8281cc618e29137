import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0017_suppressions_and_campaigns"),
    ]

    operations = [
        migrations.CreateModel(
            name="Thread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.UUIDField(unique=True)),
                ("token", models.CharField(max_length=40, unique=True)),
                ("address", models.CharField(max_length=320)),
                ("domain", models.CharField(max_length=255)),
                ("mail_id", models.CharField(blank=True, max_length=255)),
                ("follows", models.JSONField(default=list)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("language", models.CharField(max_length=12)),
                ("is_vouched", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("told", models.CharField(blank=True, max_length=30)),
                ("look_at", models.DateTimeField(null=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="threads", to="records.brand"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="notice",
            name="thread",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="records.thread"
            ),
        ),
        migrations.CreateModel(
            name="ThreadEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("author", models.CharField(max_length=150)),
                ("text", models.TextField()),
                ("shown", models.TextField(blank=True)),
                ("message_id", models.UUIDField(null=True)),
                ("sender", models.CharField(blank=True, max_length=320)),
                (
                    "notice",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="remark",
                        to="records.notice",
                    ),
                ),
                (
                    "thread",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="records.thread"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("to", models.CharField(max_length=40)),
                ("by", models.CharField(max_length=150)),
                ("text", models.TextField()),
                ("saved_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="records.case"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("case", "to", "by"), name="one_draft_each")],
            },
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["address", "opened_at"], name="thread_by_address"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["domain", "opened_at"], name="thread_by_domain"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                condition=models.Q(("is_vouched", False)), fields=["brand", "opened_at"], name="thread_unvouched"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                condition=models.Q(("mail_id", ""), _negated=True), fields=["mail_id"], name="thread_by_mail"
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                condition=models.Q(("look_at__isnull", False)), fields=["look_at"], name="thread_to_look_at"
            ),
        ),
        migrations.AddConstraint(
            model_name="threadentry",
            constraint=models.UniqueConstraint(fields=("thread", "message_id"), name="remark_once_per_message"),
        ),
    ]
