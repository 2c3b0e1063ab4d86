"""Batches on Snowflake: changes of rows that follow each other are one transaction, a definition commits by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from measure_cli.ddl.base import Columns, Swap
from measure_cli.snowflake_text import snowflake_identifier, snowflake_literal
from measure_cli.types import ModelConfig, Statement


@dataclass(frozen=True, slots=True)
class SnowflakeBatches:
    """Writes for Snowflake."""

    def column(self, name: str) -> str:
        """Quoted where Snowflake needs it."""
        return snowflake_identifier(name)

    def moment(self, text: str) -> str:
        """A cast to the type that knows no time zone."""
        return f"CAST({text} AS TIMESTAMP_NTZ)"

    def literal(self, text: str) -> str:
        """Quotes and backslashes are doubled."""
        return snowflake_literal(text)

    def days(self, name: str, columns: Sequence[str], time_column: str | None) -> str:
        """A sum of hashes knows no order, and counts equal rows as often as they are there."""
        values = ", ".join(map(snowflake_identifier, columns)) or "1"
        day = f"TO_CHAR(CAST({snowflake_identifier(time_column)} AS DATE), 'YYYY-MM-DD')" if time_column else "NULL"
        facts = (
            f"SELECT CAST({day} AS VARCHAR) AS day, COUNT(*) AS n_rows, CAST(SUM(HASH({values})) AS VARCHAR) AS content"
        )
        # By number: a column of the relation that is called `day` would come before the output.
        return f"{facts}\nFROM {name} AS seen\nGROUP BY 1"

    def delete(self, name: str, condition: str) -> list[Statement]:
        """Remove rows."""
        return [Statement(f"DELETE FROM {name} WHERE {condition}")]

    def insert(self, name: str, columns: Columns, select: str, config: ModelConfig) -> str:
        """Rows come sorted as configured, so that what they are stored in can be skipped."""
        listed = ", ".join(snowflake_identifier(column) for column, _ in columns)
        order = f"\nORDER BY {', '.join(map(snowflake_identifier, config.order_by))}" if config.order_by else ""
        return f"INSERT INTO {name} ({listed})\n{select}{order}"

    def add_text(self, name: str, column: str) -> Statement:
        """A definition that may be there already."""
        return Statement(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {snowflake_identifier(column)} VARCHAR")

    def is_unfinished(self, place: str, name: str, known: Collection[str]) -> bool:
        """Statements are done or not."""
        del place, name, known
        return False

    def publish(self, swap: Swap) -> list[Statement]:
        """The table is replaced at once, or loses and gets rows in one transaction; the stage stays until then."""
        listed = ", ".join(snowflake_identifier(column) for column, _ in swap.columns)
        gone = Statement(f"DROP TABLE IF EXISTS {swap.stage}")
        if swap.intervals is None:
            room = [Statement(f"DROP VIEW IF EXISTS {swap.published}")] if swap.existing == "view" else []
            whole = f"CREATE OR REPLACE TABLE {swap.published} COPY GRANTS AS\nSELECT {listed} FROM {swap.stage}"
            return [*room, Statement(whole), gone]
        rows = f"SELECT {listed} FROM {swap.stage} WHERE {swap.condition}"
        filled = Statement(f"INSERT INTO {swap.published} ({listed})\n{rows}")
        return [
            *(self.delete(swap.published, swap.condition) if swap.intervals else []),
            *([filled] if swap.is_filled else []),
            gone,
        ]
