"""Names and literals of Snowflake: one spelling for SELECTs, definitions and what is read back.

Snowflake folds names without quotes to upper case; a name that needs quotes is written as it would be folded. So
letter case never tells two names apart, as in DuckDB, and a reader may leave the quotes away wherever SQL allows it.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

from measure_cli.sqltext import literal
from measure_cli.types import Value

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FOLD = str.maketrans(ascii_lowercase, ascii_uppercase)
UNFOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
CHANGES = ("INSERT ", "UPDATE ", "DELETE ", "MERGE ")
# fmt: off
# Words that cannot stand without quotes in one place or another. Quotes around others do no harm.
RESERVED = frozenset({
    "account", "all", "alter", "and", "any", "array", "as", "asc", "asof", "at", "before", "between", "both", "by",
    "case", "cast", "changes", "check", "collate", "column", "connect", "connection", "constraint", "create",
    "cross", "current", "current_date", "current_time", "current_timestamp", "current_user", "database", "default",
    "delete", "desc", "distinct", "do", "drop", "else", "end", "except", "exists", "false", "fetch", "following",
    "for", "foreign", "from", "full", "grant", "group", "gscluster", "having", "ilike", "in", "increment", "inner",
    "insert", "intersect", "interval", "into", "is", "issue", "join", "lateral", "leading", "left", "like", "limit",
    "localtime", "localtimestamp", "match_recognize", "minus", "natural", "not", "null", "of", "offset", "on",
    "only", "or", "order", "organization", "pivot", "placing", "primary", "qualify", "references", "regexp",
    "returning", "revoke", "right", "rlike", "row", "rows", "sample", "schema", "select", "set", "some", "start",
    "table", "tablesample", "then", "to", "trailing", "trigger", "true", "try_cast", "union", "unique", "unpivot",
    "update", "using", "values", "view", "when", "whenever", "where", "window", "with",
})
# fmt: on


def snowflake_identifier(name: str) -> str:
    """A name as it stands in SQL.

    >>> print(snowflake_identifier("user_id"), snowflake_identifier("order"), snowflake_identifier("Größe"))
    user_id "ORDER" "GRößE"
    """
    if PLAIN.fullmatch(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.translate(FOLD).replace('"', '""') + '"'


def unfolded(name: str) -> str:
    """A name that Snowflake told, in lower case.

    >>> unfolded("USER_ID"), unfolded("GRößE")
    ('user_id', 'größe')
    """
    return name.translate(UNFOLD)


def snowflake_name(name: str) -> str:
    """A qualified name, dots between its parts.

    >>> snowflake_name("prod.marts.order")
    'prod.marts."ORDER"'
    """
    return ".".join(snowflake_identifier(part) for part in name.split("."))


def snowflake_literal(value: Value) -> str:
    r"""A value as a literal; a backslash begins an escape sequence on Snowflake.

    >>> print(snowflake_literal("it's a \\"), snowflake_literal(2.5))
    'it''s a \\' 2.5
    """
    return literal(value.replace("\\", "\\\\") if isinstance(value, str) else value)


def changes_rows(sql: str) -> bool:
    """Whether a statement is of the kind that takes part in transactions.

    >>> changes_rows("UPDATE runs SET seconds = 1"), changes_rows("CREATE TABLE runs (seconds FLOAT)")
    (True, False)
    """
    return sql.lstrip().upper().startswith(CHANGES)


def put_text(table: str, file: str) -> str:
    """Upload a file to the stage that every table has.

    >>> print(put_text('prod.raw.touches', '/data/touches.parquet'))
    PUT 'file:///data/touches.parquet' @prod.raw.%touches AUTO_COMPRESS = FALSE OVERWRITE = TRUE
    """
    return f"PUT {snowflake_literal(f'file://{file}')} {stage_of(table)} AUTO_COMPRESS = FALSE OVERWRITE = TRUE"


def copy_text(table: str) -> str:
    """Fill a table from the Parquet files of its stage, and remove them."""
    return (
        f"COPY INTO {table} FROM {stage_of(table)} FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) "
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PURGE = TRUE"
    )


def stage_of(table: str) -> str:
    """The stage that belongs to a table."""
    place, _, name = table.rpartition(".")
    return f'@{place}."%{name[1:]}' if name.startswith('"') else f"@{place}.%{name}"
