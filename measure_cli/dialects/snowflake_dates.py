"""Repairs for Snowflake: dates and times.

Nothing written here depends on parameters of a session (WEEK_START, TIMEZONE, formats), because views are read in
sessions that measure does not open.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import kind_of
from measure_cli.dialects.reader import Locate
from measure_cli.dialects.snowflake_repair import Repair, as_double, call, cast, number, refusal, typed

DAY_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
CLOCK_UNITS = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
# Parts of a date: DuckDB's name -> Snowflake's function.
PARTS: Mapping[str, str] = {
    "YEAR": "YEAR", "QUARTER": "QUARTER", "MONTH": "MONTH", "DAY": "DAY", "DAYOFMONTH": "DAY", "HOUR": "HOUR",
    "MINUTE": "MINUTE", "SECOND": "SECOND", "ISODOW": "DAYOFWEEKISO", "DOY": "DAYOFYEAR", "DAYOFYEAR": "DAYOFYEAR",
    "WEEK": "WEEKISO", "ISOYEAR": "YEAROFWEEKISO",
}  # fmt: skip
ADD_PLAINLY = "Write CAST(d + INTERVAL 7 DAY AS DATE), with one unit and a whole number."


def repair_shift(node: exp.Add | exp.Sub, locate: Locate) -> exp.Expr:
    """sqlglot writes d + INTERVAL (n) DAY without n. A DATE shifted is a DATE on Snowflake, a TIMESTAMP in DuckDB."""
    if isinstance(node, exp.Add) and _is_interval(node.left):
        moment, interval = node.right, node.left
    elif _is_interval(node.right):
        moment, interval = node.left, node.right
    else:
        return node
    amount, unit = _amount(interval, locate)
    if isinstance(node, exp.Sub):
        amount = exp.Neg(this=exp.Paren(this=amount) if isinstance(amount, exp.Binary | exp.Neg) else amount)
    if unit not in DAY_UNITS or not _becomes_date(node):
        moment = _as_timestamp(moment)
    return call("DATEADD", exp.var(unit), amount, moment)


def _is_interval(node: exp.Expr) -> bool:
    inner = node.unnest()
    if isinstance(inner, exp.Mul):
        return _is_interval(inner.left) or _is_interval(inner.right)
    return isinstance(inner, exp.Interval)


def _amount(node: exp.Expr, locate: Locate) -> tuple[exp.Expr, str]:
    """How many of which unit."""
    inner = node.unnest()
    if isinstance(inner, exp.Mul):
        interval, factor = (inner.left, inner.right) if _is_interval(inner.left) else (inner.right, inner.left)
        amount, unit = _amount(interval, locate)
        return exp.Mul(this=factor, expression=amount), unit
    unit = inner.text("unit").upper().removesuffix("S")
    if unit not in (*DAY_UNITS, *CLOCK_UNITS) or inner.this is None:
        raise refusal(inner, locate, f"the interval {inner.sql('duckdb')}", ADD_PLAINLY)
    if not (isinstance(inner.this, exp.Literal) and inner.this.is_string):
        return inner.this.unnest() if isinstance(inner.this, exp.Paren) else inner.this, unit
    try:
        return exp.Literal.number(int(inner.this.name)), unit
    except ValueError:
        raise refusal(inner, locate, f"the interval {inner.sql('duckdb')}", ADD_PLAINLY) from None


def _becomes_date(node: exp.Expr) -> bool:
    """Whether the value is cast to DATE right away."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Cast) and kind_of(parent.to) is DType.DATE


def _as_timestamp(moment: exp.Expr) -> exp.Expr:
    return cast(moment, DType.TIMESTAMP) if kind_of(moment.type) is DType.DATE else moment


def repair_trunc(node: exp.TimestampTrunc | exp.DateTrunc, locate: Locate) -> exp.Expr:
    """Weeks begin where a session says (WEEK_START); of a DATE, Snowflake makes a DATE and DuckDB a TIMESTAMP."""
    unit = node.args["unit"].name.upper()
    if unit not in (*DAY_UNITS, *CLOCK_UNITS):
        raise refusal(
            node, locate, f"date_trunc('{unit.lower()}', ...)", "Truncate to a unit from year to microsecond."
        )
    moment = node.this if unit in DAY_UNITS and _becomes_date(node) else _as_timestamp(node.this)
    if unit != "WEEK":
        return call("DATE_TRUNC", exp.Literal.string(unit), moment)
    back = exp.Sub(this=number(1), expression=call("DAYOFWEEKISO", moment.copy()))
    return call("DATEADD", exp.var("DAY"), back, call("DATE_TRUNC", exp.Literal.string("DAY"), moment))


def repair_extract(node: exp.Extract, locate: Locate) -> exp.Expr:
    """Parts that depend on a session (WEEK, DOW) or that Snowflake lacks; EPOCH of Snowflake has no fractions."""
    part, moment = node.name.upper(), node.expression
    if part in PARTS:
        is_of_day = PARTS[part] in CLOCK_UNITS
        return call(PARTS[part], _as_timestamp(moment) if is_of_day else moment)
    if part in ("DOW", "DAYOFWEEK", "WEEKDAY"):
        return call("MOD", call("DAYOFWEEKISO", moment), number(7))
    if part == "EPOCH":
        return _epoch(moment)
    raise refusal(node, locate, f"extract({part.lower()} FROM ...)", "Extract a part from year to second.")


def _epoch(moment: exp.Expr) -> exp.Expr:
    began = cast(exp.Literal.string("1970-01-01"), DType.TIMESTAMP)
    passed = typed(call("DATEDIFF", exp.var("MICROSECOND"), began, moment), DType.BIGINT)
    return exp.Div(this=as_double(passed), expression=as_double(typed(number(1_000_000), DType.INT)))


def repair_clock_part(node: exp.Hour | exp.Minute | exp.Second, _: Locate) -> exp.Expr:
    """HOUR, MINUTE and SECOND of Snowflake take no DATE."""
    node.set("this", _as_timestamp(node.this))
    return node


def repair_time_zone(node: exp.AtTimeZone, _: Locate) -> exp.Expr:
    """Every timestamp is UTC already; CONVERT_TIMEZONE, which sqlglot writes, takes it for one of the session."""
    return node.this if node.args["zone"].name.upper() == "UTC" else node


DATE_REPAIRS: Mapping[type[exp.Expr], Repair] = {
    exp.Add: repair_shift,
    exp.Sub: repair_shift,
    exp.TimestampTrunc: repair_trunc,
    exp.DateTrunc: repair_trunc,
    exp.Extract: repair_extract,
    exp.Hour: repair_clock_part,
    exp.Minute: repair_clock_part,
    exp.Second: repair_clock_part,
    exp.AtTimeZone: repair_time_zone,
}
