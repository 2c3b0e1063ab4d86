"""A resolved, typed query -> ClickHouse's dialect: repairs of the tree, and a writer that knows the types.

sqlglot's own ClickHouse dialect stays in charge of what it does right; every repair is a function on one node that says
what was wrong. Limits: `a + b` and `a * b` of integers wrap beyond 64 bits, where DuckDB raises an error.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.errors import ErrorLevel
from sqlglot.expressions import DType
from sqlglot.generators.clickhouse import ClickHouseGenerator

from measure_cli.clickhouse_text import clickhouse_identifier
from measure_cli.dialects.clickhouse_aggregates import AGGREGATES, signed
from measure_cli.dialects.clickhouse_dates import DATES
from measure_cli.dialects.clickhouse_numbers import NUMBERS
from measure_cli.dialects.clickhouse_text import TEXT_FUNCTIONS
from measure_cli.dialects.clickhouse_tree import prepare, united_type
from measure_cli.dialects.clickhouse_types import as_type, cast_sql, literal_sql, try_cast_sql, type_text
from measure_cli.dialects.column_types import kind_of

__all__ = ["generate", "prepare"]


class Writer(ClickHouseGenerator):
    """Writes nodes by their types."""

    TRANSFORMS: ClassVar = {
        **ClickHouseGenerator.TRANSFORMS,
        **NUMBERS,
        **DATES,
        **TEXT_FUNCTIONS,
        **AGGREGATES,
        exp.Cast: cast_sql,
        exp.TryCast: try_cast_sql,
        exp.Literal: literal_sql,
    }

    def window_sql(self, expression: exp.Window) -> str:
        """Rankings and counts come out signed."""
        return signed(self, expression, super().window_sql(expression))

    def identifier_sql(self, expression: exp.Identifier) -> str:
        """A backslash in a quoted name begins an escape sequence."""
        quoted = bool(expression.args.get("quoted"))
        return clickhouse_identifier(expression.name) if quoted else super().identifier_sql(expression)

    def datatype_sql(self, expression: exp.DataType) -> str:
        """The types of columns here, always Nullable."""
        return type_text(expression) or super().datatype_sql(expression)

    def values_sql(self, expression: exp.Values, values_as_table: bool = True) -> str:
        """values() of ClickHouse with declared types: it would take them from the first row alone."""
        names = expression.alias_column_names
        rows = [row.expressions for row in expression.expressions]
        types = [_column_type([row[index] for row in rows]) for index in range(len(names))]
        structure = ", ".join(f"{name} {type_text(found)}" for name, found in zip(names, types, strict=True))
        written = ", ".join(
            f"({', '.join(as_type(self, value, found) for value, found in zip(row, types, strict=True))})"
            for row in rows
        )
        return f"values('{structure}', {written}) AS {self.sql(expression.args['alias'], 'this')}"


class Dialect(ClickHouse):
    """ClickHouse as this writer has it."""

    Generator = Writer


DIALECT = Dialect()


def generate(query: exp.Query, pretty: bool) -> str:
    """The text of a prepared query."""
    return DIALECT.generate(query, pretty=pretty, comments=False, unsupported_level=ErrorLevel.IGNORE)


def _column_type(values: list[exp.Expr]) -> exp.DataType:
    """The type of a column of VALUES; of one that is all NULL, text."""
    found = united_type(values)
    return DType.TEXT.into_expr() if kind_of(found) is DType.NULL else found
