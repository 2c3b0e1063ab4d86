"""Demo data: deterministic, and with effects that can be found again."""
