"""The demo: an invented day of a provider with two brands, by the same doors as a real one."""
