"""`python -m abusedesk.web.api`: prints the reference page."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "abusedesk.settings")
django.setup()

from abusedesk.web.api.describe import page  # noqa: E402 - needs Django ready
from abusedesk.web.api.v1 import api  # noqa: E402

sys.stdout.write(page(api.get_openapi_schema()))
