"""Repairs for Snowflake: aggregates, windows, common table expressions, rows of values."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import FRACTIONS, INTEGERS, kind_of
from measure_cli.dialects.reader import Locate
from measure_cli.dialects.snowflake_repair import (
    Repair,
    aggregated,
    as_double,
    cast,
    number,
    only_if,
    refusal,
    wrap,
)

# -- FILTER, which comes before the other repairs --------------------------------------------------------------------


def repair_filter(node: exp.Filter, _: Locate) -> exp.Expr:
    """Aggregates skip NULL, so the condition goes into the value, as sqlglot does; in MAX_BY into the key."""
    condition: exp.Expr = node.expression.this
    aggregate: exp.Expr = node.this
    if isinstance(aggregate, exp.IgnoreNulls):
        aggregate = aggregate.this
    match aggregate:
        case exp.Count(this=exp.Star()):
            aggregate.set("this", only_if(condition, number(1)))
        case exp.ArgMax() | exp.ArgMin():
            aggregate.set("expression", only_if(condition, aggregate.expression))
        case exp.WithinGroup():
            for key in aggregate.expression.expressions:
                key.set("this", only_if(condition.copy(), key.this))
        case _:
            wrap(aggregate, lambda value: only_if(condition, value))
    return aggregate


def repair_any_value(node: exp.IgnoreNulls, _: Locate) -> exp.Expr:
    """any_value of DuckDB, which sqlglot reads as ANY_VALUE(x) IGNORE NULLS: min() too is a value that is not NULL."""
    return exp.Min(this=node.this.this) if isinstance(node.this, exp.AnyValue) else node


FILTER_REPAIRS: Mapping[type[exp.Expr], Repair] = {exp.Filter: repair_filter, exp.IgnoreNulls: repair_any_value}

# -- aggregates -------------------------------------------------------------------------------------------------------


def repair_sum(node: exp.Sum, _: Locate) -> exp.Expr:
    """SUM of Snowflake takes no booleans."""
    if kind_of(aggregated(node).type) is DType.BOOLEAN:
        wrap(node, lambda value: cast(value, DType.BIGINT))
    return node


def repair_extreme(node: exp.Max | exp.Min, _: Locate) -> exp.Expr:
    """The greatest of booleans is whether any is true; Snowflake documents MAX and MIN for other types only."""
    if kind_of(node.this.type) is not DType.BOOLEAN:
        return node
    return exp.LogicalOr(this=node.this) if isinstance(node, exp.Max) else exp.LogicalAnd(this=node.this)


def repair_statistic(node: exp.AggFunc, _: Locate) -> exp.Expr:
    """Of exact numbers, Snowflake makes exact results, cut after some decimals; DuckDB makes doubles."""
    for key in ("this", "expression"):
        if isinstance(node.args.get(key), exp.Expr) and kind_of(aggregated(node, key).type) in (*INTEGERS, *FRACTIONS):
            wrap(node, as_double, key)
    return node


def repair_quantile(node: exp.PercentileCont | exp.Median, _: Locate) -> exp.Expr:
    """As above; the second argument of quantile_cont is no value, and percentile_cont has its value in WITHIN GROUP."""
    is_value = isinstance(node, exp.Median) or node.args.get("expression") is not None
    if is_value and kind_of(node.this.type) in (*INTEGERS, *FRACTIONS):
        node.set("this", as_double(node.this))
    return node


def repair_within_group(node: exp.WithinGroup, _: Locate) -> exp.Expr:
    """As above. NULL is no value of a percentile, so its order, which sqlglot adds, goes."""
    if isinstance(node.this, exp.PercentileCont):
        for key in node.expression.expressions:
            key.set("this", as_double(key.this))
            key.set("nulls_first", bool(key.args.get("desc")))
    return node


def repair_arg_max(node: exp.ArgMax | exp.ArgMin, locate: Locate) -> exp.Expr:
    """arg_max of DuckDB skips rows without a value, MAX_BY only those without a key."""
    if isinstance(node.parent, exp.Window):
        fix = "Write first_value(x) OVER (PARTITION BY ... ORDER BY key DESC ROWS BETWEEN UNBOUNDED PRECEDING AND ...)."
        raise refusal(node, locate, "arg_max() or arg_min() OVER a window", fix)
    if not isinstance(node.this, exp.Literal):
        is_there = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null()))
        node.set("expression", only_if(is_there, node.expression))
    return node


def repair_group_concat(node: exp.GroupConcat, locate: Locate) -> exp.Expr:
    """LISTAGG of nothing is '', string_agg of nothing is NULL; without a separator, DuckDB takes a comma."""
    if isinstance(node.parent, exp.Window):
        raise refusal(node, locate, "string_agg() OVER a window", "Aggregate with GROUP BY in a CTE, and join it.")
    if node.args.get("separator") is None:
        node.set("separator", exp.Literal.string(","))
    there_are = exp.GT(this=exp.Count(this=aggregated(node).copy()), expression=number(0))
    return exp.Case(ifs=[exp.If(this=there_are, true=node)])


# -- queries ----------------------------------------------------------------------------------------------------------


def repair_cte(node: exp.CTE, _: Locate) -> exp.Expr:
    """Snowflake knows no MATERIALIZED."""
    node.set("materialized", None)
    return node


def repair_with(node: exp.With, locate: Locate) -> exp.Expr:
    """A recursive CTE has to name its columns, and to be united by UNION ALL."""
    for cte in node.expressions if node.args.get("recursive") else ():
        query, alias = cte.this, cte.args["alias"]
        if not isinstance(query, exp.SetOperation) or all(
            table.name != cte.alias for table in query.find_all(exp.Table)
        ):
            continue
        if query.args.get("distinct"):
            raise refusal(query, locate, "a recursive CTE by UNION", "Write UNION ALL, with a condition that ends it.")
        if not alias.columns:
            alias.set("columns", [exp.to_identifier(name) for name in query.named_selects])
    return node


def repair_set_operation(node: exp.Except | exp.Intersect, locate: Locate) -> exp.Expr:
    """Snowflake has no EXCEPT ALL and no INTERSECT ALL."""
    if node.args.get("distinct") is False:
        name = type(node).__name__.upper()
        raise refusal(node, locate, f"{name} ALL", f"Write {name}, which compares sets.")
    return node


def is_constant_row(values: exp.Values) -> bool:
    """Whether VALUES holds nothing but constants."""
    return all(_is_constant(item) for row in values.expressions for item in row.expressions)


def _is_constant(item: exp.Expr) -> bool:
    inner = item.this if isinstance(item, exp.Neg) else item
    return isinstance(inner, exp.Literal | exp.Null | exp.Boolean)


STATISTICS = (
    *(exp.Avg, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop),
    *(exp.Corr, exp.CovarSamp, exp.CovarPop, exp.RegrSlope, exp.RegrIntercept, exp.RegrR2),
)
QUERY_REPAIRS: Mapping[type[exp.Expr], Repair] = {
    exp.Sum: repair_sum,
    exp.Max: repair_extreme,
    exp.Min: repair_extreme,
    **dict.fromkeys(STATISTICS, repair_statistic),
    exp.PercentileCont: repair_quantile,
    exp.Median: repair_quantile,
    exp.WithinGroup: repair_within_group,
    exp.ArgMax: repair_arg_max,
    exp.ArgMin: repair_arg_max,
    exp.GroupConcat: repair_group_concat,
    exp.CTE: repair_cte,
    exp.With: repair_with,
    exp.Except: repair_set_operation,
    exp.Intersect: repair_set_operation,
}
