"""Rows of any engine -> a DuckDB file with one table, typed as told, within bounds of memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from measure_cli.engines.duckdb import our_errors
from measure_cli.ports import ROWS_TABLE, Columns
from measure_cli.sqltext import identifier

BATCH_ROWS = 20_000
MEMORY_LIMIT = "1GB"


def write_columns(file: Path, columns: Columns, batches: Iterable[Sequence[Sequence[Any]]]) -> None:
    """Write rows that come in batches, column by column: the driver binds a list faster than it binds rows."""
    typed = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns)
    lists = ", ".join(f"unnest(CAST(${number} AS {kind}[]))" for number, (_, kind) in enumerate(columns, start=1))
    with our_errors(), duckdb.connect(str(file), config={"memory_limit": MEMORY_LIMIT}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE {ROWS_TABLE} ({typed})")
        for batch in batches:
            connection.execute(f"INSERT INTO {ROWS_TABLE} SELECT {lists}", [list(cells) for cells in batch])
