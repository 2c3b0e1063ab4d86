"""SQL of models: read in the DuckDB dialect, checked, resolved, written for an engine.

`compiled` is plain data without sqlglot; `compile` is the pipeline and loads sqlglot.
"""
