"""The systems that know who holds what: one file each, each behind the entry point group `abusedesk.inventories`."""
