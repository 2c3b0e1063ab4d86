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


SKIPPED = {"'": "'", '"': '"', "`": "`", "--": "\n", "/*": "*/"}  # what opens a text without placeholders -> its end


def split_placeholders(sql: str, backslash_escapes: bool = False) -> list[str]:
    """Alternating SQL text and names of placeholders, which are written `$name`.

    Literals, quoted names and comments hold none. `backslash_escapes` says whether a backslash in a literal takes the
    meaning of the quote after it.

    >>> split_placeholders("SELECT $a, '$b', c$d")
    ['SELECT ', 'a', ", '$b', c$d"]
    """
    pieces, start, at = [], 0, 0
    while (dollar := sql.find("$", at)) >= 0:
        if opening := first_opening(sql, at, dollar):
            place, mark = opening
            at = end_of(sql, place + len(mark), SKIPPED[mark], backslash_escapes and mark == "'")
        elif (name := name_at(sql, dollar + 1)) and not is_of_name(sql[dollar - 1 : dollar]):
            pieces += [sql[start:dollar], name]
            at = start = dollar + 1 + len(name)
        else:
            at = dollar + 1
    return [*pieces, sql[start:]]


def first_opening(sql: str, at: int, end: int) -> tuple[int, str] | None:
    """Where the first literal, quoted name or comment begins between two positions, and with what."""
    return min(((place, mark) for mark in SKIPPED if (place := sql.find(mark, at, end)) >= 0), default=None)


def end_of(sql: str, at: int, closing: str, backslash_escapes: bool) -> int:
    """Where a literal, quoted name or comment ends; doubled quotes look like two of them in a row."""
    end = sql.find(closing, at)
    while backslash_escapes and (escape := sql.find("\\", at, end if end >= 0 else None)) >= 0:
        at = escape + 2
        end = sql.find(closing, at)
    return len(sql) if end < 0 else end + len(closing)


def is_of_name(text: str) -> bool:
    """Whether a character may stand in a name."""
    return text.isalnum() or text == "_"


def name_at(sql: str, at: int) -> str:
    """The name that begins at a position, maybe empty."""
    end = at
    while is_of_name(sql[end : end + 1]):
        end += 1
    return sql[at:end] if not sql[at:end][:1].isdigit() else ""
