"""Lint rules on functions, dates and text."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import FRACTIONS, INTEGERS, MOMENTS, TEXTS, TIMESTAMPS
from measure_cli.dialects.functions import CLOCK_NAMES, function_name, is_portable
from measure_cli.dialects.lint_rule import (
    Complaint,
    LintRule,
    authored,
    ends_as_date,
    is_conditional,
    kind,
    resolved,
)

CALENDAR_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
MEASURED_UNITS = ("DAY", "MONTH", "YEAR", "HOUR", "MINUTE", "SECOND", "MICROSECOND")

# -- functions ------------------------------------------------------------------------------------------------------


@authored("no-engine-functions", exp.Func)
def no_engine_functions(function: exp.Func) -> Complaint | None:
    """Functions are those that every engine has with one meaning."""
    name = function_name(function)
    if is_portable(function) or name in CLOCK_NAMES:
        return None
    return f"{name}(), which is not known to mean the same on every engine", "Use a portable function or a macro."


@authored(
    "no-arrays",
    *(exp.Array, exp.ArrayAgg, exp.Struct, exp.ToMap, exp.Map, exp.VarMap, exp.Lambda, exp.Bracket, exp.DataType),
)
def no_arrays(node: exp.Expr) -> Complaint | None:
    """Arrays, structs, maps and lambdas do not travel."""
    if isinstance(node, exp.DataType) and not node.args.get("nested"):
        return None
    return "an array, struct, map or lambda", "Keep one value per row, and aggregate with GROUP BY."


@authored("no-random", exp.Rand, exp.Randn, exp.Uuid)
def no_random(_: exp.Func) -> Complaint | None:
    """Random values differ from run to run."""
    return "a random value", "Derive it from the data: md5(...)."


@authored(
    "no-current-time",
    *(exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp, exp.Anonymous),
)
def no_current_time(function: exp.Func) -> Complaint | None:
    """A run depends on as_of, not on the clock."""
    if isinstance(function, exp.Anonymous) and function_name(function) not in CLOCK_NAMES:
        return None
    return "the clock", "Use {{ as_of }}."


@authored("no-strftime", exp.TimeToStr, exp.StrToTime, exp.StrToDate, exp.ToChar)
def no_strftime(_: exp.Func) -> Complaint | None:
    """Format codes differ."""
    return "a date formatted or parsed by a pattern", "Write with extract(...); read with try_cast(...)."


@authored("ordered-string-agg", exp.GroupConcat)
def ordered_string_agg(aggregate: exp.GroupConcat) -> Complaint | None:
    """string_agg without one order returns its parts in any order."""
    order = aggregate.find(exp.Order)
    if order is None:
        return "string_agg without ORDER BY", "Write string_agg(x, ',' ORDER BY <unique key>)."
    if len({bool(key.args.get("desc")) for key in order.expressions}) > 1:
        return "string_agg with ASC and DESC mixed", "Order by one direction."
    return None


@authored("no-count-distinct-tuple", exp.Count)
def no_count_distinct_tuple(count: exp.Count) -> Complaint | None:
    """Only one expression can be counted DISTINCT everywhere."""
    counted = count.this
    if not isinstance(counted, exp.Distinct):
        return None
    if len(counted.expressions) == 1 and not isinstance(counted.expressions[0], exp.Tuple):
        return None
    return "count(DISTINCT ...) of several columns", "Count the rows of a SELECT DISTINCT."


# -- dates ----------------------------------------------------------------------------------------------------------


@authored("week-as-date", exp.TimestampTrunc, exp.DateTrunc)
def week_as_date(trunc: exp.TimestampTrunc | exp.DateTrunc) -> Complaint | None:
    """date_trunc returns a date or a timestamp, by engine."""
    unit = trunc.args["unit"].name.upper()
    if unit not in CALENDAR_UNITS or ends_as_date(trunc):
        return None
    return f"date_trunc('{unit.lower()}', ...) that is not cast", "Write CAST(date_trunc(...) AS DATE)."


@resolved("date-interval-cast", exp.Add, exp.Sub)
def date_interval_cast(node: exp.Add | exp.Sub) -> Complaint | None:
    """A date and an interval make a date or a timestamp, by engine."""
    sides = {kind(node.left), kind(node.right)}
    if sides != {DType.DATE, DType.INTERVAL} or ends_as_date(node):
        return None
    return "a date and an interval that are not cast", "Write CAST(d + INTERVAL n DAY AS DATE)."


@resolved("no-date-subtraction", exp.Sub)
def no_date_subtraction(node: exp.Sub) -> Complaint | None:
    """The difference of dates is a number or an interval, by engine."""
    if kind(node.left) in MOMENTS and kind(node.right) in MOMENTS:
        return "a date subtracted from a date", "Write date_diff('day', earlier, later)."
    return None


@resolved("no-date-plus-number", exp.Add, exp.Sub)
def no_date_plus_number(node: exp.Add | exp.Sub) -> Complaint | None:
    """A date and a number do not add everywhere."""
    if kind(node.left) in MOMENTS and kind(node.right) in INTEGERS:
        return "a date and a number", "Write CAST(d + INTERVAL (n) DAY AS DATE)."
    return None


@authored("date-diff-unit", exp.DateDiff)
def date_diff_unit(diff: exp.DateDiff) -> Complaint | None:
    """date_diff counts weeks and quarters differently."""
    unit = diff.args.get("unit")
    name = unit.name.upper().removesuffix("S") if unit is not None else "DAY"
    if name in MEASURED_UNITS:
        return None
    return f"date_diff in {name.lower()}s", "Count days; weeks are the days between two Mondays, divided by 7."


@authored("no-time-zones", exp.AtTimeZone, exp.DataType)
def no_time_zones(node: exp.AtTimeZone | exp.DataType) -> Complaint | None:
    """All timestamps are UTC."""
    if isinstance(node, exp.DataType):
        zoned = node.this in (DType.TIMESTAMPTZ, DType.TIMESTAMPLTZ, DType.TIMETZ)
    else:
        zoned = node.args["zone"].name.upper() != "UTC"
    return ("a time zone", "Use TIMESTAMP, which is UTC here.") if zoned else None


# -- text -----------------------------------------------------------------------------------------------------------


@resolved("text-cast", exp.Cast)
def text_cast(cast: exp.Cast) -> Complaint | None:
    """A plain cast of text fails or is NULL, by engine."""
    is_plain = not isinstance(cast, exp.TryCast) and not isinstance(cast.this, exp.Literal)
    if not is_plain or kind(cast.this) not in TEXTS or cast.to.this not in (*INTEGERS, *FRACTIONS, *MOMENTS):
        return None
    return "text cast without a check", "Write try_cast(trim(s) AS DOUBLE)."


@resolved("no-try-cast-to-int", exp.TryCast)
def no_try_cast_to_int(cast: exp.TryCast) -> Complaint | None:
    """Engines disagree on which text is an integer."""
    if kind(cast.this) not in TEXTS or cast.to.this not in INTEGERS:
        return None
    return "text read as an integer", "Write CAST(floor(try_cast(trim(s) AS DOUBLE)) AS BIGINT)."


@resolved("guarded-date-cast", exp.TryCast)
def guarded_date_cast(cast: exp.TryCast) -> Complaint | None:
    """Engines read impossible dates such as 2024-02-30 differently."""
    if kind(cast.this) not in TEXTS or cast.to.this not in MOMENTS or is_conditional(cast):
        return None
    return "text read as a date without a pattern", "Write CASE WHEN s LIKE '____-__-__' THEN try_cast(s AS DATE) END."


@resolved("no-number-to-text", exp.Cast, exp.DPipe, exp.Concat)
def no_number_to_text(node: exp.Expr) -> Complaint | None:
    """Engines print fractions and timestamps differently."""
    printed = [node.this] if isinstance(node, exp.Cast) else node.expressions or [node.this, node.expression]
    if isinstance(node, exp.Cast) and node.to.this not in TEXTS:
        return None
    if not any(kind(value) in (*FRACTIONS, *TIMESTAMPS) and not isinstance(value, exp.Literal) for value in printed):
        return None
    return "a fraction or a timestamp as text", "Only integers and dates become text."


@authored("no-concat-ws", exp.ConcatWs)
def no_concat_ws(_: exp.ConcatWs) -> Complaint | None:
    """concat_ws treats NULL differently."""
    return "concat_ws()", "Write coalesce(a, '') || ',' || coalesce(b, '')."


@authored("no-is-true", exp.Is)
def no_is_true(test: exp.Is) -> Complaint | None:
    """IS TRUE is lost on the way to some engines."""
    return ("IS TRUE or IS FALSE", "Write coalesce(x, FALSE).") if isinstance(test.expression, exp.Boolean) else None


@authored("regexp-replace-all", exp.RegexpReplace)
def regexp_replace_all(function: exp.RegexpReplace) -> Complaint | None:
    """regexp_replace replaces the first match or all, by engine."""
    modifiers = function.args.get("modifiers")
    if modifiers is not None and "g" in modifiers.name:
        return None
    return "regexp_replace() of the first match", "Write regexp_replace(s, pattern, replacement, 'g')."


@authored("regexp-extract-null", exp.RegexpExtract)
def regexp_extract_null(function: exp.RegexpExtract) -> Complaint | None:
    """regexp_extract without a match is '' or NULL, by engine."""
    if isinstance(function.parent, exp.Nullif):
        return None
    return "regexp_extract() on its own", "Write nullif(regexp_extract(...), '')."


VALUE_RULES: tuple[LintRule, ...] = (
    no_engine_functions,
    no_arrays,
    no_random,
    no_current_time,
    no_strftime,
    ordered_string_agg,
    no_count_distinct_tuple,
    week_as_date,
    date_interval_cast,
    no_date_subtraction,
    no_date_plus_number,
    date_diff_unit,
    no_time_zones,
    text_cast,
    no_try_cast_to_int,
    guarded_date_cast,
    no_number_to_text,
    no_concat_ws,
    no_is_true,
    regexp_replace_all,
    regexp_extract_null,
)
