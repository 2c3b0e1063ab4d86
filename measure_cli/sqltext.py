"""Names and literals: quoting and matching, for the few statements that are written without an SQL tree.

No sqlglot here: a run in which nothing changed should not have to load it.
"""

from __future__ import annotations

from collections.abc import Iterable

from measure_cli.types import Value


def identifier(name: str) -> str:
    """A quoted SQL identifier; quotes inside are doubled.

    >>> print(identifier('say "hi" twice'))
    "say ""hi"" twice"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """A value as a SQL literal.

    >>> literal("it's"), literal(3), literal(True), literal(None)
    ("'it''s'", '3', 'TRUE', 'NULL')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + value.replace("'", "''") + "'"


def relation_text(schema: str, name: str) -> str:
    """A schema-qualified name, quoted; the schema of another attached file is written `file.schema`."""
    return f"{table_text(schema)}.{identifier(name)}"


def table_text(name: str) -> str:
    """A name as written by a person, dots between its parts, quoted.

    >>> table_text("main.Sold Things")
    '"main"."Sold Things"'
    """
    return ".".join(identifier(part) for part in name.split("."))


def find_column(wanted: str, columns: Iterable[str]) -> str | None:
    """The column of that name; letter case only decides between several.

    >>> find_column("user_id", ["User_ID"]), find_column("a", ["A", "a"]), find_column("b", ["A"])
    ('User_ID', 'a', None)
    """
    names = list(columns)
    folded = [name for name in names if name.casefold() == wanted.casefold()]
    return wanted if wanted in names else folded[0] if len(folded) == 1 else None
