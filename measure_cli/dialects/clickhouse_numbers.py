"""Arithmetic, comparisons and choices on ClickHouse, with DuckDB's types of results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.expressions import DType
from sqlglot.generator import Generator

from measure_cli.dialects.clickhouse_types import as_type, cast_text, decimal_size, double_text
from measure_cli.dialects.column_types import (
    DECIMAL,
    DOUBLE,
    INTEGERS,
    TEXTS,
    UNKNOWN,
    common_type,
    kind_of,
    parse_type,
)

STORED_DIGITS = (9, 18, 38)  # ClickHouse computes a Decimal in 32, 64 or 128 bits, as wide as its operands
Write = Callable[[Generator, Any], str]


def double_sql(self: Generator, node: exp.Expr) -> str:
    """A number where a DOUBLE is meant."""
    if isinstance(node, exp.Paren) and kind_of(node.this.type) is DECIMAL:
        return f"({double_sql(self, node.this)})"
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        return f"-{double_text(node.this)}"
    if isinstance(node, exp.Literal) and not node.is_string and kind_of(node.type) is DECIMAL:
        return double_text(node)
    return f"toFloat64({self.sql(node)})" if kind_of(node.type) in (DECIMAL, DType.INT128) else self.sql(node)


def arithmetic(symbol: str) -> Write:
    """`+`, `-` and `*`."""

    def write(self: Generator, node: exp.Binary) -> str:
        kind = kind_of(node.type)
        if kind is DECIMAL and node.type is not None:
            return f"{_wide_enough(self, node)} {symbol} {self.sql(node.right)}"
        operand = double_sql if kind is DOUBLE else Generator.sql
        return f"{operand(self, node.left)} {symbol} {operand(self, node.right)}"

    return write


def _wide_enough(self: Generator, node: exp.Binary) -> str:
    """The left operand, wide enough for the result: a product of Decimal(18, 6) has 18 digits, 12 behind the point."""
    assert node.type is not None
    width, _ = decimal_size(node.type)
    widths = [
        decimal_size(side.type)[0] for side in (node.left, node.right) if side.type and kind_of(side.type) is DECIMAL
    ]
    if _stored(width) <= _stored(max(widths, default=0)) and kind_of(node.left.type) is DECIMAL:
        return self.sql(node.left)
    scale = decimal_size(node.left.type)[1] if node.left.type and kind_of(node.left.type) is DECIMAL else 0
    return cast_text(self.sql(node.left), parse_type(f"DECIMAL({width}, {scale})"))


def _stored(width: int) -> int:
    return next((digits for digits in STORED_DIGITS if width <= digits), STORED_DIGITS[-1])


def div_sql(self: Generator, node: exp.Div) -> str:
    """DuckDB divides doubles; ClickHouse keeps the scale of a Decimal (sqlglot 30.22: 1.3875 becomes 1.38)."""
    return f"{double_sql(self, node.left)} / {double_sql(self, node.right)}"


def intdiv_sql(self: Generator, node: exp.IntDiv) -> str:
    """sqlglot 30.22 writes a cast of a quotient of doubles, which loses digits beyond 2^53."""
    return self.func("intDiv", node.left, node.right)


def double_function(name: str) -> Write:
    """A function of doubles."""
    return lambda self, node: f"{name}({double_sql(self, node.this)})"


def pow_sql(self: Generator, node: exp.Pow) -> str:
    """Both sides are doubles; also for the operators ** and ^."""
    return f"pow({double_sql(self, node.left)}, {double_sql(self, node.right)})"


def log_sql(self: Generator, node: exp.Log) -> str:
    """log10() and log2(), which sqlglot 30.22 writes with the base as an argument."""
    number = node.args.get("expression")
    base = node.this.name if number is not None else "10"
    return f"log{base}({double_sql(self, number if number is not None else node.this)})"


def floor_sql(self: Generator, node: exp.Floor | exp.Ceil) -> str:
    """Of integers DuckDB makes doubles; a Decimal keeps its scale here, so that it is cast."""
    name = "floor" if isinstance(node, exp.Floor) else "ceil"
    if kind_of(node.this.type) is DECIMAL and node.type is not None:
        return cast_text(f"{name}({self.sql(node.this)})", node.type)
    if kind_of(node.this.type) in INTEGERS:
        return f"toFloat64({self.sql(node.this)})"
    return f"{name}({self.sql(node.this)})"


def abs_sql(self: Generator, node: exp.Abs) -> str:
    """The absolute value of an integer is unsigned, and has no common type with a signed one."""
    text = f"abs({self.sql(node.this)})"
    kind = kind_of(node.this.type)
    return f"to{'Int128' if kind is DType.INT128 else 'Int64'}({text})" if kind in INTEGERS else text


# -- comparisons ------------------------------------------------------------------------------------------------------


def comparison(symbol: str) -> Write:
    """A comparison of values of one type."""

    def write(self: Generator, node: exp.Binary) -> str:
        left, right = compared(self, node.left, node.right)
        return f"{left} {symbol} {right}"

    return write


def compared(self: Generator, left: exp.Expr, *others: exp.Expr) -> list[str]:
    """Values to be compared, brought to their common type where they differ in more than width."""
    values = (left, *others)
    wanted = _type_to_compare(values)
    if wanted is None:
        return [self.sql(value) for value in values]
    return [as_type(self, value, wanted) for value in values]


def _type_to_compare(values: tuple[exp.Expr, ...]) -> exp.DataType | None:
    firm = [value for value in values if not _is_text_literal(value) and not isinstance(value, exp.Null)]
    kinds = {kind_of(value.type) for value in firm}
    has_loose_text = any(_is_text_literal(value) for value in values)
    if not kinds or UNKNOWN in kinds or any(isinstance(value, exp.Tuple) for value in values):
        return None
    if kinds <= set(TEXTS) or kinds <= {*INTEGERS} or (len(kinds) == 1 and not has_loose_text):
        return None
    if has_loose_text and kinds & set(TEXTS):
        return None
    common = firm[0].type or UNKNOWN
    for value in firm[1:]:
        common = common_type(common, value.type or UNKNOWN)
    if kind_of(common) is UNKNOWN:
        return None
    return common if isinstance(common, exp.DataType) else common.into_expr()


def _is_text_literal(value: exp.Expr) -> bool:
    return isinstance(value, exp.Literal) and bool(value.is_string)


def between_sql(self: Generator, node: exp.Between) -> str:
    """As three values of one type."""
    value, low, high = compared(self, node.this, node.args["low"], node.args["high"])
    return f"{value} BETWEEN {low} AND {high}"


def in_sql(self: Generator, node: exp.In) -> str:
    """ClickHouse takes a NULL on the left for not found, and no expressions in the list."""
    if node.args.get("query") is not None or isinstance(node.this, exp.Tuple):
        return self.in_sql(node)
    value, *items = compared(self, node.this, *node.expressions)
    if not any(item.find(exp.Null, exp.Column, exp.Query) for item in node.expressions):
        return f"{value} IN ({', '.join(items)})"
    return f"({' OR '.join(f'{value} = {item}' for item in items)})"


# -- choices ----------------------------------------------------------------------------------------------------------


def choice(name: str) -> Write:
    """A function that returns one of its arguments, all of the type of its result."""

    def write(self: Generator, node: exp.Func) -> str:
        values = [as_type(self, value, node.type) for value in (node.this, *node.expressions)]
        return f"{name}({', '.join(values)})"

    return write


def case_sql(self: Generator, node: exp.Case) -> str:
    """Branches of the type of the result; CASE x WHEN NULL finds NULL in ClickHouse, so that x is compared in WHEN."""
    parts = []
    for branch in node.args["ifs"]:
        condition = self.sql(branch.this)
        if node.this is not None:
            value, wanted = compared(self, node.this, branch.this)
            condition = f"{value} = {wanted}"
        parts.append(f"WHEN {condition} THEN {as_type(self, branch.args['true'], node.type)}")
    default = node.args.get("default")
    otherwise = as_type(self, default, node.type) if default is not None else "NULL"
    return self.sep().join(["CASE", *parts, f"ELSE {otherwise}", "END"])


def if_sql(self: Generator, node: exp.If) -> str:
    """if() with a NULL condition takes the second branch on both engines."""
    otherwise = node.args.get("false")
    chosen = as_type(self, node.args["true"], node.type)
    return f"if({self.sql(node.this)}, {chosen}, {as_type(self, otherwise, node.type) if otherwise else 'NULL'})"


def nullif_sql(self: Generator, node: exp.Nullif) -> str:
    """Values are compared as what both can be, and the first one comes out as what it is."""
    kept = self.sql(node.this)
    value, other = compared(self, node.this, node.expression)
    return f"nullIf({kept}, {other})" if value == kept else f"if({value} = {other}, NULL, {kept})"


NUMBERS: dict[type[exp.Expr], Write] = {
    exp.Add: arithmetic("+"),
    exp.Sub: arithmetic("-"),
    exp.Mul: arithmetic("*"),
    exp.Div: div_sql,
    exp.IntDiv: intdiv_sql,
    exp.Abs: abs_sql,
    exp.Sqrt: double_function("sqrt"),
    exp.Exp: double_function("exp"),
    exp.Ln: double_function("log"),
    exp.Pow: pow_sql,
    exp.Log: log_sql,
    exp.Floor: floor_sql,
    exp.Ceil: floor_sql,
    exp.EQ: comparison("="),
    exp.NEQ: comparison("<>"),
    exp.LT: comparison("<"),
    exp.LTE: comparison("<="),
    exp.GT: comparison(">"),
    exp.GTE: comparison(">="),
    exp.NullSafeEQ: comparison("<=>"),
    exp.Between: between_sql,
    exp.In: in_sql,
    exp.Coalesce: choice("coalesce"),
    exp.Greatest: choice("greatest"),
    exp.Least: choice("least"),
    exp.Case: case_sql,
    exp.If: if_sql,
    exp.Nullif: nullif_sql,
}
