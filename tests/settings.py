"""Settings of the tests: those of the product, with a data folder that is thrown away."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("ABUSEDESK_")]:
    del os.environ[_name]  # What the developer has set must not decide whether tests pass.

FOLDER = Path(tempfile.mkdtemp(prefix="abusedesk-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ["ABUSEDESK_DATA"] = str(FOLDER)
os.environ["ABUSEDESK_DNS"] = "no"  # A test that wants a DNS brings its own.

from abusedesk.settings import *  # noqa: E402, F403

# Hashing a password is slow by design; tests make many users.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# The browsers of the tests sign in more often from one address than any person does.
ACCOUNT_RATE_LIMITS = False
