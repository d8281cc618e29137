"""The web interface as a WSGI application, for any server that speaks WSGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
application = get_wsgi_application()


def supervised() -> object:
    """The application in a process of `abusedesk web`, which must not outlive it."""
    from abusedesk import lifeline  # noqa: PLC0415 - other WSGI servers look after their own processes

    lifeline.end_with_parent(lifeline.main_process)
    return application
