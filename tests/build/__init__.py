"""Builds of small stacks on DuckDB files: what is built, audited, published, and what survives failures."""
