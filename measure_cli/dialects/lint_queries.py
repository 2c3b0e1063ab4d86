"""Lint rules on the shape of queries: joins, row sources, set operations, order, names, windows."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator

from measure_cli.dialects.lint_rule import Complaint, LintRule, authored, resolved

SNAKE_CASE = re.compile(r"[a-z_][a-z0-9_]*")
FRAMED = (exp.FirstValue, exp.LastValue, exp.NthValue)
ORDERED = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
    *FRAMED,
)


@authored("no-asof", exp.Join)
def no_asof(join: exp.Join) -> Complaint | None:
    """ASOF joins are written differently, or not known, elsewhere."""
    if join.method != "ASOF":
        return None
    return "ASOF JOIN", "Join on the range and keep one row with row_number() or arg_max(), with a unique tie-break."


@authored("no-implicit-join-columns", exp.Join)
def no_implicit_join_columns(join: exp.Join) -> Complaint | None:
    """NATURAL and POSITIONAL joins depend on columns and rows nobody names."""
    if join.method not in ("NATURAL", "POSITIONAL"):
        return None
    return f"{join.method} JOIN", "Name the columns: ON ... or USING (...)."


@authored("no-lateral", exp.Lateral)
def no_lateral(_: exp.Lateral) -> Complaint | None:
    """LATERAL subqueries are not known to every engine."""
    return "LATERAL", "Join a CTE instead."


@authored("no-pivot", exp.Pivot)
def no_pivot(_: exp.Pivot) -> Complaint | None:
    """PIVOT and UNPIVOT are dropped silently on the way to some engines."""
    return "PIVOT or UNPIVOT", "Write conditional aggregates: sum(CASE WHEN ... THEN ... END); UNION ALL to unpivot."


@authored("no-sample", exp.TableSample)
def no_sample(_: exp.TableSample) -> Complaint | None:
    """A sample differs from run to run."""
    return "a sample of rows", "Keep the rows whose substr(md5(id), 1, 2) < '80' (a half, for example)."


@authored("no-union-by-name", exp.SetOperation)
def no_union_by_name(union: exp.SetOperation) -> Complaint | None:
    """UNION BY NAME is DuckDB's own."""
    if not union.args.get("by_name"):
        return None
    return "UNION BY NAME", "List the columns of every branch in the same order."


@authored("no-values-in-cte", exp.Values)
def no_values_in_cte(values: exp.Values) -> Complaint | None:
    """VALUES works as FROM (VALUES ...) AS t(a, b) only."""
    if values.alias_column_names:
        return None
    return "VALUES without column names", "Write FROM (VALUES (...), (...)) AS t(a, b)."


@authored(
    "no-unnest-or-generate-series",
    exp.Unnest,
    exp.GenerateSeries,
    exp.Explode,
    exp.GenerateDateArray,
    exp.GenerateTimestampArray,
)
def no_unnest_or_generate_series(_: exp.Expr) -> Complaint | None:
    """Engines make rows from lists and ranges in different ways."""
    return (
        "rows made from a list or a range",
        "Cross join a CTE of digits, or write a recursive CTE of under 1000 steps.",
    )


@authored("no-not-in-subquery", exp.Not)
def no_not_in_subquery(negation: exp.Not) -> Complaint | None:
    """NOT IN finds nothing, or all, when the subquery returns a NULL."""
    inside = negation.this.unnest()
    if not isinstance(inside, exp.In) or inside.args.get("query") is None:
        return None
    return "NOT IN with a subquery", "Write NOT EXISTS (SELECT 1 FROM ... WHERE ... = ...)."


@authored("no-null-in-list", exp.In)
def no_null_in_list(membership: exp.In) -> Complaint | None:
    """Engines disagree on a NULL in an IN list."""
    if any(isinstance(item, exp.Null) for item in membership.expressions):
        return "NULL in an IN list", "Leave it out, and test IS NULL apart."
    return None


