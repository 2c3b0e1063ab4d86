"""A script in DuckDB's dialect -> any other dialect that sqlglot knows. Nobody has executed the result."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, UnsupportedError

from measure_cli.dialects.reader import DUCKDB
from measure_cli.errors import PlanError


def other_dialects() -> list[str]:
    """The names of all dialects."""
    return sorted(name for name in Dialect.classes if name)


def translate(script: str, dialect: str) -> tuple[str, list[str]]:
    """The statements of a script, one after the other, and what in them has no counterpart in the dialect.

    Raises:
        PlanError: sqlglot breaks off at a statement.
    """
    statements, lacking = [], []
    for parsed in sqlglot.parse(script, read=DUCKDB):
        if parsed is None or isinstance(parsed, exp.Semicolon):
            continue
        tree = parsed.transform(counted_interval)
        try:
            text = tree.sql(dialect, pretty=True, unsupported_level=ErrorLevel.RAISE)
        except UnsupportedError as error:
            lacking += str(error).splitlines()
            text = tree.sql(dialect, pretty=True, unsupported_level=ErrorLevel.IGNORE)
        except AttributeError as error:  # sqlglot 30.22 on a window that it cannot name
            raise PlanError(f"sqlglot cannot write {subject_of(tree)} in {dialect}: {error}") from error
        statements.append(f"{text};\n")
    return "\n".join(statements), list(dict.fromkeys(lacking))


def counted_interval(node: exp.Expr) -> exp.Expr:
    """`INTERVAL (n) DAY` as `n * INTERVAL '1' DAY`: most dialects take a literal only."""
    if not isinstance(node, exp.Interval) or isinstance(node.this, exp.Literal):
        return node
    one = exp.Interval(this=exp.Literal.string("1"), unit=node.args.get("unit"))
    return exp.Mul(this=exp.Paren(this=node.this.unnest()), expression=one)


def subject_of(statement: exp.Expr) -> str:
    """The relation that a statement makes."""
    table = statement.find(exp.Table)
    return table.sql(DUCKDB) if table else statement.key
