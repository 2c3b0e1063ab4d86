"""Repairs of a resolved, typed tree that change its shape, before ClickHouse's writer writes its nodes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.clickhouse_types import type_text
from measure_cli.dialects.column_types import DECIMAL, INTEGERS, common_type, kind_of
from measure_cli.dialects.reader import Locate

OUTER = ("LEFT", "RIGHT", "FULL")


def prepare(query: exp.Query, locate: Locate) -> exp.Query:
    """The repaired tree."""
    del locate
    for select in list(query.find_all(exp.Select)):
        _type_outputs(select)
    for union in list(query.find_all(exp.SetOperation)):
        _align_types(union)
    for union in reversed(list(query.find_all(exp.SetOperation))):  # inner ones first
        closed = _close_union(union)
        query = closed if union is query else query
    for clause in query.find_all(exp.With):
        _compute_once(clause)
    for join in query.find_all(exp.Join):
        _key_range_join(join)
    for window in query.find_all(exp.Window):
        _part_nulls(window)
    return query


def _type_outputs(select: exp.Select) -> None:
    """Output columns whose type in ClickHouse is not DuckDB's: predicates are UInt8, 1 is UInt8, decimals are wider."""
    for output in select.selects:
        value = output.unalias()
        if kind_of(value.type) in (DType.BOOLEAN, DECIMAL) or (
            kind_of(value.type) in INTEGERS and isinstance(value, exp.Literal | exp.Neg)
        ):
            cast_in_place(value, value.type)


def cast_in_place(value: exp.Expr, wanted: exp.DataType | None) -> None:
    """Put a cast around a value, unless it surely has the type."""
    if wanted is None or type_text(wanted) is None:
        return
    if isinstance(value, exp.Column | exp.Cast) and value.type == wanted:
        return
    cast = exp.Cast(this=value.copy(), to=wanted.copy())
    cast.type = wanted.copy()
    value.replace(cast)


def _align_types(union: exp.SetOperation) -> None:
    """Branches of one type: ClickHouse finds none for a number and a decimal, and makes a Variant of others.

    What a recursive CTE begins with decides what it can hold: a bare 1 ends at 255.
    """
    clause = union.find_ancestor(exp.With)
    is_recursive = clause is not None and bool(clause.args.get("recursive"))
    for outputs in zip(*(branch.selects for branch in union_branches(union)), strict=True):
        values = [output.unalias() for output in outputs]
        wanted = united_type(values)
        for value in values:
            if is_recursive or value.type != wanted:
                cast_in_place(value, wanted)


def united_type(values: Sequence[exp.Expr]) -> exp.DataType:
    """The common type of values that stand one below the other."""
    found: exp.DataType | DType = DType.NULL
    for value in values:
        found = common_type(found, DType.NULL if isinstance(value, exp.Null) else value.type or DType.UNKNOWN)
    return found.copy() if isinstance(found, exp.DataType) else found.into_expr()


def union_branches(query: exp.Expr) -> list[exp.Select]:
    """The SELECTs that a set operation is made of."""
    if isinstance(query, exp.SetOperation):
        return [*union_branches(query.left), *union_branches(query.right)]
    if isinstance(query, exp.Subquery):
        return union_branches(query.this)
    assert isinstance(query, exp.Select)
    return [query]


def _close_union(union: exp.SetOperation) -> exp.Query:
    """ORDER BY and LIMIT behind a union belong to its last branch in ClickHouse: the union goes into a subquery."""
    modifiers = {key: union.args[key] for key in ("order", "limit", "offset") if union.args.get(key)}
    if not modifiers:
        return union
    inner = union.copy()
    for key in (*modifiers, "with_"):
        inner.set(key, None)
    outer = exp.select(*(exp.column(name, quoted=False) for name in union.named_selects)).from_(
        inner.subquery("united")
    )
    for key, modifier in modifiers.items():
        outer.set(key, modifier.copy())
    if union.args.get("with_"):
        outer.set("with_", union.args["with_"].copy())
    union.replace(outer)
    return outer


def _compute_once(clause: exp.With) -> None:
    """A CTE is computed once for each place that reads it, and chains of them once for each path.

    Versions since 26.3 know MATERIALIZED (with the setting `enable_materialized_cte`), though neither beside a
    recursive CTE nor below IN.
    """
    scope = clause.parent
    assert scope is not None
    for cte in clause.expressions:
        reads = [table for table in scope.find_all(exp.Table) if table.name == cte.alias and not table.db]
        below_in = any(table.find_ancestor(exp.In) for table in reads)
        is_shared = len(reads) > 1 and not below_in and not clause.args.get("recursive")
        cte.set("materialized", True if is_shared else None)


def _key_range_join(join: exp.Join) -> None:
    """An outer join without an equality has no key, which ClickHouse insists on: 0 = 0 of two columns makes one."""
    condition = join.args.get("on")
    if join.side not in OUTER or condition is None:
        return
    own = join.this.alias_or_name
    if (
        any(_is_key(part, own) for part in condition.flatten())
        if isinstance(condition, exp.And)
        else _is_key(condition, own)
    ):
        return
    columns = list(condition.find_all(exp.Column))
    mine = next((column for column in columns if column.table == own), None)
    theirs = next((column for column in columns if column.table != own), None)
    if mine is None or theirs is None:
        return
    zeros = [exp.Anonymous(this="ignore", expressions=[column.copy()]) for column in (theirs, mine)]
    join.set("on", exp.And(this=exp.EQ(this=zeros[0], expression=zeros[1]), expression=exp.paren(condition.copy())))


def _is_key(part: exp.Expr, own: str) -> bool:
    part = part.unnest()
    if not isinstance(part, exp.EQ | exp.NullSafeEQ):
        return False
    sides = [{column.table for column in side.find_all(exp.Column)} for side in (part.left, part.right)]
    return all(sides) and (own in sides[0]) != (own in sides[1])


def _part_nulls(window: exp.Window) -> None:
    """RANGE n PRECEDING: ClickHouse takes a NULL key for 0, so that rows with NULL get a partition of their own."""
    spec, order = window.args.get("spec"), window.args.get("order")
    if spec is None or order is None or str(spec.args.get("kind")).upper() != "RANGE":
        return
    if not any(isinstance(spec.args.get(bound), exp.Expr) for bound in ("start", "end")):
        return
    key = order.expressions[0].this
    window.append("partition_by", exp.Anonymous(this="isNull", expressions=[key.copy()]))
