"""The console: server-rendered pages for abuse staff."""
