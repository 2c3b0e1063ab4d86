"""Authored SQL -> tree: exactly one SELECT in the DuckDB dialect, every node knowing its line.

Refused here: other statements, several statements, bound parameters other than the given ones. What the names in it
mean is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.duckdb import DuckDBParser

from measure_cli.errors import PlanError

DUCKDB = DuckDB()
LAST_LINE = "last_line"
ONE_SELECT = "A model is one SELECT; tables, views and settings are written by the tool."

E = TypeVar("E", bound=exp.Expr)
Locate = Callable[[int], str]


class _LineParser(DuckDBParser):
    """Keeps on every node the line on which its text ended; sqlglot itself only keeps that of identifiers and stars."""

    def validate_expression(self, expression: E, args: list[exp.Expr] | None = None) -> E:
        if self._prev is not None:
            expression.meta[LAST_LINE] = self._prev.line
        return super().validate_expression(expression, args)

    def _warn_unsupported(self) -> None:
        """Unknown statements are refused with a message of our own."""


def read_select(sql: str, locate: Locate, placeholders: Collection[str] = ()) -> exp.Query:
    """Parse one SELECT, in which `placeholders` may stand as `$name`.

    Raises:
        PlanError: a syntax error, or anything but one SELECT.
    """
    statements = _parse(sql, locate)
    if not statements:
        raise PlanError(f"{locate(1)}: found no SQL, expected one SELECT")
    if len(statements) > 1:
        where = locate(line_of(statements[1]) or 1)
        raise PlanError(f"{where}: found {len(statements)} statements, expected one SELECT", ONE_SELECT)
    query = statements[0]
    if not isinstance(query, exp.Select | exp.SetOperation | exp.Subquery):
        where = locate(line_of(query) or 1)
        raise PlanError(f"{where}: found {_statement_name(query)}, expected one SELECT", ONE_SELECT)
    for node in query.walk():
        _check_reads_only(node, locate, placeholders)
    return query


def _check_reads_only(node: exp.Expr, locate: Locate, placeholders: Collection[str]) -> None:
    if isinstance(node, exp.DML | exp.DDL | exp.Command | exp.Into) and not isinstance(node, exp.Query):
        raise PlanError(f"{locate(line_of(node) or 1)}: found {_statement_name(node)} inside a SELECT", ONE_SELECT)
    is_known = isinstance(node, exp.Placeholder) and node.name in placeholders
    if isinstance(node, exp.Placeholder | exp.Parameter | exp.SessionParameter) and not is_known:
        raise PlanError(
            f"{locate(line_of(node) or 1)}: found the parameter {node.sql(DUCKDB)}, which nothing binds",
            "Values come from the template: {{ literal(var('name')) }} or {{ as_of }}.",
        )


def line_of(node: exp.Expr) -> int | None:
    """The line on which a node begins: the first line known in its subtree, else that of its nearest ancestor."""
    lines = [line for part in node.walk() if (line := _own_line(part)) is not None]
    if lines:
        return min(lines)
    return line_of(node.parent) if node.parent else None


def _own_line(node: exp.Expr) -> int | None:
    line = node.meta_get("line") or node.meta_get(LAST_LINE)
    return line if isinstance(line, int) else None


def _parse(sql: str, locate: Locate) -> list[exp.Expr]:
    try:
        trees = _LineParser(dialect=DUCKDB).parse(DUCKDB.tokenize(sql), sql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        line = first.get("line") or 1
        near = f' near "{first["highlight"]}"' if first.get("highlight") else ""
        what = _plain(str(first.get("description") or error))
        raise PlanError(f"{locate(line)}: SQL syntax error{near}: {what}", _line_text(sql, line)) from error
    except TokenError as error:
        line = _unclosed_line(sql)
        what = "a quote or a comment that begins here is not closed"
        raise PlanError(f"{locate(line)}: SQL syntax error: {what}", _line_text(sql, line)) from error
    return [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]


def _plain(description: str) -> str:
    """sqlglot's account of a syntax error without the names of its classes."""
    if description.startswith("Required keyword"):
        return "an expression is missing here"
    return description.partition(" but got <Token")[0].rstrip(".")


def _unclosed_line(sql: str) -> int:
    """The line after the longest run of first lines in which every quote is closed."""
    lines = sql.splitlines()
    for closed in range(len(lines) - 1, 0, -1):
        try:
            DUCKDB.tokenize("\n".join(lines[:closed]))
        except TokenError:
            continue
        return closed + 1
    return 1


def _line_text(sql: str, line: int) -> str | None:
    lines = sql.splitlines()
    text = lines[line - 1].strip() if 1 <= line <= len(lines) else ""
    return f"The line reads: {text[:160]}" if text else None


def _statement_name(statement: exp.Expr) -> str:
    if isinstance(statement, exp.Command):
        return f"{statement.name.upper()} statement"
    return f"{type(statement).__name__.upper()} statement"
