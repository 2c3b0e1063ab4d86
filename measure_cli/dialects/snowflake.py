"""Resolved, typed tree -> Snowflake SQL that returns what DuckDB returns.

`prepare` rewrites what means something else on Snowflake, `generate` writes the rest. The repairs stand in
`snowflake_values.py`, `snowflake_dates.py` and `snowflake_queries.py`, one function for each kind of node; each says
what sqlglot 30.22 writes by itself and why that is another query. The facts on Snowflake are those of its
documentation: no emulator can prove them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ErrorLevel, UnsupportedError
from sqlglot.expressions import DType
from sqlglot.generators.snowflake import SnowflakeGenerator

from measure_cli.dialects.reader import Locate
from measure_cli.dialects.snowflake_dates import ADD_PLAINLY, DATE_REPAIRS
from measure_cli.dialects.snowflake_queries import FILTER_REPAIRS, QUERY_REPAIRS, is_constant_row
from measure_cli.dialects.snowflake_repair import Repair, refusal
from measure_cli.dialects.snowflake_values import VALUE_REPAIRS
from measure_cli.errors import PlanError
from measure_cli.snowflake_text import snowflake_identifier

REPAIRS: Mapping[type[exp.Expr], Repair] = {**QUERY_REPAIRS, **DATE_REPAIRS, **VALUE_REPAIRS}


def prepare(query: exp.Query, locate: Locate) -> exp.Query:
    """Rewrite a resolved and typed query for Snowflake, in place.

    Raises:
        PlanError: Snowflake has no equal for something in it.
    """
    _repair(query, FILTER_REPAIRS, locate)
    _repair(query, REPAIRS, locate)
    for interval in query.find_all(exp.Interval):
        raise refusal(interval, locate, "an interval that is not added to a date", ADD_PLAINLY)
    return query


def _repair(query: exp.Query, repairs: Mapping[type[exp.Expr], Repair], locate: Locate) -> None:
    """Replace nodes, inner ones first; what replaces a node has its type."""
    for node in reversed(list(query.walk())):
        repair = repairs.get(type(node))
        if repair is None:
            continue
        parent, key, index, data_type = node.parent, node.arg_key, node.index, node.type
        repaired = repair(node, locate)
        if repaired is node:
            continue
        assert parent is not None, "no repair replaces a whole query"
        assert key is not None
        repaired.type = data_type
        parent.set(key, repaired, index)


def generate(query: exp.Query, pretty: bool) -> str:
    """The text of a prepared query.

    Raises:
        PlanError: sqlglot knows that Snowflake has no equal for something in it.
    """
    try:
        return SNOWFLAKE.generate(query, pretty=pretty, comments=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise PlanError(f"Snowflake cannot express this query: {error}") from error


class _Generator(SnowflakeGenerator):
    NAMED_PLACEHOLDER_TOKEN = "$"

    # sqlglot leaves TIMESTAMP to a setting of the session (TIMESTAMP_TYPE_MAPPING), and does not know INT128.
    TYPE_MAPPING: ClassVar[dict[DType, str]] = {
        **SnowflakeGenerator.TYPE_MAPPING,
        DType.TIMESTAMP: "TIMESTAMP_NTZ",
        DType.TIMESTAMPNTZ: "TIMESTAMP_NTZ",
        DType.INT128: "NUMBER(38, 0)",
    }

    def identifier_sql(self, expression: exp.Identifier) -> str:
        """Every name in the one spelling that statements around a SELECT have for it too."""
        return snowflake_identifier(expression.name)

    def values_sql(self, expression: exp.Values, values_as_table: bool = True) -> str:
        """VALUES takes constants only; rows with anything else are united SELECTs."""
        return super().values_sql(expression, values_as_table and is_constant_row(expression))


class _SnowflakeDialect(Snowflake):
    Generator = _Generator


SNOWFLAKE = _SnowflakeDialect()
