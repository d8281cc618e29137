"""The Django application that owns the tables."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Tables of the desk."""

    name = "abusedesk.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
