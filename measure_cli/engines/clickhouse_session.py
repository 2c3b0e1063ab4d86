"""Sessions on ClickHouse: one client each. There are no transactions; every statement takes effect by itself.

No value is part of a text: `clickhouse_values` says how they travel.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from measure_cli.engines.clickhouse_errors import guarded
from measure_cli.engines.clickhouse_values import bound_text, carried, insert_data, insert_text
from measure_cli.engines.parquet import typed_parquet
from measure_cli.engines.rows_file import write_columns
from measure_cli.errors import EngineError
from measure_cli.ports import Columns
from measure_cli.results import Table
from measure_cli.secrets import Secrets
from measure_cli.types import Insertion, Load, Statement


class ClickHouseSession:
    """One client. Used by one thread at a time."""

    def __init__(
        self, client: Client, secrets: Secrets, is_embedded: bool, forget: Callable[[ClickHouseSession], None]
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._is_embedded = is_embedded
        self._forget = forget
        self._stop: Callable[[], None] = lambda: None

    def execute(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        guarded(lambda: self._execute(statement), self._secrets)

    def _execute(self, statement: Statement) -> None:
        if isinstance(statement, Insertion):
            with self._undisturbed():
                self._client.command(insert_text(statement), data=insert_data(statement))
            return
        with self._sent(statement) as (text, arguments):
            if "external_data" in arguments:
                self._client.raw_query(text, **arguments)  # a command would put the text into the URL
            else:
                self._client.command(text, **arguments)

    def query(self, statement: Statement) -> Table:
        """Run a statement and fetch all of its rows."""
        return guarded(lambda: self._query(statement), self._secrets)

    def _query(self, statement: Statement) -> Table:
        with self._sent(statement) as (text, arguments):
            result = self._client.query(text, **arguments)
            columns = tuple(result.column_names) or self._names(text, arguments)
            return Table(columns, tuple(tuple(row) for row in result.result_rows))

    def _names(self, text: str, arguments: dict[str, Any]) -> tuple[str, ...]:
        """The columns of a SELECT without rows: chDB says nothing of them."""
        with contextlib.suppress(ClickHouseError), self._undisturbed():  # it may be no SELECT
            return tuple(row[0] for row in self._client.query(f"DESCRIBE (\n{text}\n)", **arguments).result_rows)
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
        with (
            self._sent(statement) as (text, arguments),
            self._client.query_column_block_stream(text, **arguments) as blocks,
        ):
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

    @contextlib.contextmanager
    def _sent(self, statement: Statement) -> Iterator[tuple[str, dict[str, Any]]]:
        """A text and the arguments of the driver that bring its values along."""
        text, values = bound_text(statement), {**statement.parameters, **self._secrets.bound(statement.secrets)}
        with self._undisturbed(), carried(self._client, values, text, self._is_embedded) as arguments:
            yield text, arguments

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """After an error chDB would put what it had of the rows before its next answer: have that one at once."""
        try:
            yield
        except ClickHouseError:
            if self._is_embedded:
                with contextlib.suppress(ClickHouseError):
                    self._client.raw_query("SELECT 1")
            raise
