"""How values reach ClickHouse beside the text of a statement: in a table of one row, which the text only names.

ClickHouse writes the values of its own parameters into the text that its log of queries and its list of processes
show. What is sent as a table, or behind an INSERT, is in neither. The table exists for one statement: a server gets it
with the statement; chDB, and statements too long for a form, have it in a session.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.httpclient import HttpClient

from measure_cli.clickhouse_text import clickhouse_identifier
from measure_cli.errors import EngineError
from measure_cli.sqltext import split_placeholders
from measure_cli.types import Insertion, Statement, Value

VALUES_TABLE = "measure_values"
COLUMN, COLUMN_TYPE = "value", "Map(String, Nullable(String))"
ROW_FORMAT, ROWS_FORMAT = "JSONEachRow", "JSONCompactEachRow"
LARGEST_INT64 = 2**63
LONGEST_FORM_FIELD = 128 * 1024  # a server refuses a longer one, whatever its settings for a query say
ROOM_FOR_FORMAT = 100  # the driver adds the format of the answer to a query


def bound_text(statement: Statement) -> str:
    """The text, in which placeholders are looked up in the table of values and brought to their types.

    >>> print(bound_text(Statement("SELECT $day, '$day'", {"day": date(2024, 1, 2)})))
    SELECT CAST((SELECT value FROM measure_values)['day'] AS Nullable(Date32)), '$day'

    Raises:
        EngineError: a placeholder has no value.
    """
    if not statement.parameters and not statement.secrets:
        return statement.sql
    pieces = split_placeholders(statement.sql, backslash_escapes=True)
    return "".join(placeholder(piece, statement) if number % 2 else piece for number, piece in enumerate(pieces))


def placeholder(name: str, statement: Statement) -> str:
    """One placeholder. The same subquery stands for all of them: ClickHouse runs it once, before it plans anything."""
    found = f"(SELECT {COLUMN} FROM {VALUES_TABLE})['{name}']"
    if name in statement.secrets:
        return f"assumeNotNull({found})"
    if name not in statement.parameters:
        raise EngineError(f"the statement needs {name}, and nothing gives a value for it")
    data_type = value_type(statement.parameters[name])
    return found if data_type == "String" else f"CAST({found} AS Nullable({data_type}))"


def value_type(value: object) -> str:
    """The type of ClickHouse for a value of Python.

    >>> value_type(True), value_type(7), value_type(datetime(2024, 1, 2))
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


def value_text(value: Value) -> str | None:
    """A value as the text that its type is read from.

    >>> value_text(True), value_text(0.1), value_text(None)
    ('true', '0.1', None)
    """
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_row(values: Mapping[str, Value]) -> str:
    """The one row of the table of values."""
    return json.dumps({COLUMN: {name: value_text(value) for name, value in values.items()}}, ensure_ascii=False)


@contextlib.contextmanager
def carried(client: Client, values: Mapping[str, Value], text: str, is_embedded: bool) -> Iterator[dict[str, Any]]:
    """Arguments of the driver that bring values along with a text, for as long as the text runs."""
    if not values:
        yield {}
    elif is_embedded or len(text.encode()) > LONGEST_FORM_FIELD - ROOM_FOR_FORMAT:
        with kept(client, values, {} if is_embedded else {"settings": {"session_id": uuid.uuid4().hex}}) as arguments:
            yield arguments
    else:
        row, structure = values_row(values).encode(), f"{COLUMN} {COLUMN_TYPE}"
        table = ExternalData(file_name=VALUES_TABLE, data=row, fmt=ROW_FORMAT, structure=structure)
        assert isinstance(client, HttpClient)
        client.form_encode_query_params = True  # without it the text would stand in the URL
        try:
            yield {"external_data": table}
        finally:
            client.form_encode_query_params = False


@contextlib.contextmanager
def kept(client: Client, values: Mapping[str, Value], session: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The table of values in a session, which alone sees it. What follows INSERT is data, no part of a logged text."""
    client.command(f"CREATE OR REPLACE TEMPORARY TABLE {VALUES_TABLE} ({COLUMN} {COLUMN_TYPE})", **session)
    try:
        client.command(f"INSERT INTO {VALUES_TABLE} FORMAT {ROW_FORMAT}", data=values_row(values), **session)
        yield session
    finally:
        with contextlib.suppress(ClickHouseError):  # it ends with the session, too
            client.command(f"DROP TEMPORARY TABLE IF EXISTS {VALUES_TABLE}", **session)


def insert_text(insertion: Insertion) -> str:
    """The statement that rows follow."""
    columns = ", ".join(map(clickhouse_identifier, insertion.rows[0]))
    return f"INSERT INTO {insertion.table} ({columns}) FORMAT {ROWS_FORMAT}"


def insert_data(insertion: Insertion) -> str:
    """The rows that follow; the types of the columns are those of the table."""
    rows = ([value if is_json(value) else str(value) for value in row.values()] for row in insertion.rows)
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def is_json(value: object) -> bool:
    """Whether JSON knows a value of that type."""
    return value is None or isinstance(value, str | int | float | bool)
