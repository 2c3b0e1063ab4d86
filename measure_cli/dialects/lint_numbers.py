"""Lint rules on numbers: division, rounding, statistics, casts."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import DECIMAL, DOUBLE, FRACTIONS, INTEGERS, MOMENTS
from measure_cli.dialects.lint_rule import (
    Complaint,
    LintRule,
    authored,
    bare,
    is_conditional,
    is_constant,
    kind,
    resolved,
)

SPREADS = (exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop)
RELATIONSHIPS = (exp.Corr, exp.CovarSamp, exp.CovarPop, exp.RegrSlope, exp.RegrIntercept, exp.RegrR2)
NOT_A_NUMBER = ("nan", "inf", "infinity")


@authored("guarded-division", exp.Div, exp.IntDiv, exp.Mod)
def guarded_division(node: exp.Binary) -> Complaint | None:
    """x / 0 is NULL, infinite or an error, by engine."""
    if _never_zero(node.right):
        return None
    return "a division that may divide by zero", "Write CAST(a AS DOUBLE) / nullif(CAST(b AS DOUBLE), 0)."


@resolved("division-on-double", exp.Div)
def division_on_double(node: exp.Div) -> Complaint | None:
    """Exact numbers divide to different precisions."""
    sides = (kind(node.left), kind(node.right))
    exact = all(side in (*INTEGERS, DECIMAL) for side in sides)
    if not exact or is_constant(node.right):
        return None
    return "a division of exact numbers", "Write CAST(a AS DOUBLE) / nullif(CAST(b AS DOUBLE), 0)."


@resolved("whole-division", exp.IntDiv, exp.Mod)
def whole_division(node: exp.Binary) -> Complaint | None:
    """Remainders and whole quotients of fractions differ."""
    if all(kind(side) in (*INTEGERS, DType.UNKNOWN) for side in (node.left, bare(node.right))):
        return None
    return "// or % of a fraction", "Use integers, or x - y * floor(x / y)."


@authored(
    "no-bits",
    exp.BitwiseAnd,
    exp.BitwiseOr,
    exp.BitwiseXor,
    exp.BitwiseNot,
    exp.BitwiseLeftShift,
    exp.BitwiseRightShift,
)
def no_bits(_: exp.Expr) -> Complaint | None:
    """Operators on bits are written differently, or mean something else."""
    return "an operator on bits", "Use arithmetic."


@authored("no-log", exp.Log)
def no_log(log: exp.Log) -> Complaint | None:
    """log() is base 10 here, base e elsewhere."""
    if log.args.get("expression") is not None and log.this.name in ("2", "10"):
        return None
    return "log()", "Write ln(x) or log10(x)."


@authored("no-round", exp.Round)
def no_round(_: exp.Round) -> Complaint | None:
    """Engines round halves differently."""
    return "round()", "Leave numbers as they are, or write sign(x) * floor(abs(x) * 100 + 0.5) / 100."


@authored("guarded-stddev", *SPREADS)
def guarded_stddev(aggregate: exp.AggFunc) -> Complaint | None:
    """The spread of one value is NULL or NaN, by engine."""
    if is_conditional(aggregate):
        return None
    return f"{aggregate.sql_name().lower()}() without a guard", "Write CASE WHEN count(x) > 1 THEN ... END."


@authored("guarded-corr", *RELATIONSHIPS)
def guarded_corr(aggregate: exp.AggFunc) -> Complaint | None:
    """The relation of constants is NULL or NaN, by engine."""
    if is_conditional(aggregate):
        return None
    name = aggregate.sql_name().lower()
    return f"{name}() without a guard", "Write CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN ... END."


@resolved("quantile-on-double", exp.PercentileCont, exp.Median, exp.WithinGroup)
def quantile_on_double(aggregate: exp.Func) -> Complaint | None:
    """Quantiles of exact numbers differ."""
    value = aggregate.expression.expressions[0].this if isinstance(aggregate, exp.WithinGroup) else aggregate.this
    is_fraction = isinstance(aggregate, exp.PercentileCont) and isinstance(aggregate.parent, exp.WithinGroup)
    if is_fraction or kind(value) not in (DECIMAL, *MOMENTS):
        return None
    return "a quantile of a DECIMAL or a date", "Write quantile_cont(CAST(x AS DOUBLE), p)."


@resolved("no-average-date", exp.Avg)
def no_average_date(average: exp.Avg) -> Complaint | None:
    """An average of dates is not known everywhere."""
    return ("an average of dates", "Average date_diff('day', ...).") if kind(average.this) in MOMENTS else None


@resolved("no-cast-float-to-int", exp.Cast)
def no_cast_float_to_int(cast: exp.Cast) -> Complaint | None:
    """A cast to integer rounds or truncates, by engine."""
    if cast.to.this not in INTEGERS or kind(cast.this) not in FRACTIONS or _is_whole(cast.this):
        return None
    return "a fraction cast to an integer", "Write CAST(floor(x) AS BIGINT)."


@resolved("no-double-to-decimal", exp.Cast)
def no_double_to_decimal(cast: exp.Cast) -> Complaint | None:
    """A cast of DOUBLE to DECIMAL rounds or truncates, by engine."""
    if cast.to.this is not DECIMAL or kind(cast.this) not in (DOUBLE, DType.FLOAT):
        return None
    return "a DOUBLE cast to DECIMAL", "Keep money DECIMAL from source to sum, everything else DOUBLE."


@authored("no-nan", exp.Cast)
def no_nan(cast: exp.Cast) -> Complaint | None:
    """NaN and infinity compare and aggregate differently."""
    value = cast.this
    if not isinstance(value, exp.Literal) or not value.is_string or value.name.lower().lstrip("+-") not in NOT_A_NUMBER:
        return None
    return f"the value '{value.name}'", "Use NULL for what is not a number."


# -- questions about values --------------------------------------------------------------------------------------------


def _never_zero(divisor: exp.Expr) -> bool:
    match bare(divisor):
        case exp.Literal() as literal:
            safe = not literal.is_string and float(literal.name.replace("_", "")) != 0
        case exp.Nullif() as guarded:
            safe = _is_zero(guarded.expression)
        case exp.Cast() | exp.Neg() | exp.Abs() | exp.Sqrt() as wrapped:
            safe = _never_zero(wrapped.this)
        case exp.Coalesce() as alternatives:
            safe = all(_never_zero(value) for value in (alternatives.this, *alternatives.expressions))
        case exp.Greatest() as bounded:
            safe = any(_is_positive(value) for value in (bounded.this, *bounded.expressions))
        case exp.Mul() as product:
            safe = _never_zero(product.left) and _never_zero(product.right)
        case other:
            safe = isinstance(other, exp.Ln | exp.Exp | exp.Pow | exp.Add) and is_constant(other)
    return safe


def _is_zero(value: exp.Expr) -> bool:
    value = bare(value)
    return isinstance(value, exp.Literal) and not value.is_string and float(value.name) == 0


def _is_positive(value: exp.Expr) -> bool:
    return isinstance(value, exp.Literal) and not value.is_string and float(value.name) > 0


def _is_whole(value: exp.Expr) -> bool:
    """Whether a number of a fractional type has no fraction."""
    match bare(value):
        case exp.Floor() | exp.Ceil() | exp.Sign() | exp.Null():
            whole = True
        case exp.Literal() as literal:
            whole = float(literal.name).is_integer()
        case exp.Case() as case:
            branches = [branch.args["true"] for branch in case.args["ifs"]]
            whole = all(_is_whole(branch) for branch in [*branches, case.args.get("default") or exp.null()])
        case exp.Add() | exp.Sub() | exp.Mul() as terms:
            whole = _is_whole(terms.left) and _is_whole(terms.right)
        case exp.Coalesce() | exp.Greatest() | exp.Least() as choice:
            whole = all(_is_whole(part) for part in (choice.this, *choice.expressions))
        case (
            exp.Neg()
            | exp.Abs()
            | exp.Sum()
            | exp.Min()
            | exp.Max()
            | exp.Nullif()
            | exp.Window()
            | exp.Filter() as outer
        ):
            whole = _is_whole(outer.this)
        case other:
            whole = kind(other) in INTEGERS or _has_no_scale(other)
    return whole


def _has_no_scale(value: exp.Expr) -> bool:
    size = value.type.expressions if kind(value) is DECIMAL and value.type else []
    return len(size) == 2 and size[1].name == "0"


NUMBER_RULES: tuple[LintRule, ...] = (
    guarded_division,
    division_on_double,
    whole_division,
    no_bits,
    no_log,
    no_round,
    guarded_stddev,
    guarded_corr,
    quantile_on_double,
    no_average_date,
    no_cast_float_to_int,
    no_double_to_decimal,
    no_nan,
)