@authored("in-decides-rows", exp.In)
def in_decides_rows(membership: exp.In) -> Complaint | None:
    """As a value, IN of rows with a NULL is NULL or FALSE, by engine; as a filter both leave the row out."""
    if membership.args.get("query") is None and not isinstance(membership.this, exp.Tuple):
        return None
    node = membership.parent
    while isinstance(node, exp.And | exp.Or | exp.Paren):
        node = node.parent
    is_denied = isinstance(membership.parent, exp.Not) and membership.args.get("query") is not None  # has its own rule
    if is_denied or isinstance(node, exp.Where | exp.Having | exp.Qualify | exp.Join | exp.If):
        return None
    return "IN of a subquery or of tuples as a value", "Write EXISTS (SELECT 1 FROM ... WHERE ... = ...)."


@authored("no-except-all", exp.Except, exp.Intersect)
def no_except_all(operation: exp.SetOperation) -> Complaint | None:
    """EXCEPT ALL and INTERSECT ALL count repeated rows differently."""
    if operation.args.get("distinct") is not False:
        return None
    return f"{operation.key.upper()} ALL", "Number the rows with row_number(), or leave ALL out."


@authored("no-quantified-comparison", exp.All, exp.Any)
def no_quantified_comparison(_: exp.Expr) -> Complaint | None:
    """Comparisons with ANY and ALL are not known everywhere."""
    return "a comparison with ANY or ALL", "Compare to (SELECT min(x) ...) or max(x), or write EXISTS."


@resolved("no-correlated-count", exp.Subquery)
def no_correlated_count(subquery: exp.Subquery) -> Complaint | None:
    """A correlated count of no rows is NULL on some engines, 0 on others."""
    query = subquery.this
    if not isinstance(query, exp.Select) or len(query.selects) != 1 or isinstance(subquery.parent, exp.From | exp.Join):
        return None
    counted = query.selects[0].unalias()
    own = {source.alias_or_name for source in query.find_all(exp.Table, exp.Subquery)}
    outer = any(column.table and column.table not in own for column in query.find_all(exp.Column))
    if not outer or not isinstance(counted, exp.Count) or isinstance(subquery.parent, exp.Coalesce):
        return None
    return "a correlated count", "Write coalesce((SELECT count(...) ...), 0), or join the counts."


@authored("no-order-by-in-model", exp.Order)
def no_order_by_in_model(order: exp.Order) -> Complaint | None:
    """The rows of a relation have no order."""
    query = order.parent
    if not isinstance(query, exp.Query) or query.args.get("limit"):
        return None
    return "ORDER BY without LIMIT", "Leave it out; config(order_by=[...]) says how a table is stored."


@authored("limit-needs-order", exp.Limit)
def limit_needs_order(limit: exp.Limit) -> Complaint | None:
    """LIMIT without ORDER BY keeps any rows; of rows that are all alike it does not matter which."""
    query = limit.parent
    if not isinstance(query, exp.Query) or query.args.get("order"):
        return None
    if isinstance(query, exp.Select) and all(isinstance(column.unalias(), exp.Literal) for column in query.selects):
        return None
    return "LIMIT without ORDER BY", "Order by a unique key."


@authored("no-distinct-on", exp.Distinct)
def no_distinct_on(distinct: exp.Distinct) -> Complaint | None:
    """DISTINCT ON depends on an order that not every engine keeps."""
    return ("DISTINCT ON", "Keep row_number() OVER (...) = 1.") if distinct.args.get("on") else None


@authored("typed-null", exp.Select)
def typed_null(select: exp.Select) -> Complaint | None:
    """A bare NULL column has no type."""
    is_later_branch = isinstance(select.parent, exp.SetOperation) and select.arg_key == "expression"
    if is_later_branch or isinstance(select.parent, exp.Exists):
        return None
    if any(isinstance(output.unalias(), exp.Null) for output in select.selects):
        return "a NULL column without a type", "Write CAST(NULL AS <type>)."
    return None


