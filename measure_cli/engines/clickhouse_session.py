"""Sessions on ClickHouse: one client each. There are no transactions; every statement takes effect by itself.

Values are bound by the server. It writes them into the text that its log of queries keeps, so secrets are no
parameters: statements read them from a table that exists for one statement (server) or one session (chDB) only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData

from measure_cli.engines.clickhouse_errors import guarded
from measure_cli.engines.parquet import typed_parquet
from measure_cli.engines.rows_file import write_columns
from measure_cli.errors import EngineError
from measure_cli.ports import Columns
from measure_cli.results import Table
from measure_cli.secrets import Secrets
from measure_cli.sqltext import split_placeholders
from measure_cli.types import Load, Statement

LARGEST_INT64 = 2**63
SECRET_TABLE = "measure_secret_"


class ClickHouseSession:
    """One client. Used by one thread at a time."""

    def __init__(
        self, client: Client, secrets: Secrets, is_embedded: bool, forget: Callable[[ClickHouseSession], None]
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._is_embedded = is_embedded
        self._forget = forget
        self._has: set[str] = set()
        self._stop: Callable[[], None] = lambda: None

    def execute(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        guarded(lambda: self._client.command(bound_text(statement), **self._values(statement)), self._secrets)

    def query(self, statement: Statement) -> Table:
        """Run a statement and fetch all of its rows."""
        return guarded(lambda: self._rows(bound_text(statement), self._values(statement)), self._secrets)

    def _rows(self, text: str, values: Mapping[str, Any]) -> Table:
        result = self._client.query(text, **values)
        columns = tuple(result.column_names) or self._names(text, values)
        return Table(columns, tuple(tuple(row) for row in result.result_rows))

    def _names(self, text: str, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns of a SELECT without rows: chDB says nothing of them."""
        with contextlib.suppress(ClickHouseError):  # not a SELECT
            return tuple(row[0] for row in self._client.query(f"DESCRIBE (\n{text}\n)", **values).result_rows)
        return ()

    def load(self, load: Load) -> None:
        """Fill a table from local files, by way of a Parquet file with its exact types."""
        names = [name for name, _ in load.columns]
        with TemporaryDirectory(prefix="measure-") as folder:
            file = typed_parquet(load, Path(folder) / "rows.parquet", self._on_start)
            with file.open("rb") as rows:
                guarded(lambda: self._client.raw_insert(load.table, names, rows, fmt="Parquet"), self._secrets)

    def unload(self, statement: Statement, columns: Columns, file: Path) -> None:
        """Write the rows of a SELECT into a DuckDB file, block by block."""
        guarded(lambda: self._unload(statement, columns, file), self._secrets)

    def _unload(self, statement: Statement, columns: Columns, file: Path) -> None:
        with self._client.query_column_block_stream(bound_text(statement), **self._values(statement)) as blocks:
            write_columns(file, columns, blocks)

    def _on_start(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def stop(self) -> None:
        """Stop the reading of local files. Callable from another thread."""
        self._stop()

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run all statements in order; those before the one that fails have taken effect."""
        for statement in statements:
            try:
                self.execute(statement)
            except EngineError as error:
                error.statement = statement
                raise

    def close(self) -> None:
        """Give the connection back."""
        self._forget(self)
        self._client.close()

    def _values(self, statement: Statement) -> dict[str, Any]:
        """Arguments of the driver for parameters and secrets; both travel beside the text."""
        values: dict[str, Any] = {"parameters": dict(statement.parameters) or None}
        if not statement.secrets:
            return values
        secrets = self._secrets.bound(statement.secrets)
        if self._is_embedded:
            self._keep(secrets)
            return values
        external = ExternalData()
        for name, value in secrets.items():
            external.add_file(file_name=secret_table(name), data=value.encode(), fmt="TSV", structure=["value String"])
        return {**values, "external_data": external}

    def _keep(self, secrets: Mapping[str, str]) -> None:
        """Put secrets into temporary tables, which only this session sees; chDB keeps no log of queries."""
        for name, value in secrets.items():
            if name not in self._has:
                self._client.command(f"CREATE TEMPORARY TABLE {secret_table(name)} (value String)")
                self._client.command(
                    f"INSERT INTO {secret_table(name)} SELECT {{value:String}}", parameters={"value": value}
                )
                self._has.add(name)


def secret_table(name: str) -> str:
    """Where statements find a secret."""
    return SECRET_TABLE + name


def bound_text(statement: Statement) -> str:
    """The text with placeholders as ClickHouse knows them, typed by their values.

    >>> bound_text(Statement("SELECT $day, '$day'", {"day": date(2024, 1, 2)}))
    "SELECT {day:Nullable(Date32)}, '$day'"

    Raises:
        EngineError: a placeholder has no value.
    """
    if not statement.parameters and not statement.secrets:
        return statement.sql
    pieces = split_placeholders(statement.sql, backslash_escapes=True)
    return "".join(placeholder(piece, statement) if number % 2 else piece for number, piece in enumerate(pieces))


def placeholder(name: str, statement: Statement) -> str:
    """One placeholder as ClickHouse knows it."""
    if name in statement.secrets:
        return f"assumeNotNull((SELECT value FROM {secret_table(name)}))"
    if name not in statement.parameters:
        raise EngineError(f"the statement needs {name}, and nothing gives a value for it")
    return f"{{{name}:Nullable({parameter_type(statement.parameters[name])})}}"


def parameter_type(value: object) -> str:
    """The type of ClickHouse for a value of Python.

    >>> parameter_type(True), parameter_type(7), parameter_type(datetime(2024, 1, 2))
    ('Bool', 'Int64', "DateTime64(6, 'UTC')")
    """
    match value:
        case bool():
            return "Bool"
        case int():
            return "Int64" if -LARGEST_INT64 <= value < LARGEST_INT64 else "Int256"
        case float():
            return "Float64"
        case datetime():
            return "DateTime64(6, 'UTC')"
        case date():
            return "Date32"
    return "String"
