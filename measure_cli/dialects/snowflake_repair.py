"""What a repair for Snowflake is, and the nodes that several repairs make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import DOUBLE, kind_of
from measure_cli.dialects.reader import Locate, line_of
from measure_cli.errors import PlanError

Repair = Callable[[Any, Locate], exp.Expr]
"""From a node to what stands in its place, which may be the node itself."""


def refusal(node: exp.Expr, locate: Locate, found: str, fix: str) -> PlanError:
    """The error for something that Snowflake cannot express."""
    return PlanError(f"{locate(line_of(node) or 1)}: found {found}, which Snowflake has no equal for", fix)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function of Snowflake."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def typed(node: exp.Expr, data_type: exp.DataType | DType | None) -> exp.Expr:
    """A new node with a type."""
    node.type = data_type
    return node


def number(value: int) -> exp.Expr:
    """A whole number."""
    return exp.Literal.number(value)


def cast(value: exp.Expr, to: DType) -> exp.Expr:
    """A value of another type."""
    return typed(exp.Cast(this=value, to=to.into_expr()), to)


def as_double(value: exp.Expr) -> exp.Expr:
    """A number as DOUBLE; booleans go by way of integers, because Snowflake does not cast them to FLOAT."""
    kind = kind_of(value.type)
    if kind in (DOUBLE, DType.FLOAT, DType.NULL):
        return value
    return cast(cast(value, DType.BIGINT) if kind is DType.BOOLEAN else value, DOUBLE)


def only_if(condition: exp.Expr, value: exp.Expr) -> exp.Expr:
    """A value, or NULL where the condition does not hold."""
    return typed(exp.If(this=condition, true=value, false=exp.null()), value.type)


def holder(node: exp.Expr, key: str = "this") -> tuple[exp.Expr, str, int | None]:
    """Where the aggregated value stands under `key` of an aggregate: below DISTINCT and ORDER BY, if there are any."""
    value = node.args[key]
    if isinstance(value, exp.Order):
        return holder(value)
    if isinstance(value, exp.Distinct):
        return value, "expressions", 0
    return node, key, None


def aggregated(node: exp.Expr, key: str = "this") -> exp.Expr:
    """The value that an aggregate is made of."""
    parent, name, index = holder(node, key)
    value = parent.args[name]
    found: exp.Expr = value if index is None else value[index]
    return found


def wrap(node: exp.Expr, change: Callable[[exp.Expr], exp.Expr], key: str = "this") -> None:
    """Change the value that an aggregate is made of."""
    parent, name, index = holder(node, key)
    parent.set(name, change(aggregated(node, key)), index)
