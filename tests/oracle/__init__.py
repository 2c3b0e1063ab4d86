"""Slow, obvious Python answers that the SQL is compared with; written from the definitions, never from the SQL."""
