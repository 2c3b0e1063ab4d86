"""Statements for a script in any other dialect: plain SQL in DuckDB's, for a translator to do its best with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measure_cli.ddl.base import Columns
from measure_cli.ddl.duckdb import DuckDBDdl
from measure_cli.types import ModelConfig, Statement


@dataclass(frozen=True, slots=True)
class OtherDdl(DuckDBDdl):
    """Writes what most databases have: schemas, tables made from a SELECT, views."""

    reads_files: bool = False

    def place(self, schema: str, is_internal: bool = False) -> str:
        """Every schema stands in the one database there is."""
        del is_internal
        return schema

    def comments(self, name: str, as_view: bool, description: str, columns: Mapping[str, str]) -> list[Statement]:
        """None: every database has its own way."""
        del name, as_view, description, columns
        return []

    def script_head(self, has_internal: bool, secrets: Sequence[str]) -> list[str]:
        """Nothing to set."""
        del has_internal, secrets
        return []

    def script_load(self, name: str, columns: Columns, select: str, file: str) -> list[str]:
        """An empty table; `file` holds its rows, and loading it is up to the database's own tools."""
        del select
        made = self.create_table(name, columns, ModelConfig())[0].sql
        return [f"/* load the rows of {file} into this table */ {made}"]

    def script_placeholder(self, secret: str) -> str:
        """A parameter."""
        return f"${secret}"
