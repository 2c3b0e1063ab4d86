"""Local files -> one Parquet file with exactly the declared types, for engines that cannot read the files themselves.

An embedded DuckDB reads them, within bounds of memory: what does not fit is spilled beside the result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import duckdb

from measure_cli.engines.duckdb import our_errors
from measure_cli.errors import EngineError
from measure_cli.sqltext import identifier, literal
from measure_cli.types import Load

MEMORY_LIMIT = "2GB"
WIDEST_INTEGER = "DECIMAL(38,0)"  # Parquet has no wider integer than BIGINT; DuckDB would write HUGEINT as DOUBLE

OnStart = Callable[[Callable[[], None]], None]


def typed_parquet(load: Load, file: Path, on_start: OnStart = lambda _: None) -> Path:
    """Write the rows of a load to `file`, which appears only when it is complete.

    `on_start` is handed what stops the work from another thread.

    Raises:
        EngineError: the input cannot be read as declared, or the file cannot be written.
        Cancelled: it was stopped.
    """
    partial = file.with_name(f"{file.name}.partial")
    typed = ", ".join(
        f"CAST({identifier(name)} AS {parquet_type(kind)}) AS {identifier(name)}" for name, kind in load.columns
    )
    rows = f"SELECT {typed} FROM (\n{load.select}\n)"
    copy = f"COPY ({rows}) TO {literal(str(partial))} (FORMAT parquet, COMPRESSION zstd)"
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": f"{partial}.spill",
        "preserve_insertion_order": False,
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with our_errors(), duckdb.connect(config=config) as connection:
            on_start(stopper(connection))
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(copy)
        return partial.replace(file)
    except OSError as error:
        raise EngineError(f"{file.name} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def stopper(connection: duckdb.DuckDBPyConnection) -> Callable[[], None]:
    """What stops a connection's work; once that is over it does nothing."""

    def stop() -> None:
        with contextlib.suppress(duckdb.Error):
            connection.interrupt()

    return stop


def parquet_type(data_type: str) -> str:
    """The type that stands in the file for a declared one.

    >>> parquet_type("HUGEINT"), parquet_type("TIMESTAMP")
    ('DECIMAL(38,0)', 'TIMESTAMP')
    """
    return WIDEST_INTEGER if data_type in ("HUGEINT", "UHUGEINT") else data_type
