"""DuckDB files with a few tables, written for one comparison, and the numbers that `measure diff` tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.build.workshop import Ended, invoke

Row = tuple[Any, ...]


def write(file: Path, *statements: str) -> Path:
    """A file made by statements; a new one or one that is there."""
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return file


def write_rows(file: Path, table: str, columns: Mapping[str, str], rows: Sequence[Row]) -> Path:
    """A file with one table of rows."""
    return write_tables(file, columns, {table: rows})


def write_tables(file: Path, columns: Mapping[str, str], tables: Mapping[str, Sequence[Row]]) -> Path:
    """A file with tables of the same columns, in one transaction: to be made durable is what takes its time."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    lists = ", ".join(f"unnest(CAST(${number} AS {kind}[]))" for number, kind in enumerate(columns.values(), start=1))
    with duckdb.connect(str(file)) as connection:
        connection.begin()
        for table, rows in tables.items():
            connection.execute(f"CREATE TABLE {table} ({typed})")
            if rows:
                values = [list(cells) for cells in zip(*rows, strict=True)]
                connection.execute(f"INSERT INTO {table} SELECT {lists}", values)
        connection.commit()
    return file


@dataclass(frozen=True)
class Told:
    """What `measure diff --json` said."""

    ended: Ended

    @property
    def relations(self) -> dict[str, dict[str, Any]]:
        return {relation["name"]: relation for relation in self.ended.json["relations"]}

    @property
    def statuses(self) -> dict[str, str]:
        return {name: relation["status"] for name, relation in self.relations.items()}

    def counts(self, name: str) -> tuple[int | None, ...]:
        """Rows of A, rows of B, rows only in A, rows only in B, changed cells."""
        relation = self.relations[name]
        keys = ("rows_a", "rows_b", "only_a", "only_b", "changed_cells")
        return tuple(relation[key] for key in keys)

    def cells(self, name: str) -> dict[str, int]:
        """Changed cells by column."""
        return {column["name"]: column["changed_cells"] for column in self.relations[name]["columns"]}


def diff(a: Path | str, b: Path | str, *arguments: str, exit_code: int | None = None) -> Told:
    """`measure diff A B --json`; its exit code goes with what it says."""
    ended = invoke("diff", str(a), str(b), *arguments, "--json")
    assert ended.exit_code in (0, 1), ended.stderr
    assert ended.exit_code == {"same": 0, "different": 1}[ended.json["status"]]
    assert exit_code in (None, ended.exit_code), ended.stdout
    return Told(ended)
