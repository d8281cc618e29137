"""The command line: `abusedesk COMMAND`, one module for each command."""
