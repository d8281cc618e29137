"""Report formats, one file each; every one is found through its entry point."""
