"""Benchmarks: what the journeys cost next to reading their input. They report; nothing is asserted or timed out."""