@authored("snake-case-names", exp.Alias, exp.TableAlias)
def snake_case_names(alias: exp.Alias | exp.TableAlias) -> Complaint | None:
    """Engines fold the letter case of names differently."""
    named = alias.args.get("alias") if isinstance(alias, exp.Alias) else alias.this
    for identifier in (named, *(alias.args.get("columns") or ())):
        name = identifier.name if isinstance(identifier, exp.Identifier) else ""
        if name and not SNAKE_CASE.fullmatch(name):
            return f'the name "{name}"', "Names are lower_snake_case."
        if name in DuckDBGenerator.RESERVED_KEYWORDS:
            return f'the keyword "{name}" as a name', "Choose a name that needs no quotes."
    return None


# -- windows --------------------------------------------------------------------------------------------------------


@authored("explicit-frame", exp.Window)
def explicit_frame(window: exp.Window) -> Complaint | None:
    """The frame of first_value and last_value differs when none is written."""
    spec = window.args.get("spec")
    if not isinstance(_windowed(window), FRAMED) or (spec is not None and str(spec.args.get("kind")).upper() == "ROWS"):
        return None
    return (
        f"{_name(window)} without a ROWS frame",
        "Add ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING, or the frame that is meant.",
    )


@authored("no-range-interval-frame", exp.WindowSpec)
def no_range_interval_frame(spec: exp.WindowSpec) -> Complaint | None:
    """RANGE frames over intervals are not known to every engine."""
    if str(spec.args.get("kind")).upper() != "RANGE" or spec.find(exp.Interval) is None:
        return None
    return "a RANGE frame over an interval", "Order by whole seconds: RANGE 604800 PRECEDING."


@authored("portable-frame", exp.WindowSpec)
def portable_frame(spec: exp.WindowSpec) -> Complaint | None:
    """GROUPS and EXCLUDE are not known everywhere; with one bounded side, RANGE treats NULL differently."""
    unit = str(spec.args.get("kind") or "").upper()
    offsets = [isinstance(spec.args.get(bound), exp.Expr) for bound in ("start", "end")]
    unbounded = any(str(spec.args.get(bound)).upper() == "UNBOUNDED" for bound in ("start", "end"))
    if unit == "GROUPS" or spec.args.get("exclude") or (unit == "RANGE" and any(offsets) and unbounded):
        return "GROUPS, EXCLUDE, or RANGE from UNBOUNDED to a distance", "Use ROWS, or RANGE between two distances."
    return None


@authored("no-ignore-nulls", exp.IgnoreNulls)
def no_ignore_nulls(node: exp.IgnoreNulls) -> Complaint | None:
    """IGNORE NULLS of lag and lead is ignored by some engines."""
    if not isinstance(node.this, exp.Lag | exp.Lead):
        return None
    return (
        f"{node.this.sql_name().lower()}(... IGNORE NULLS)",
        "Write last_value(x IGNORE NULLS) OVER (... ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING).",
    )


@authored("window-needs-order", exp.Window)
def window_needs_order(window: exp.Window) -> Complaint | None:
    """Without ORDER BY the rows of a window come in any order."""
    named = window.args.get("alias") is not None
    if named or window.args.get("order") or not isinstance(_windowed(window), ORDERED):
        return None
    return f"{_name(window)} OVER without ORDER BY", "Order by a unique key."


def _windowed(window: exp.Window) -> exp.Expr:
    inner: exp.Expr = window.this
    while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        inner = inner.this
    return inner


def _name(window: exp.Window) -> str:
    inner = _windowed(window)
    return f"{inner.sql_name().lower()}()" if isinstance(inner, exp.Func) else "a window"


QUERY_RULES: tuple[LintRule, ...] = (
    no_asof,
    no_implicit_join_columns,
    no_lateral,
    no_pivot,
    no_sample,
    no_union_by_name,
    no_values_in_cte,
    no_unnest_or_generate_series,
    no_not_in_subquery,
    no_null_in_list,
    in_decides_rows,
    no_except_all,
    no_quantified_comparison,
    no_correlated_count,
    no_order_by_in_model,
    limit_needs_order,
    no_distinct_on,
    typed_null,
    snake_case_names,
    explicit_frame,
    no_range_interval_frame,
    portable_frame,
    no_ignore_nulls,
    window_needs_order,
)
