"""What the house can do per second. Each module offers `measure() -> {key: {"value": …, "unit": …}}`."""
