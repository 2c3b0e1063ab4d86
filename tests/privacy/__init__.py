"""Pseudonyms, column lineage, and what may not leave internal relations."""
