"""Repairs for Snowflake: casts, numbers, text."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import DECIMAL, DOUBLE, INTEGERS, MOMENTS, TEXTS, TIMESTAMPS, UNKNOWN, kind_of
from measure_cli.dialects.pseudonyms import SPACES
from measure_cli.dialects.reader import Locate
from measure_cli.dialects.snowflake_repair import Repair, as_double, call, cast, number, only_if, refusal, typed

TRUE_TEXTS, FALSE_TEXTS = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
REGEXP_FLAGS = "cims"
DATE_TEXT = "^ *[0-9]{4}-[0-9]{2}-[0-9]{2} *$"
STAMP_TEXT = "^ *[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?Z?)? *$"
LIMITS = {DType.TINYINT: 2**7, DType.SMALLINT: 2**15, DType.INT: 2**31, DType.BIGINT: 2**63}

# -- casts ----------------------------------------------------------------------------------------------------------


def as_text(value: exp.Expr) -> exp.Expr:
    """A value as text. A date by a format of its own: a session may have another DATE_OUTPUT_FORMAT."""
    kind = kind_of(value.type)
    if kind in TEXTS:
        return value
    if kind is DType.DATE:
        return typed(call("TO_CHAR", value, exp.Literal.string("YYYY-MM-DD")), DType.TEXT)
    return cast(value, DType.TEXT)


def repair_cast(node: exp.Cast, _: Locate) -> exp.Expr:
    """Plain text: a date is printed by a session's format, a boolean cannot become FLOAT."""
    source, target = kind_of(node.this.type), kind_of(node.to)
    if target in TEXTS and source is DType.DATE:
        return as_text(node.this)
    if target in (DOUBLE, DType.FLOAT) and source is DType.BOOLEAN:
        return as_double(node.this)
    return node


def repair_try_cast(node: exp.TryCast, locate: Locate) -> exp.Expr:
    """TRY_CAST of Snowflake takes text only; sqlglot casts the rest strictly. Its booleans include on and off."""
    source, target = kind_of(node.this.type), kind_of(node.to)
    if source in TEXTS:
        return _read_boolean(node.this) if target is DType.BOOLEAN else _read_moment(node, target)
    plain = exp.Cast(this=node.this, to=node.to)
    if source in INTEGERS and target in LIMITS:  # NUMBER, whatever it is called, has more digits
        within = exp.Between(this=node.this.copy(), low=_limit(-LIMITS[target]), high=_limit(LIMITS[target] - 1))
        return only_if(within, plain)
    if _never_fails(source, target):
        return repair_cast(plain, locate)
    # The flag makes sqlglot keep TRY_CAST.
    return exp.TryCast(this=as_text(node.this), to=node.to, requires_string=True)


