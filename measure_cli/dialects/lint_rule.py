"""What a lint rule is, and the questions about a tree that several rules ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import kind_of

Complaint = tuple[str, str]
"""What was found, and what to write instead."""
Check = Callable[[Any], Complaint | None]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule: looks at every node of the classes `on`. A `resolved` rule needs names and types to be resolved."""

    name: str
    description: str
    on: tuple[type[exp.Expr], ...]
    check: Check
    resolved: bool = False


Decorator = Callable[[Check], LintRule]


def authored(name: str, *on: type[exp.Expr]) -> Decorator:
    """A rule on the tree as its author wrote it. The docstring of the check says why the rule is there."""
    return lambda check: LintRule(name, str(check.__doc__), on, check)


def resolved(name: str, *on: type[exp.Expr]) -> Decorator:
    """A rule on the resolved tree: columns have tables, expressions have types as far as they can be told."""
    return lambda check: LintRule(name, str(check.__doc__), on, check, resolved=True)


DATE_STEPS = (
    exp.Paren,
    exp.Add,
    exp.Sub,
    exp.Coalesce,
    exp.Greatest,
    exp.Least,
    exp.Case,
    exp.If,
    exp.Min,
    exp.Max,
    exp.Window,
    exp.Filter,
    exp.TimestampTrunc,
    exp.DateTrunc,
)
DATE_READERS = (exp.Predicate, exp.DateDiff, exp.Extract, exp.Order, exp.Ordered)
CONDITIONALS = (exp.Case, exp.If)


def kind(node: exp.Expr | None) -> DType:
    """Type of an expression without its parameters; UNKNOWN before types are annotated."""
    return kind_of(node.type) if node is not None else DType.UNKNOWN


def ends_as_date(node: exp.Expr) -> bool:
    """Whether a date expression is cast to DATE, or only compared or measured, before it leaves the query."""
    parent = node.parent
    while isinstance(parent, DATE_STEPS):
        parent = parent.parent
    if isinstance(parent, exp.Cast):
        return parent.to.this is DType.DATE
    return isinstance(parent, DATE_READERS)


def is_conditional(node: exp.Expr) -> bool:
    """Whether a CASE decides if the expression counts."""
    branch = node.find_ancestor(*CONDITIONALS, exp.Select)
    return isinstance(branch, CONDITIONALS)


def is_constant(node: exp.Expr) -> bool:
    """Whether an expression is made of literals only."""
    return node.find(exp.Column, exp.Query, exp.Anonymous, exp.AggFunc) is None


def bare(node: exp.Expr) -> exp.Expr:
    """An expression without its parentheses."""
    return node.unnest() if isinstance(node, exp.Paren) else node
