"""Whether two databases hold the same rows. Doubles agree when they are equal to 1e-9: threads add in any order."""

from __future__ import annotations

from itertools import zip_longest
from math import isclose
from pathlib import Path
from typing import Any

import duckdb

Row = tuple[Any, ...]


def differences(left: Path, right: Path) -> dict[str, Any]:
    """Relation -> what is not alike: its columns, or some pairs of rows; the tool's own state aside."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{left}' AS a (READ_ONLY); ATTACH '{right}' AS b (READ_ONLY)")
        ours, theirs = columns_of(connection, "a"), columns_of(connection, "b")
        found: dict[str, Any] = dict.fromkeys(set(ours) ^ set(theirs), "on one side only")
        for name in set(ours) & set(theirs):
            if ours[name] != theirs[name]:
                found[name] = (ours[name], theirs[name])
            elif pairs := unlike_rows(connection, name, ours[name]):
                found[name] = pairs
        return found


def columns_of(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, list[tuple[str, str]]]:
    """Relation -> columns with their types."""
    sql = (
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name <> 'measure_state' AND NOT internal "
        "ORDER BY schema_name, table_name, column_index"
    )
    columns: dict[str, list[tuple[str, str]]] = {}
    for name, column, kind in connection.execute(sql, [catalog]).fetchall():
        columns.setdefault(name, []).append((column, kind))
    return columns


def unlike_rows(
    connection: duckdb.DuckDBPyConnection, name: str, columns: list[tuple[str, str]]
) -> list[tuple[Row | None, Row | None]]:
    """Some pairs of rows that are not alike; rows count with their repetitions."""
    sides = [
        f"(SELECT * FROM {one}.{name} EXCEPT ALL SELECT * FROM {other}.{name})"
        for one, other in (("a", "b"), ("b", "a"))
    ]
    order = ", ".join(f'"{column}"' for column, _ in sorted(columns, key=lambda column: column[1] == "DOUBLE"))
    left, right = (connection.execute(f"{side} ORDER BY {order}").fetchall() for side in sides)
    return [pair for pair in zip_longest(left, right) if not alike(*pair)][:3]


def alike(left: Row | None, right: Row | None) -> bool:
    """Whether two rows are equal, doubles to 1e-9."""
    if left is None or right is None:
        return False
    return all(
        isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
        if isinstance(one, float) and isinstance(other, float)
        else one == other
        for one, other in zip(left, right, strict=True)
    )
