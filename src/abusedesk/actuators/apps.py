"""The Django application that owns the switchboard of the console actuator."""

from django.apps import AppConfig


class ActuatorsConfig(AppConfig):
    """Tables that actuators keep for themselves."""

    name = "abusedesk.actuators"
    label = "actuators"
    default_auto_field = "django.db.models.BigAutoField"
