"""Dates on ClickHouse: the functions of the wide types, with DuckDB's types of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.expressions import DType
from sqlglot.generator import Generator

from measure_cli.dialects.clickhouse_numbers import arithmetic
from measure_cli.dialects.clickhouse_types import as_type, cast_text
from measure_cli.dialects.column_types import MOMENTS, kind_of, parse_type

Write = Callable[[Generator, Any], str]
TIMESTAMP = parse_type("TIMESTAMP")
DATE = parse_type("DATE")
PARTS: Mapping[str, str] = {
    "YEAR": "toYear({})",
    "QUARTER": "toQuarter({})",
    "MONTH": "toMonth({})",
    "WEEK": "toISOWeek({})",
    "ISOYEAR": "toISOYear({})",
    "DAY": "toDayOfMonth({})",
    "DOW": "toDayOfWeek({}) % 7",
    "ISODOW": "toDayOfWeek({})",
    "DOY": "toDayOfYear({})",
    "HOUR": "toHour({})",
    "MINUTE": "toMinute({})",
    "SECOND": "toSecond({})",
}
STEPS = {
    unit: f"add{unit.title()}s"
    for unit in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
}
DAYS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY")
MICROSECONDS = {"HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000, "MILLISECOND": 1_000}


def unit_of(node: exp.Expr) -> str:
    """The unit of a function or an interval, upper case, singular."""
    unit = node.args.get("unit")
    return unit.name.upper().removesuffix("S") if unit is not None else "DAY"


def plus_sql(self: Generator, node: exp.Add | exp.Sub) -> str:
    """A date and an interval as a call: ClickHouse takes no expression for an interval's number."""
    if kind_of(node.type) not in MOMENTS or not any(_interval(side) for side in (node.left, node.right)):
        return arithmetic("-" if isinstance(node, exp.Sub) else "+")(self, node)
    moment, interval = (node.left, node.right) if _interval(node.right) else (node.right, node.left)
    unit, count = _steps(self, interval)
    if isinstance(node, exp.Sub):
        count = f"-({count})"
    moves_days = unit in DAYS and ends_as_date(node)
    base = self.sql(moment) if moves_days else as_type(self, moment, TIMESTAMP)
    return f"{STEPS.get(unit, unit)}({base}, {count})"


def ends_as_date(node: exp.Expr) -> bool:
    """Whether a sum is at once cast to DATE: then it can stay one."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Cast) and kind_of(parent.to) is DType.DATE


def _interval(node: exp.Expr) -> bool:
    return kind_of(node.type) is DType.INTERVAL


def _steps(self: Generator, node: exp.Expr) -> tuple[str, str]:
    """Unit and number of an interval, or of a multiple of one."""
    if isinstance(node, exp.Paren):
        return _steps(self, node.this)
    if isinstance(node, exp.Mul):
        interval, factor = (node.left, node.right) if _interval(node.left) else (node.right, node.left)
        unit, count = _steps(self, interval)
        return unit, f"({self.sql(factor)}) * {count}"
    assert isinstance(node, exp.Interval)
    count = node.this
    return unit_of(node), count.name if isinstance(count, exp.Literal) else self.sql(count)


def trunc_sql(self: Generator, node: exp.TimestampTrunc | exp.DateTrunc) -> str:
    """dateTrunc() of a timestamp before 1970 rounds its fraction up; that of a date is right."""
    unit = unit_of(node)
    if unit == "DAY":
        text = as_type(self, node.this, DATE)
    elif unit in DAYS:
        text = f"dateTrunc('{unit.lower()}', {as_type(self, node.this, DATE)})"
    elif unit in MICROSECONDS:
        text = _floored(as_type(self, node.this, TIMESTAMP), MICROSECONDS[unit])
    else:
        text = as_type(self, node.this, TIMESTAMP)
    return text if ends_as_date(node) else cast_text(text, TIMESTAMP)


def _floored(moment: str, size: int) -> str:
    """A timestamp without what is finer than `size` microseconds."""
    count = f"toUnixTimestamp64Micro({moment})"
    return f"fromUnixTimestamp64Micro({count} - positiveModulo({count}, {size}), 'UTC')"


def diff_sql(self: Generator, node: exp.DateDiff) -> str:
    """Boundaries between two moments, of one type; for smaller units a date is its midnight."""
    unit = unit_of(node)
    earlier, later = (
        self.sql(side) if unit in DAYS else as_type(self, side, TIMESTAMP) for side in (node.expression, node.this)
    )
    return f"dateDiff('{unit.lower()}', {earlier}, {later})"


def extract_sql(self: Generator, node: exp.Extract) -> str:
    """sqlglot 30.22 writes EXTRACT(ISODOW FROM d), which ClickHouse has not."""
    function = PARTS.get(node.name.upper(), f"EXTRACT({node.name} FROM {{}})")  # for what a lint rule refuses
    return f"toInt64({function.format(self.sql(node.expression))})"


def part(name: str) -> Write:
    """A part of a date."""
    return lambda self, node: f"toInt64({PARTS[name].format(self.sql(node.this))})"


def last_day_sql(self: Generator, node: exp.LastDay) -> str:
    """toLastDayOfMonth() ends at 2149 and begins at 1970."""
    month = f"dateTrunc('month', {as_type(self, node.this, DATE)})"
    return f"addDays(addMonths({month}, 1), -1)"


DATES: Mapping[type[exp.Expr], Write] = {
    exp.Add: plus_sql,
    exp.Sub: plus_sql,
    exp.TimestampTrunc: trunc_sql,
    exp.DateTrunc: trunc_sql,
    exp.DateDiff: diff_sql,
    exp.Extract: extract_sql,
    exp.LastDay: last_day_sql,
    exp.Year: part("YEAR"),
    exp.Quarter: part("QUARTER"),
    exp.Month: part("MONTH"),
    exp.Day: part("DAY"),
    exp.Hour: part("HOUR"),
    exp.Minute: part("MINUTE"),
    exp.Second: part("SECOND"),
    exp.DayOfWeekIso: part("ISODOW"),
    exp.DayOfYear: part("DOY"),
}
