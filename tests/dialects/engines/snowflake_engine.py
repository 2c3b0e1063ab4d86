"""Snowflake as an emulator has it: what sqlglot parses as Snowflake's dialect, on DuckDB.

Equal rows show that the text is Snowflake SQL and says what was meant; see docs/snowflake.md for what they cannot show.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import fakesnow
import snowflake.connector

from measure_cli.ddl.snowflake import SnowflakeDdl
from measure_cli.engines.snowflake_session import plain
from measure_cli.kinds import EngineKind
from measure_cli.snowflake_text import copy_text, put_text
from measure_cli.types import ModelConfig
from tests.dialects.engines.harness import EngineUnderTest, Row
from tests.dialects.engines.tables import SCHEMA

DDL = SnowflakeDdl("emulated")


def relation(name: str) -> str:
    """A table by its name in SQL."""
    return DDL.name(DDL.place(SCHEMA), name)


class EmulatorSession:
    """The driver, connected to an emulator for as long as the process lives."""

    def __init__(self, folder: Path) -> None:
        del folder
        warnings.simplefilter("ignore")
        self._patched = ExitStack()
        self._patched.enter_context(fakesnow.patch())
        self._cursor = snowflake.connector.connect(database="EMULATED", paramstyle="qmark").cursor()
        self._cursor.execute(DDL.create_schema(DDL.place(SCHEMA)).sql)

    def load(self, name: str, columns: Mapping[str, str], file: Path) -> None:
        """Make and fill a table."""
        table = relation(name)
        for statement in DDL.create_table(table, [*columns.items()], ModelConfig()):
            self._cursor.execute(statement.sql)
        self._cursor.execute(put_text(table, within_64_bits(columns, file).as_posix()))
        self._cursor.execute(copy_text(table))

    def rows(self, sql: str) -> list[Row]:
        """Rows, with values as the adapter returns them; the emulator has sums of whole numbers as doubles."""
        return [tuple(whole(plain(value)) for value in row) for row in self._fetched(sql)]

    def _fetched(self, sql: str) -> list[Row]:
        self._cursor.execute(sql)
        return [tuple(row) for row in self._cursor.fetchall()]


def whole(value: Any) -> Any:
    """A double without a fraction as a whole number: where a double is expected, the two are equal."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def within_64_bits(columns: Mapping[str, str], file: Path) -> Path:
    """The file without whole numbers wider than 64 bits: Snowflake has 38 digits, the emulator 64 bits."""
    kept = file.with_suffix(".narrow.parquet")
    narrow = ", ".join(f"TRY_CAST({name} AS BIGINT) AS {name}" for name, kind in columns.items() if kind == "HUGEINT")
    replaced = f"* REPLACE ({narrow})" if narrow else "*"
    duckdb.execute(f"COPY (SELECT {replaced} FROM '{file}') TO '{kept}' (FORMAT parquet)")
    return kept


SNOWFLAKE = EngineUnderTest(EngineKind.SNOWFLAKE, EmulatorSession, relation)

# Cases that Snowflake answers as DuckDB does, by its documentation, and the emulator does not: case -> what it does.
_WIDE = "has whole numbers of 64 bits only"
_SUM = "has sums of decimals as doubles"
_DISTINCT = "writes SUM(TRY_CAST(DISTINCT ...)), which is no SQL"
_SIDES = "trims both sides, and takes the characters for one text"
_STRICT = "casts text to TIMESTAMP_NTZ strictly where TRY_CAST is asked for"
FAULTS: Mapping[str, str] = {
    **dict.fromkeys(("h + 1", "h - i", "h * 0", "h > i", "CAST(h AS VARCHAR)", "union of integers"), _WIDE),
    "i // 3": "divides whole numbers as doubles",
    **dict.fromkeys(("sum(amount) of all", "sum(price) of all", "sum(amount) by kind", "sum(price) by kind"), _SUM),
    "sum(amount) OVER ()": _SUM,
    **dict.fromkeys(("sum(DISTINCT n) of all", "sum(DISTINCT n) by kind"), _DISTINCT),
    **dict.fromkeys(("ltrim(s)", "rtrim(s)", "trim(s, ' ax')", "ltrim(s, 'a')", "rtrim(s, 'c')"), _SIDES),
    "regexp_replace(s, 'B', '', 'gi')": "does not know the options of REGEXP_REPLACE",
    "stamps as timestamps": _STRICT,
    "'$name {x:String} ?'": "looks for variables of the session in literals, too",
}
# Text that DuckDB reads, and Snowflake would take for other dates, or not at all: it is asked for ISO dates only.
STRICTER: Mapping[str, str] = {"days as dates": "years are read with four digits only"}
# Cases that are refused for Snowflake: case -> what the message names.
REFUSALS: Mapping[str, str] = {"arg_max(label, i) OVER (PARTITION BY who)": "arg_max() or arg_min() OVER a window"}
