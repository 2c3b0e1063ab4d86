"""Which functions a model may call.

PORTABLE functions give the same result on every engine (some with the care that a lint rule asks for). Of the others,
those that DuckDB has are a lint finding, and names that nothing knows are an error. `pseudonymize` is of the template
language: no engine has it.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp
from sqlglot.parsers.duckdb import DuckDBParser

from measure_cli.dialects.reader import Locate, line_of
from measure_cli.errors import PlanError, did_you_mean

PSEUDONYMIZE = "pseudonymize"


class Pseudonymize(exp.Expression, exp.Func):
    """`pseudonymize(text)`, kept as it is until a query is written for an engine."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}
    _sql_names: ClassVar[list[str]] = [PSEUDONYMIZE.upper()]


# fmt: off
PORTABLE: tuple[type[exp.Expr], ...] = (
    # syntax that counts as a function
    exp.And, exp.Or, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Exists, exp.Extract,
    # aggregates
    exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.LogicalOr, exp.LogicalAnd,
    exp.GroupConcat, exp.PercentileCont, exp.Median, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance,
    exp.VariancePop, exp.Corr, exp.CovarSamp, exp.CovarPop, exp.RegrSlope, exp.RegrIntercept, exp.RegrR2, exp.Grouping,
    # windows
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead,
    exp.FirstValue, exp.LastValue,
    # values and numbers
    exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Abs, exp.Sign, exp.Floor, exp.Ceil, exp.Sqrt, exp.Exp,
    exp.Ln, exp.Log, exp.Pow, exp.Round,
    # text
    exp.Trim, exp.Lower, exp.Upper, exp.Length, exp.Substring, exp.Left, exp.Right, exp.Replace, exp.Concat,
    exp.ConcatWs, exp.StartsWith, exp.StrPosition, exp.RegexpLike, exp.RegexpReplace, exp.RegexpExtract, exp.MD5,
    exp.SHA2,
    # dates
    exp.DateDiff, exp.TimestampTrunc, exp.DateTrunc, exp.LastDay, exp.Year, exp.Quarter, exp.Month, exp.Day, exp.Hour,
    exp.Minute, exp.Second, exp.DayOfWeekIso, exp.DayOfYear,
    # of the template language
    Pseudonymize,
)
# Functions with a lint rule of their own, which says more than that they are not portable.
DISCUSSED: tuple[type[exp.Expr], ...] = (
    exp.Rand, exp.Randn, exp.Uuid, exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime,
    exp.Localtimestamp, exp.TimeToStr, exp.StrToTime, exp.StrToDate, exp.ToChar, exp.Array, exp.ArrayAgg, exp.Struct,
    exp.ToMap, exp.Map, exp.VarMap, exp.Explode, exp.Unnest, exp.GenerateSeries, exp.GenerateDateArray,
    exp.GenerateTimestampArray, exp.NthValue,
)
CLOCK_NAMES = frozenset({"now", "get_current_timestamp", "transaction_timestamp"})
# DuckDB functions whose names sqlglot does not know.
DUCKDB_NAMES = CLOCK_NAMES | {
    "bit_count", "date_part", "date_sub", "datesub", "datepart", "epoch_ns", "epoch_us", "favg", "fsum", "hash",
    "isfinite", "isinf", "json_array_length", "json_keys", "json_structure", "json_type", "json_valid", "kahan_sum",
    "make_timestamp", "printf", "regexp_escape", "round_even", "strlen", "sumkahan", "timezone", "try_strptime",
    "url_decode", "url_encode", "yearweek",
}
# fmt: on


def is_portable(function: exp.Func) -> bool:
    """Whether a function is on the list, or has a lint rule of its own."""
    return isinstance(function, (*PORTABLE, *DISCUSSED))


def check_functions(query: exp.Query, locate: Locate) -> None:
    """Refuse functions that neither sqlglot nor the lists here know."""
    for call in query.find_all(exp.Anonymous):
        name = call.name.lower()
        if name not in DUCKDB_NAMES and not isinstance(call.parent, exp.Table):
            raise PlanError(
                f"{locate(line_of(call) or 1)}: unknown function {name}()", did_you_mean(name, _portable_names())
            )


def function_name(function: exp.Func) -> str:
    """Name for messages."""
    return (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()


def _portable_names() -> list[str]:
    """Names under which DuckDB knows the portable functions."""
    classes = {parsed for parsed in PORTABLE if issubclass(parsed, exp.Func) and parsed not in (exp.And, exp.Or)}
    names = {name.lower() for parsed in classes for name in parsed.sql_names() if name in DuckDBParser.FUNCTIONS}
    return sorted(
        names | {"string_agg", "regexp_matches", "log10", "quantile_cont", "bool_or", "bool_and", "trim", PSEUDONYMIZE}
    )
