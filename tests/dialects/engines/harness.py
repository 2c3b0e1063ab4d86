"""One SELECT on several engines: each engine holds the same tables, and has to return what DuckDB returns.

Every engine but DuckDB runs in a process of its own: chDB takes one folder a process, and an emulator may replace a
driver. A difference of rows is reported value by value; doubles may differ by 1e-9 of their size.
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import duckdb

from measure_cli.clickhouse_text import MEANING, clickhouse_type
from measure_cli.dialects.compile import compile_select
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.kinds import EngineKind
from tests.dialects.engines.tables import SCHEMA, TABLES, select

Row = tuple[Any, ...]
PRECISION = 1e-9
SETTINGS = {**MEANING, "enable_materialized_cte": 1}
SCHEMAS: Mapping[str, Mapping[str, str]] = {f"{SCHEMA}.{name}": columns for name, (columns, _) in TABLES.items()}


class EngineError(Exception):
    """What an engine said when it refused a query."""


class Session(Protocol):
    """An open engine in its process; `load` gets a Parquet file with exactly the declared types."""

    def load(self, name: str, columns: Mapping[str, str], file: Path) -> None: ...

    def rows(self, sql: str) -> list[Row]: ...


@dataclass
class EngineUnderTest:
    """An engine with the tables: `opens` makes a session in an empty folder, `relation` names a table in SQL."""

    kind: EngineKind
    opens: Callable[[Path], Session]
    relation: Callable[[str], str]
    _pipe: Connection | None = field(default=None, init=False)
    _folder: TemporaryDirectory[str] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process and fill its tables."""
        self._folder = TemporaryDirectory()
        self._pipe, theirs = multiprocessing.get_context("spawn").Pipe()
        worker = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(self.opens, Path(self._folder.name), theirs), daemon=True
        )
        worker.start()
        theirs.close()
        reference = Reference()
        for name, (columns, _) in TABLES.items():
            file = Path(self._folder.name) / f"{name}.parquet"
            reference.export(name, file)
            self._ask("load", name, dict(columns), file)

    def stop(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.send(None)
            self._pipe.close()

    def compile(self, sql: str) -> CompiledSelect:
        """The SELECT in the engine's dialect."""
        return compile_select(sql, SCHEMAS, locate=lambda line: f"case.sql:{line}", engine=self.kind)

    def rows(self, sql: str) -> list[Row]:
        """Rows of an authored SELECT.

        Raises:
            EngineError: the engine refuses what was written for it.
        """
        written = self.compile(sql).sql(lambda key: self.relation(key.partition(".")[2]))
        try:
            rows: list[Row] = self._ask("rows", written)
        except EngineError as error:
            raise EngineError(f"{error}\n{written}") from None
        return rows

    def _ask(self, method: str, *arguments: object) -> Any:
        assert self._pipe is not None
        self._pipe.send((method, arguments))
        is_good, answer = self._pipe.recv()
        if not is_good:
            raise EngineError(answer)
        return answer


def _serve(opens: Callable[[Path], Session], folder: Path, pipe: Connection) -> None:
    """The other process: open the engine, answer questions until there is none."""
    session = opens(folder)
    while request := pipe.recv():
        method, arguments = request
        try:
            pipe.send((True, getattr(session, method)(*arguments)))
        except Exception as error:  # whatever a driver raises is the answer
            pipe.send((False, f"{type(error).__name__}: {error}"))


class Reference:
    """DuckDB, which runs a SELECT as its author wrote it."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for name in TABLES:
            self._connection.execute(f"CREATE TABLE {SCHEMA}.{name} AS {select(name)}")

    def rows(self, sql: str) -> list[Row]:
        """Rows of an authored SELECT."""
        return self._connection.execute(sql).fetchall()

    def export(self, name: str, file: Path) -> None:
        """A table as a Parquet file; HUGEINT, which Parquet has not, as an exact DECIMAL."""
        columns, _ = TABLES[name]
        listed = ", ".join(
            f"CAST({column} AS VARCHAR) AS {column}" if data_type == "HUGEINT" else column
            for column, data_type in columns.items()
        )
        self._connection.execute(f"COPY (SELECT {listed} FROM {SCHEMA}.{name}) TO '{file}' (FORMAT parquet)")


class ChdbSession:
    """ClickHouse in the process."""

    def __init__(self, folder: Path) -> None:
        import clickhouse_connect

        self._client = clickhouse_connect.get_client(dsn=f"chdb://{folder}/data")

    def load(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """Make and fill a table."""
        typed = ", ".join(f"{column} {clickhouse_type(data_type)}" for column, data_type in columns.items())
        self._client.command(f"CREATE TABLE {name} ({typed}) ENGINE = MergeTree ORDER BY tuple()")
        self._client.command(f"INSERT INTO {name} SELECT * FROM file('{file}', Parquet)")

    def rows(self, sql: str) -> list[Row]:
        """Rows, timestamps without their zone."""
        found = self._client.query(sql, settings=SETTINGS).result_rows
        return [tuple(_naive(value) for value in row) for row in found]


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


CHDB = EngineUnderTest(EngineKind.CLICKHOUSE, ChdbSession, lambda name: f"default.{name}")


# -- comparison -------------------------------------------------------------------------------------------------------


def differences(expected: Sequence[Row], found: Sequence[Row], ordered: bool) -> list[str]:
    """What is not equal; the order of rows counts only where a query has one."""
    if len(expected) != len(found):
        return [f"{len(expected)} rows expected, {len(found)} found: {expected[:3]} ... {found[:3]}"]
    if not ordered:
        expected, found = sorted(expected, key=_sort_key), sorted(found, key=_sort_key)
    return [
        f"row {number}: {left!r} expected, {right!r} found"
        for number, (left, right) in enumerate(zip(expected, found, strict=True))
        if len(left) != len(right) or not all(map(_equal, left, right))
    ]


def _equal(left: Any, right: Any) -> bool:
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, float) and isinstance(right, float | int | Decimal):
        return math.isclose(left, float(right), rel_tol=PRECISION) or (math.isnan(left) and math.isnan(float(right)))
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return left == right
    return type(left) is type(right) and bool(left == right)


def _sort_key(row: Row) -> tuple[Any, ...]:
    return tuple((value is None, str(type(_rough(value))), _rough(value)) for value in row)


def _rough(value: Any) -> Any:
    """Numbers of all types sort alike, without the digits in which doubles may differ."""
    if value is None:
        return 0
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(f"{float(value):.6e}") if is_number else value
