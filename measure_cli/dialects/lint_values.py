"""Lint rules on functions, dates and text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import FRACTIONS, INTEGERS, MOMENTS, TEXTS, TIMESTAMPS
from measure_cli.dialects.functions import CLOCK_NAMES, function_name, is_portable
from measure_cli.dialects.lint_rule import (
    Complaint,
    LintRule,
    authored,
    ends_as_date,
    kind,
    resolved,
)

DAY_SHAPES = ("____-__-__",)
CLOCK_SHAPES = ("____-__-__ __:__:__", "____-__-__ __:__:__%", "____-__-__T__:__:__", "____-__-__T__:__:__%")
PARTS = (
    "YEAR", "ISOYEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "ISODOW", "DOY", "HOUR", "MINUTE", "SECOND",
)  # fmt: skip
STEPS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
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


@authored("portable-date-parts", exp.Extract)
def portable_date_parts(extract: exp.Extract) -> Complaint | None:
    """Some parts of dates are not known everywhere, or count differently."""
    if extract.name.upper() in PARTS:
        return None
    return (
        f"extract({extract.name.lower()} FROM ...)",
        f"Parts are {', '.join(PARTS).lower()}; for others: date_diff().",
    )


@authored("plain-interval", exp.Interval)
def plain_interval(interval: exp.Interval) -> Complaint | None:
    """Intervals of several units or of a fraction are not known everywhere."""
    number, unit = interval.this, interval.args.get("unit")
    is_known = unit is not None and unit.name.upper().removesuffix("S") in STEPS
    if is_known and not (isinstance(number, exp.Literal) and not number.name.lstrip("+-").isdigit()):
        return None
    return "an interval that is not a whole number of one unit", "Write INTERVAL 7 DAY, or INTERVAL (n) DAY."


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
    if (
        not is_plain
        or kind(cast.this) not in TEXTS
        or cast.to.this not in (*INTEGERS, *FRACTIONS, *MOMENTS, DType.BOOLEAN)
    ):
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
    if kind(cast.this) not in TEXTS or cast.to.this not in MOMENTS:
        return None
    shapes = DAY_SHAPES if cast.to.this is DType.DATE else CLOCK_SHAPES
    if any(isinstance(test.expression, exp.Literal) and test.expression.name in shapes for test in _tests_around(cast)):
        return None
    return (
        "text read as a date without a pattern",
        "Write CASE WHEN s LIKE '____-__-__' THEN try_cast(s AS DATE) END; for timestamps LIKE '____-__-__ __:__:__%'.",
    )


def _tests_around(node: exp.Expr) -> Iterator[exp.Like]:
    """The LIKE conditions on which a value depends."""
    branch = node.find_ancestor(exp.If, exp.Select)
    while isinstance(branch, exp.If):
        yield from branch.this.find_all(exp.Like)
        branch = branch.find_ancestor(exp.If, exp.Select)


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


@authored("portable-patterns", exp.Escape, exp.ILike, exp.SimilarTo, exp.Glob, exp.RegexpFullMatch, exp.RegexpILike)
def portable_patterns(_: exp.Expr) -> Complaint | None:
    """Patterns other than LIKE and regexp_matches() are written or read differently."""
    return "ILIKE, ESCAPE, SIMILAR TO, GLOB or ~", "Write lower(s) LIKE '...', or regexp_matches(s, '...')."


@authored("portable-regexp-options", exp.RegexpLike, exp.RegexpReplace, exp.RegexpExtract)
def portable_regexp_options(function: exp.Func) -> Complaint | None:
    """Options of patterns differ, except for i, s, c and g."""
    given = [function.args.get(name) for name in ("flag", "modifiers", "parameters")]
    group = function.args.get("group")
    plain = all(isinstance(option, exp.Literal) and set(option.name) <= set("iscg") for option in given if option)
    if plain and (group is None or isinstance(group, exp.Literal)):
        return None
    return "an option of a regular expression", "Use 'i', 's' and 'g', and one group by its number."


@authored("regexp-replace-something", exp.RegexpReplace)
def regexp_replace_something(function: exp.RegexpReplace) -> Complaint | None:
    """A pattern that matches nothing is replaced between bytes, characters or not at all, by engine."""
    pattern = function.expression
    if not isinstance(pattern, exp.Literal) or not _matches_nothing(pattern.name):
        return None
    return (
        "regexp_replace() with a pattern that matches the empty text",
        "Write + in place of *, or a pattern without ?.",
    )


def _matches_nothing(pattern: str) -> bool:
    try:
        return re.match(re.sub(r"\\[pP](?:\{\w+\}|\w)", "x", pattern), "") is not None
    except re.error:
        return False


@authored("plain-trim", exp.Trim)
def plain_trim(trim: exp.Trim) -> Complaint | None:
    """Some engines trim bytes."""
    characters = trim.args.get("expression")
    if characters is None or (isinstance(characters, exp.Literal) and characters.name.isascii()):
        return None
    return (
        "trim() of characters that are not a literal of ASCII",
        "Write regexp_replace(s, '^[...]+|[...]+$', '', 'g').",
    )


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
    portable_date_parts,
    plain_interval,
    no_time_zones,
    text_cast,
    no_try_cast_to_int,
    guarded_date_cast,
    no_number_to_text,
    no_concat_ws,
    portable_patterns,
    portable_regexp_options,
    regexp_replace_something,
    plain_trim,
    no_is_true,
    regexp_replace_all,
    regexp_extract_null,
)
