"""The ways in: drivers for mail, feeds, the web and blocklists, each of which hands bytes to `desk.receive`."""
