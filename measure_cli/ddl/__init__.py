"""The statements around a SELECT (schemas, tables, views, swaps, comments), one writer per engine. Pure text."""
