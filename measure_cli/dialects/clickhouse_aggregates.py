"""Aggregates and window functions on ClickHouse: exact, stable, and NULL where DuckDB has NULL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.expressions import DType
from sqlglot.generator import Generator

from measure_cli.dialects.clickhouse_numbers import double_sql
from measure_cli.dialects.clickhouse_text import text_sql
from measure_cli.dialects.clickhouse_types import as_type
from measure_cli.dialects.column_types import INTEGERS, kind_of, parse_type

Write = Callable[[Generator, Any], str]
# Their results are unsigned, and an unsigned 64-bit number has no common type with a signed one.
UNSIGNED = (exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile)
WRAPPERS = (exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls)
HUGE = parse_type("HUGEINT")


def innermost(node: exp.Expr) -> exp.Expr:
    """The function inside of OVER, FILTER and IGNORE NULLS."""
    while isinstance(node, WRAPPERS):
        node = node.this
    return node


def signed(self: Generator, node: exp.Expr, text: str) -> str:
    """The text of a function with all that belongs to it, as a signed number."""
    is_whole = not (isinstance(node.parent, WRAPPERS) and node.arg_key == "this")
    return f"toInt64({text})" if is_whole and isinstance(innermost(node), UNSIGNED) else text


def count_sql(self: Generator, node: exp.Count) -> str:
    """A signed count."""
    counted = node.this
    inside = (
        f"DISTINCT {self.expressions(counted, flat=True)}" if isinstance(counted, exp.Distinct) else self.sql(counted)
    )
    if isinstance(node.parent, exp.Window) and not isinstance(counted, exp.Distinct | exp.Star):
        return f"countIf(isNotNull({inside}))"  # 26.9 loses the column of count(x) over some frames
    return signed(self, node, f"count({inside})")


def ranking(name: str) -> Write:
    """row_number(), rank(), dense_rank(), ntile(n)."""

    def write(self: Generator, node: exp.Func) -> str:
        return signed(self, node, self.func(name, node.args.get("this")))

    return write


def sum_sql(self: Generator, node: exp.Sum) -> str:
    """sum() of 64-bit integers wraps; DuckDB sums them in 128 bits."""
    value = node.this
    distinct = ""
    if isinstance(value, exp.Distinct):
        distinct, value = "DISTINCT ", value.expressions[0]
    wide = kind_of(value.type) in (DType.BIGINT, DType.INT128)
    return f"sum({distinct}{as_type(self, value, HUGE) if wide else self.sql(value)})"


def avg_sql(self: Generator, node: exp.Avg) -> str:
    """avg() of 64-bit integers sums them in 64 bits."""
    value = node.this
    return f"avg(toFloat64({self.sql(value)}))" if kind_of(value.type) in INTEGERS else self.func("avg", value)


def of_doubles(name: str) -> Write:
    """A statistic; the stable variants do not lose digits where values are large and close to each other."""

    def write(self: Generator, node: exp.Func) -> str:
        values = [double_sql(self, value) for value in (node.this, node.args.get("expression")) if value is not None]
        return f"{name}({', '.join(values)})"

    return write


def regression(form: str) -> Write:
    """y by x over the rows that have both; ClickHouse has only a pair of slope and intercept, which is not stable."""

    def write(self: Generator, node: exp.Func) -> str:
        y, x = double_sql(self, node.this), double_sql(self, node.expression)
        own_y, own_x = f"if(isNull({x}), NULL, {y})", f"if(isNull({y}), NULL, {x})"
        slope = f"covarPopStable({y}, {x}) / varPopStable({own_x})"
        return f"({form.format(y=y, x=x, own_y=own_y, own_x=own_x, slope=slope)})"

    return write


def quantile_sql(self: Generator, node: exp.PercentileCont | exp.Median) -> str:
    """quantile() and median() are approximations."""
    fraction = node.args.get("expression")
    return f"quantileExactInclusive({self.sql(fraction) if fraction else '0.5'})({self.sql(node.this)})"


def within_group_sql(self: Generator, node: exp.WithinGroup) -> str:
    """percentile_cont(p) WITHIN GROUP (ORDER BY x)."""
    key, fraction = node.expression.expressions[0], node.this.this
    position = f"1 - {self.sql(fraction)}" if key.args.get("desc") else self.sql(fraction)
    return f"quantileExactInclusive({position})({self.sql(key.this)})"


def boolean_sql(name: str) -> Write:
    """bool_or() and bool_and()."""

    def write(self: Generator, node: exp.Func) -> str:
        return f"{name}(CAST({self.sql(node.this)} AS Nullable(Bool)))"

    return write


def string_agg_sql(self: Generator, node: exp.GroupConcat, condition: exp.Expr | None = None) -> str:
    """groupConcat() knows no order: parts are sorted with their keys as an array; without parts the result is NULL."""
    value, keys = node.this, []
    if isinstance(value, exp.Order):
        value, keys = value.this, value.expressions
    is_distinct = isinstance(value, exp.Distinct)
    text = text_sql(self, value.expressions[0] if is_distinct else value)
    descends = bool(keys) and bool(keys[0].args.get("desc"))
    parts = [part for key in keys for part in _sort_key(self, key, descends)]
    present = f"isNotNull({text})" + (f" AND ({self.sql(condition)})" if condition is not None else "")
    collect = "groupUniqArrayIf" if is_distinct else "groupArrayIf"
    array = f"{collect}(tuple({', '.join([*parts, text])}), {present})"
    array = f"{'arrayReverseSort' if descends else 'arraySort'}({array})"
    separator = self.sql(node.args["separator"]) if node.args.get("separator") is not None else "','"
    joined = f"arrayStringConcat(arrayMap(part -> assumeNotNull(part.{len(parts) + 1}), {array}), {separator})"
    return f"if(countIf({present}) = 0, NULL, {joined})"


def _sort_key(self: Generator, key: exp.Expr, descends: bool) -> list[str]:
    """NULL as the author wants it, then the key: an array sorts NULL last, and first when it is reversed."""
    nulls_first = bool(key.args.get("nulls_first"))
    value = self.sql(key.this)
    return [f"isNull({value})" if nulls_first is descends else f"isNotNull({value})", value]


def filter_sql(self: Generator, node: exp.Filter) -> str:
    """FILTER of a string_agg is part of what it becomes."""
    if isinstance(node.this, exp.GroupConcat):
        return string_agg_sql(self, node.this, node.expression.this)
    return signed(self, node, f"{self.sql(node.this)} FILTER(WHERE {self.sql(node.expression.this)})")


def ignore_nulls_sql(self: Generator, node: exp.IgnoreNulls) -> str:
    """any() does so by itself, and then takes no FILTER."""
    return self.sql(node.this) if isinstance(node.this, exp.AnyValue) else f"{self.sql(node.this)} IGNORE NULLS"


def moved(name: str) -> Write:
    """lag() and lead() of what is not Nullable are 0 or '' beyond the edge."""

    def write(self: Generator, node: exp.Lag | exp.Lead) -> str:
        offset, default = node.args.get("offset"), node.args.get("default")
        arguments = [f"toNullable({as_type(self, node.this, node.type)})", self.sql(offset) if offset else "1"]
        if default is not None:
            arguments.append(f"toNullable({as_type(self, default, node.type)})")
        return f"{name}({', '.join(arguments)})"

    return write


def framed(name: str) -> Write:
    """first_value() and last_value() skip NULL unless told not to."""

    def write(self: Generator, node: exp.FirstValue | exp.LastValue) -> str:
        respects = "" if isinstance(node.parent, exp.IgnoreNulls) else " RESPECT NULLS"
        return f"{name}(toNullable({self.sql(node.this)})){respects}"

    return write


AGGREGATES: Mapping[type[exp.Expr], Write] = {
    exp.Count: count_sql,
    exp.RowNumber: ranking("row_number"),
    exp.Rank: ranking("rank"),
    exp.DenseRank: ranking("dense_rank"),
    exp.Ntile: ranking("ntile"),
    exp.PercentRank: ranking("percent_rank"),
    exp.CumeDist: ranking("cume_dist"),
    exp.AnyValue: lambda self, node: self.func("any", node.this),
    exp.IgnoreNulls: ignore_nulls_sql,
    exp.Sum: sum_sql,
    exp.Avg: avg_sql,
    exp.Stddev: of_doubles("stddevSampStable"),
    exp.StddevSamp: of_doubles("stddevSampStable"),
    exp.StddevPop: of_doubles("stddevPopStable"),
    exp.Variance: of_doubles("varSampStable"),
    exp.VariancePop: of_doubles("varPopStable"),
    exp.Corr: of_doubles("corrStable"),
    exp.CovarSamp: of_doubles("covarSampStable"),
    exp.CovarPop: of_doubles("covarPopStable"),
    exp.RegrSlope: regression("{slope}"),
    exp.RegrIntercept: regression("avg({own_y}) - {slope} * avg({own_x})"),
    exp.RegrR2: regression("pow(corrStable({y}, {x}), 2)"),
    exp.PercentileCont: quantile_sql,
    exp.Median: quantile_sql,
    exp.WithinGroup: within_group_sql,
    exp.LogicalOr: boolean_sql("max"),
    exp.LogicalAnd: boolean_sql("min"),
    exp.GroupConcat: string_agg_sql,
    exp.Filter: filter_sql,
    exp.Lag: moved("lag"),
    exp.Lead: moved("lead"),
    exp.FirstValue: framed("first_value"),
    exp.LastValue: framed("last_value"),
}