def _limit(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _read_moment(node: exp.TryCast, target: DType) -> exp.Expr:
    """Snowflake reads dates in many formats, and digits as seconds since 1970; what is no ISO date goes before."""
    pattern = DATE_TEXT if target is DType.DATE else STAMP_TEXT if target in TIMESTAMPS else None
    if pattern:
        node.set("this", typed(call("REGEXP_SUBSTR", node.this, exp.Literal.string(pattern)), DType.TEXT))
    return node


def _read_boolean(text: exp.Expr) -> exp.Expr:
    def one_of(texts: tuple[str, ...]) -> exp.Expr:
        lowered = exp.Lower(this=text.copy())
        return exp.In(this=lowered, expressions=[exp.Literal.string(found) for found in texts])

    return exp.Case(
        ifs=[
            exp.If(this=one_of(TRUE_TEXTS), true=exp.true()),
            exp.If(this=one_of(FALSE_TEXTS), true=exp.false()),
        ]
    )


def _never_fails(source: DType, target: DType) -> bool:
    if source in (target, DType.NULL) or target in TEXTS:
        return source is not UNKNOWN
    if source is DType.BOOLEAN:
        return target in (*INTEGERS, DOUBLE)
    return (source in (*INTEGERS, DECIMAL) and target is DOUBLE) or (source in MOMENTS and target in MOMENTS)


def repair_literal(node: exp.Literal, _: Locate) -> exp.Expr:
    """1e3 is DOUBLE in DuckDB, but may be NUMBER on Snowflake."""
    if node.is_string or "e" not in node.name.lower():
        return node
    return cast(exp.Literal.string(node.name), DOUBLE)


# -- numbers --------------------------------------------------------------------------------------------------------


def repair_div(node: exp.Div, _: Locate) -> exp.Expr:
    """Snowflake divides exact numbers to six more decimals; DuckDB divides doubles."""
    node.set("this", as_double(node.left))
    node.set("expression", as_double(node.right))
    return node


def repair_int_div(node: exp.IntDiv, locate: Locate) -> exp.Expr:
    """sqlglot truncates what Snowflake has rounded to six decimals. Of doubles, DuckDB takes the plain quotient."""
    if not {kind_of(node.left.type), kind_of(node.right.type)} <= set(INTEGERS):
        return repair_div(exp.Div(this=node.left, expression=node.right), locate)
    whole = exp.Paren(
        this=exp.Sub(this=_enclosed(node.left), expression=call("MOD", node.left.copy(), node.right.copy()))
    )
    return cast(exp.Div(this=whole, expression=_enclosed(node.right)), DType.BIGINT)


def _enclosed(value: exp.Expr) -> exp.Expr:
    return exp.Paren(this=value) if isinstance(value, exp.Binary) else value


def repair_log(node: exp.Log, _: Locate) -> exp.Expr:
    """log(x) is base 10 in DuckDB; sqlglot writes LN."""
    return node if node.args.get("expression") else exp.Log(this=number(10), expression=node.this)


def repair_coalesce(node: exp.Coalesce, _: Locate) -> exp.Expr:
    """COALESCE of Snowflake takes two values or more."""
    return node if node.expressions else node.this


def repair_is(node: exp.Is, _: Locate) -> exp.Expr:
    """sqlglot writes x IS TRUE as x, which is NULL where DuckDB says false."""
    if not isinstance(node.expression, exp.Boolean):
        return node
    tested = node.this if node.expression.this else exp.Not(this=_enclosed(node.this))
    return exp.Coalesce(this=tested, expressions=[exp.false()])


# -- text -----------------------------------------------------------------------------------------------------------


def repair_dpipe(node: exp.DPipe, _: Locate) -> exp.Expr:
    """A date in a text: see `as_text`."""
    for key in ("this", "expression"):
        if kind_of(node.args[key].type) is DType.DATE:
            node.set(key, as_text(node.args[key]))
    return node


def repair_concat(node: exp.Concat, _: Locate) -> exp.Expr:
    """concat() skips NULL, for which sqlglot writes COALESCE(x, ''): a number there would have to be text first."""
    node.set("expressions", [as_text(value) for value in node.expressions])
    return node


def repair_trim(node: exp.Trim, _: Locate) -> exp.Expr:
    """TRIM of Snowflake removes one kind of space, trim() of DuckDB every space that Unicode has."""
    if node.args.get("expression") is None:
        node.set("expression", exp.Literal.string(SPACES))
    return node


def repair_substring(node: exp.Substring, _: Locate) -> exp.Expr:
    """A text begins at 1; from 0, DuckDB counts a character that is not there."""
    start, length = node.args.get("start"), node.args.get("length")
    if isinstance(start, exp.Literal) and start.name == "0" and isinstance(length, exp.Literal):
        node.set("start", number(1))
        node.set("length", number(max(int(length.name) - 1, 0)))
    return node


def repair_side(node: exp.Left | exp.Right, _: Locate) -> exp.Expr:
    """All but n characters, left(s, -n) in DuckDB, are none on Snowflake."""
    if isinstance(node.expression, exp.Neg):
        rest = exp.Sub(this=exp.Length(this=node.this.copy()), expression=node.expression.this)
        node.set("expression", exp.Greatest(this=rest, expressions=[number(0)]))
    return node


def repair_regexp_like(node: exp.RegexpLike, locate: Locate) -> exp.Expr:
    """REGEXP_LIKE of Snowflake has to match the whole text; regexp_matches of DuckDB any part of it."""
    found = [node.this, node.expression]
    if flags := _flags(node, node.args.get("flag"), locate):
        found += [number(1), number(1), number(0), exp.Literal.string(flags)]
    return exp.GT(this=call("REGEXP_INSTR", *found), expression=number(0))


def repair_regexp_replace(node: exp.RegexpReplace, locate: Locate) -> exp.Expr:
    """sqlglot passes DuckDB's options where Snowflake expects a position. Snowflake replaces every match by itself."""
    flags = _flags(node, node.args.get("modifiers"), locate)
    is_first_only, flags = "g" not in flags, flags.replace("g", "")
    values = [node.this, node.expression, node.args["replacement"]]
    if is_first_only or flags:
        values += [number(1), number(1 if is_first_only else 0)]
    if flags:
        values.append(exp.Literal.string(flags))
    return call("REGEXP_REPLACE", *values)


def _flags(node: exp.Expr, flags: exp.Expr | None, locate: Locate) -> str:
    if flags is None:
        return ""
    if isinstance(flags, exp.Literal) and set(flags.name) <= {*REGEXP_FLAGS, "g"}:
        return flags.name
    raise refusal(
        node, locate, f"options of a regular expression, {flags.sql()}", f"Use any of '{REGEXP_FLAGS}' and 'g'."
    )


VALUE_REPAIRS: Mapping[type[exp.Expr], Repair] = {
    exp.Cast: repair_cast,
    exp.TryCast: repair_try_cast,
    exp.Literal: repair_literal,
    exp.Div: repair_div,
    exp.IntDiv: repair_int_div,
    exp.Log: repair_log,
    exp.Coalesce: repair_coalesce,
    exp.Is: repair_is,
    exp.DPipe: repair_dpipe,
    exp.Concat: repair_concat,
    exp.Trim: repair_trim,
    exp.Substring: repair_substring,
    exp.Left: repair_side,
    exp.Right: repair_side,
    exp.RegexpLike: repair_regexp_like,
    exp.RegexpReplace: repair_regexp_replace,
}
