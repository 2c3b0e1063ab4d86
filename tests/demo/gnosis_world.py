"""The generated files of the `gnosis` demo in DuckDB, typed as `COLUMNS` says: text that does not parse fails."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from measure_cli.demo.gnosis import COLUMNS, generate

AS_OF = date(2025, 6, 30)
FIRST = date(2023, 6, 30)
MIDNIGHT = datetime(2023, 6, 30)
SCALES = (0.1, 1.0)

Rows = list[tuple[Any, ...]]


class World:
    """One generated demo; all of its sources are tables."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._connection = duckdb.connect()
        for source, file in files.items():
            casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS[source].items())
            text = f"read_csv('{file}', all_varchar = true, header = true, delim = ',', quote = '\"')"
            self._connection.execute(f"CREATE TABLE {source} AS SELECT {casts} FROM {text}")

    def rows(self, sql: str) -> Rows:
        return self._connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        ((value,),) = self.rows(sql)
        return value

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.rows(sql)]


@cache
def world(scale: float, as_of: date = AS_OF) -> World:
    """Kept for all tests of a process."""
    with tempfile.TemporaryDirectory() as folder:
        return World(generate(Path(folder), as_of=as_of, scale=scale))


def moment(days: int, **parts: float) -> datetime:
    """Noon that many days before as_of, and a bit."""
    return datetime(2025, 6, 30, 12) - timedelta(days=days) + timedelta(**parts)
