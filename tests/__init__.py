"""Tests of measure; helpers are imported as tests.<folder>.<module>."""
