"""Deterministic demo sources, one module for each bundled stack that has them."""
