"""A script in DuckDB's dialect -> any other dialect that sqlglot knows. Nobody has executed the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, UnsupportedError

from measure_cli.dialects.reader import DUCKDB


def other_dialects() -> list[str]:
    """The names of all dialects."""
    return sorted(name for name in Dialect.classes if name)


@dataclass(frozen=True, slots=True)
class Translation:
    """Statements in a dialect, what in them has no counterpart there, and the statements that are missing."""

    text: str
    lacking: tuple[str, ...]
    failed: tuple[str, ...]


def statements_of(script: str) -> list[exp.Expr]:
    """The statements of a script, written with what most dialects know."""
    return [
        parsed.transform(without_named_windows).transform(counted_interval)
        for parsed in sqlglot.parse(script, read=DUCKDB)
        if parsed is not None and not isinstance(parsed, exp.Semicolon)
    ]


def translate(trees: Sequence[exp.Expr], dialect: str) -> Translation:
    """The statements that `statements_of` gives, one after the other, as far as sqlglot can write them."""
    statements, lacking, failed = [], [], []
    for tree in trees:
        try:
            text, found = written(tree, dialect)
        except Exception as error:  # sqlglot breaks off with whatever error its dialect happens to run into
            failed.append(f"{subject_of(tree)}: {type(error).__name__}: {first_line(error)}")
            statements.append(f"-- {subject_of(tree)} cannot be written in {dialect}\n")
        else:
            statements.append(f"{text};\n")
            lacking += found
    return Translation("\n".join(statements), tuple(dict.fromkeys(lacking)), tuple(failed))


def written(tree: exp.Expr, dialect: str) -> tuple[str, list[str]]:
    """One statement, and what in it has no counterpart."""
    try:
        return tree.sql(dialect, pretty=True, unsupported_level=ErrorLevel.RAISE), []
    except UnsupportedError as error:
        return tree.sql(dialect, pretty=True, unsupported_level=ErrorLevel.IGNORE), str(error).splitlines()


def without_named_windows(node: exp.Expr) -> exp.Expr:
    """Each window written out where it is used.

    sqlglot 30.22 cannot write an order with NULLS LAST in the definition of a named window with a frame for a dialect
    that lacks NULLS LAST, and some dialects lack named windows.
    """
    if not isinstance(node, exp.Select) or not node.args.get("windows"):
        return node
    defined = {window.name.casefold(): window for window in node.args["windows"]}
    node.set("windows", None)
    used = [window for window in node.find_all(exp.Window) if window.parent_select is node]
    for window in [*defined.values(), *used]:
        while (base := defined.get(window.text("alias").casefold())) and base is not window:
            window.set("alias", base.args["alias"].copy() if base.args.get("alias") else None)
            for part in ("partition_by", "order", "spec"):
                if (given := base.args.get(part)) and not window.args.get(part):
                    window.set(part, [one.copy() for one in given] if isinstance(given, list) else given.copy())
    return node


def counted_interval(node: exp.Expr) -> exp.Expr:
    """`INTERVAL (n) DAY` as `n * INTERVAL '1' DAY`: most dialects take a literal only."""
    if not isinstance(node, exp.Interval) or isinstance(node.this, exp.Literal):
        return node
    one = exp.Interval(this=exp.Literal.string("1"), unit=node.args.get("unit"))
    return exp.Mul(this=exp.Paren(this=node.this.unnest()), expression=one)


def subject_of(statement: exp.Expr) -> str:
    """The relation that a statement makes."""
    table = statement.find(exp.Table)
    return ".".join(part.name for part in table.parts) if table else statement.key


def first_line(error: Exception) -> str:
    """The essence of an error's message."""
    return next(iter(str(error).splitlines()), "no reason given")
