"""`python -m abusedesk.cli`, for processes that start one another without looking for a script."""

import sys

from abusedesk.cli.main import main

sys.exit(main())
