"""Lint rules on expressions: functions, dates, numbers, text."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import DECIMAL, DOUBLE, INTEGER_WIDTHS, SMALL_INTEGERS, TEXTS, TIMESTAMPS
from measure_cli.dialects.functions import CLOCK_NAMES, function_name, is_portable
from measure_cli.dialects.lint_rule import (
    Complaint,
    LintRule,
    authored,
    bare,
    ends_as_date,
    is_conditional,
    is_constant,
    kind,
    resolved,
)

INTEGERS = (*INTEGER_WIDTHS, *SMALL_INTEGERS)
FRACTIONS = (DOUBLE, DType.FLOAT, DECIMAL)
MOMENTS = (DType.DATE, *TIMESTAMPS)
CALENDAR_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
MEASURED_UNITS = ("DAY", "MONTH", "YEAR", "HOUR", "MINUTE", "SECOND", "MICROSECOND")
SPREADS = (exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop)
RELATIONSHIPS = (exp.Corr, exp.CovarSamp, exp.CovarPop, exp.RegrSlope, exp.RegrIntercept, exp.RegrR2)
NOT_A_NUMBER = ("nan", "inf", "infinity")

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


# -- numbers --------------------------------------------------------------------------------------------------------


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
    if is_fraction or kind(value) is not DECIMAL:
        return None
    return "a quantile of a DECIMAL", "Write quantile_cont(CAST(x AS DOUBLE), p)."


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
    guarded_division,
    division_on_double,
    no_log,
    no_round,
    guarded_stddev,
    guarded_corr,
    quantile_on_double,
    no_cast_float_to_int,
    no_double_to_decimal,
    no_nan,
    text_cast,
    no_try_cast_to_int,
    guarded_date_cast,
    no_number_to_text,
    no_concat_ws,
    no_is_true,
    regexp_replace_all,
    regexp_extract_null,
)
