"""Coverage-guided fuzzing of the entry point that reads messages; `make fuzz` runs it."""
