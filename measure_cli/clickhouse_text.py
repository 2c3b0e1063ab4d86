"""Names, literals, types and settings of ClickHouse: one spelling for definitions, sessions and scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from measure_cli.sqltext import identifier, literal
from measure_cli.types import Value

# With these ClickHouse gives the rows that SQL and DuckDB give.
MEANING: Mapping[str, int] = {
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "group_by_use_nulls": 1,
    "max_recursive_cte_evaluation_depth": 100_000,
    "enable_materialized_cte": 1,  # a CTE that is read twice is computed once, where the query says so
}
# A full table may span any number of months; ClickHouse allows an INSERT 100 partitions.
WRITING: Mapping[str, int] = {"max_partitions_per_insert_block": 0}
DATA_SUFFIX = "__data"  # of the tables that hold the rows on a cluster
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "Int64"),
    **dict.fromkeys(("HUGEINT", "UBIGINT"), "Int128"),
    **dict.fromkeys(("DOUBLE", "FLOAT"), "Float64"),
    "VARCHAR": "String",
    "BOOLEAN": "Bool",
    "DATE": "Date32",
    "TIMESTAMP": "DateTime64(6, 'UTC')",
}
DUCKDB_TYPES: Mapping[str, str] = {
    "Bool": "BOOLEAN", "Int8": "TINYINT", "Int16": "SMALLINT", "Int32": "INTEGER", "Int64": "BIGINT",
    "UInt8": "UTINYINT", "UInt16": "USMALLINT", "UInt32": "UINTEGER", "UInt64": "UBIGINT",
    **dict.fromkeys(("Int128", "UInt128", "Int256", "UInt256"), "HUGEINT"),
    "Float32": "FLOAT", "Float64": "DOUBLE",
    **dict.fromkeys(("Date", "Date32"), "DATE"), **dict.fromkeys(("DateTime", "DateTime64"), "TIMESTAMP"),
}  # fmt: skip
WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")
DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")


def clickhouse_type(data_type: str) -> str | None:
    """The type of a column, always Nullable, for one of DuckDB's; None when ClickHouse has no equal.

    >>> clickhouse_type("INTEGER"), clickhouse_type("DECIMAL(18,6)"), clickhouse_type("BLOB")
    ('Nullable(Int64)', 'Nullable(Decimal(18, 6))', None)
    """
    if found := DECIMAL.fullmatch(data_type):
        return f"Nullable(Decimal({found.group(1)}, {found.group(2)}))"
    return f"Nullable({TYPES[data_type]})" if data_type in TYPES else None


def clickhouse_identifier(name: str) -> str:
    r"""A quoted name; a backslash begins an escape sequence there too.

    >>> print(clickhouse_identifier('a "b" \\ c'))
    "a ""b"" \\ c"
    """
    return identifier(name.replace("\\", "\\\\"))


def clickhouse_literal(value: Value) -> str:
    r"""A value as a literal; a backslash begins an escape sequence in ClickHouse.

    >>> print(clickhouse_literal("it's a \\"), clickhouse_literal(None))
    'it''s a \\' NULL
    """
    return literal(value.replace("\\", "\\\\") if isinstance(value, str) else value)


def named_database(url: str) -> str:
    """The database that the URL of a server names.

    >>> named_database("clickhouse://ann@db:8123/shop"), named_database("chdb:///data/acme")
    ('shop', '')
    """
    parts = urlsplit(url)
    return "" if parts.scheme == "chdb" else unquote(parts.path.strip("/"))


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as they stand behind SET and SETTINGS.

    >>> settings_text({"join_use_nulls": 1, "x": 2})
    'join_use_nulls = 1, x = 2'
    """
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


def duckdb_type(data_type: str) -> str:
    """DuckDB's name for a type of ClickHouse; what DuckDB has no type for is read as text.

    >>> duckdb_type("LowCardinality(Nullable(String))"), duckdb_type("Nullable(Decimal(18, 6))")
    ('VARCHAR', 'DECIMAL(18,6)')
    >>> duckdb_type("DateTime64(3, 'Europe/Rome')"), duckdb_type("UInt64"), duckdb_type("Array(String)")
    ('TIMESTAMP', 'UBIGINT', 'VARCHAR')
    """
    while wrapped := WRAPPED.fullmatch(data_type):
        data_type = wrapped.group(1)
    if found := re.fullmatch(r"Decimal\((\d+), (\d+)\)", data_type):
        return f"DECIMAL({min(int(found.group(1)), 38)},{found.group(2)})"
    return DUCKDB_TYPES.get(data_type.partition("(")[0], "VARCHAR")
