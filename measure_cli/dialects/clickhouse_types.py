"""Types on ClickHouse, and casts between them.

Every integer is Int64, so that nothing wraps below 64 bits; dates and timestamps are the wide types, which know no time
zone but UTC. Whatever is cast becomes Nullable, as every column of a relation is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from sqlglot import exp
from sqlglot.expressions import DType
from sqlglot.generator import Generator

from measure_cli.clickhouse_text import clickhouse_type
from measure_cli.dialects.column_types import (
    DECIMAL,
    DOUBLE,
    FRACTIONS,
    INTEGERS,
    MOMENTS,
    TEXTS,
    TIMESTAMPS,
    kind_of,
    parse_type,
)
from measure_cli.dialects.column_types import type_text as duckdb_text

NARROW = {DType.TINYINT: "Int8", DType.SMALLINT: "Int16", DType.INT: "Int32"}  # only for the range of a try
SPACE = r"[ \t\n\v\f\r]*"
DIGITS = "[0-9]+(?:_[0-9]+)*"
NUMBER = rf"[+-]?(?:{DIGITS}\.?(?:{DIGITS})?|\.{DIGITS})(?:[eE][+-]?{DIGITS})?"
CLOCK = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]*)?)?|24:00:00)"
ZONE = "(?: ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?"  # which DuckDB reads over
WIDE_SCALE = 38  # digits behind the point while a text becomes a DECIMAL
DEFAULT_DECIMAL = (18, 3)  # DuckDB's DECIMAL without parameters


def decimal_size(data_type: exp.DataType | None) -> tuple[int, int]:
    """(width, scale) of a DECIMAL."""
    sizes = [int(parameter.name) for parameter in data_type.expressions] if data_type is not None else []
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (sizes[0], 0) if sizes else DEFAULT_DECIMAL


def type_text(data_type: exp.DataType, nullable: bool = True) -> str | None:
    """ClickHouse's name of a DuckDB type; None for one that no column here has.

    >>> type_text(parse_type("INTEGER")), type_text(parse_type("DECIMAL(18,6)"), nullable=False)
    ('Nullable(Int64)', 'Decimal(18, 6)')
    """
    name = clickhouse_type(duckdb_text(_sized(data_type)))
    return name if name is None or nullable else name.removeprefix("Nullable(").removesuffix(")")


def _sized(data_type: exp.DataType) -> exp.DataType:
    if kind_of(data_type) is not DECIMAL:
        return data_type
    width, scale = decimal_size(data_type)
    return parse_type(f"DECIMAL({width}, {scale})")


def cast_text(sql: str, data_type: exp.DataType) -> str:
    """A cast of written SQL."""
    return f"CAST({sql} AS {type_text(data_type)})"


def as_type(self: Generator, node: exp.Expr, wanted: exp.DataType | None) -> str:
    """An expression, cast where its type is another one. Without it ClickHouse makes a Variant of 1 and 1.5."""
    found, kind = kind_of(node.type), kind_of(wanted)
    if wanted is None or type_text(wanted) is None or isinstance(node, exp.Null):
        return self.sql(node)
    if kind is DOUBLE and isinstance(node, exp.Literal) and not node.is_string:
        return double_text(node)
    if found is kind and (kind is not DECIMAL or node.type == wanted):
        return self.sql(node)
    if found in TEXTS and kind in TEXTS:
        return self.sql(node)
    cast = exp.Cast(this=node.copy(), to=wanted.copy())
    return cast_sql(self, cast)


def double_text(literal: exp.Literal) -> str:
    """A number as Float64: without a point or an exponent it would be an integer."""
    return literal.name if any(mark in literal.name for mark in ".eE") else f"{literal.name}."


def literal_sql(self: Generator, node: exp.Literal) -> str:
    """1.5 is a DECIMAL(2,1) in DuckDB, and a Float64 in ClickHouse (sqlglot 30.22 writes it as it is)."""
    if not node.is_string and kind_of(node.type) is DECIMAL and node.type is not None:
        return f"CAST('{node.name}' AS {type_text(node.type, nullable=False)})"
    if not node.is_string and kind_of(node.type) is DType.INT128:
        return f"CAST('{node.name}' AS Int128)"  # it would be a Float64
    return Generator.literal_sql(self, node)


# -- casts ------------------------------------------------------------------------------------------------------------


def cast_sql(self: Generator, node: exp.Cast) -> str:
    """A cast with DuckDB's rounding, range checks and reading of text."""
    value, to = node.this, node.to
    found, kind = kind_of(value.type), kind_of(to)
    if isinstance(value, exp.Literal) and value.is_string and kind is not DType.BOOLEAN:
        return cast_text(self.sql(_canonical(value, to)), to)
    if found in TEXTS and kind in _READERS:
        return _READERS[kind](self.sql(value), to)
    if kind in INTEGERS and found in (DOUBLE, DType.FLOAT, DType.INT128) and kind is not found:
        return f"accurateCast({self.sql(value)}, '{type_text(to)}')"  # CAST wraps what does not fit
    return cast_text(_castable(self, value, to), to)


def _castable(self: Generator, value: exp.Expr, to: exp.DataType) -> str:
    """What CAST makes of it is what DuckDB makes of the value."""
    found, kind = kind_of(value.type), kind_of(to)
    if kind is DECIMAL:
        return f"toString({self.sql(value)})" if found is DType.INT128 else _rounded(self, value, to)
    if kind in TEXTS and found is DType.BOOLEAN:
        return cast_text(self.sql(value), parse_type("BOOLEAN"))  # a predicate is a UInt8
    return self.sql(value)


def try_cast_sql(self: Generator, node: exp.TryCast) -> str:
    """A cast to Nullable is not a try: it raises, wraps or invents dates (sqlglot 30.22 writes that)."""
    value, to = node.this, node.to
    found, kind = kind_of(value.type), kind_of(to)
    if found in TEXTS and kind in _READERS:
        return _READERS[kind](self.sql(value), to)
    if kind in (DECIMAL, *INTEGERS) and found in (*INTEGERS, *FRACTIONS):
        if kind is DECIMAL:
            return _fitting(_rounded(self, value, to), to)
        name = NARROW.get(kind) or type_text(to, nullable=False)
        return cast_text(f"accurateCastOrNull({self.sql(value)}, '{name}')", to)
    return cast_sql(self, exp.Cast(this=value.copy(), to=to.copy()))


def _rounded(self: Generator, value: exp.Expr, to: exp.DataType) -> str:
    """A DECIMAL that loses digits: DuckDB rounds halves away from zero, round() of a Decimal too; CAST truncates."""
    loses = kind_of(value.type) is DECIMAL and decimal_size(value.type)[1] > decimal_size(to)[1]
    return f"round({self.sql(value)}, {decimal_size(to)[1]})" if loses else self.sql(value)


def _canonical(value: exp.Literal, to: exp.DataType) -> exp.Literal:
    """A text literal in the one spelling that both engines read alike."""
    text, kind = value.name.strip(), kind_of(to)
    try:
        if kind is DECIMAL:
            digits = Decimal(1).scaleb(-decimal_size(to)[1])
            return exp.Literal.string(str(Decimal(text).quantize(digits, ROUND_HALF_UP)))
        if kind in MOMENTS:
            moment = datetime.fromisoformat(text).replace(tzinfo=None)
            written = moment.date().isoformat() if kind is DType.DATE else moment.isoformat(" ", "microseconds")
            return exp.Literal.string(written)
    except (ValueError, InvalidOperation):
        return value
    return value


# -- text that may not be what it should be ---------------------------------------------------------------------------


def _found(text: str, pattern: str) -> str:
    """What a pattern finds in a text between spaces; '' when the text is anything else."""
    escaped = f"^{SPACE}({pattern}){SPACE}$".replace("\\", "\\\\")
    return f"extract({text}, '{escaped}')"


def _number(text: str, others: str = "") -> str:
    """A number in a text; between digits DuckDB reads over an underscore."""
    return f"replaceAll({_found(text, NUMBER + others)}, '_', '')"


def _read_double(text: str, to: exp.DataType) -> str:
    del to
    return f"toFloat64OrNull({_number(text, '|[+-]?(?i:nan|inf|infinity)')})"


def _read_decimal(text: str, to: exp.DataType) -> str:
    """toDecimal truncates, so that the text is read with digits to spare."""
    scale = decimal_size(to)[1]
    return _fitting(f"round(toDecimal256OrNull({_number(text)}, {WIDE_SCALE}), {scale})", to)


def _fitting(number: str, to: exp.DataType) -> str:
    """A number as a DECIMAL; NULL when it has too many digits, which a cast to Decimal lets pass."""
    width, scale = decimal_size(to)
    bound = f"toDecimal256('1{'0' * (width - scale)}', 0)"
    return f"accurateCastOrNull(if(abs({number}) < {bound}, {number}, NULL), '{type_text(to, nullable=False)}')"


def _read_integer(text: str, to: exp.DataType) -> str:
    return f"to{type_text(to, nullable=False)}OrNull({_found(text, '[+-]?[0-9]+')})"


def _read_date(text: str, to: exp.DataType) -> str:
    """toDate32OrNull reads 2024-02-30 as March 1st: whatever does not look the same again is no date."""
    del to
    day = f"leftPad({_found(text, '[0-9]{1,4}-[0-9]{2}-[0-9]{2}')}, 10, '0')"
    return f"if(toString(toDate32OrNull({day})) = {day}, toDate32OrNull({day}), NULL)"


def _read_timestamp(text: str, to: exp.DataType) -> str:
    day = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    whole = f"^{SPACE}({day}(?:[ T]{CLOCK}{ZONE}{SPACE})?)$".replace("\\", "\\\\")
    stamp = f"extract(extract({text}, '{whole}'), '^[-0-9]+(?:[ T][0-9:.]+)?')"
    first = f"substring({stamp}, 1, 10)"
    parsed = f"parseDateTime64BestEffortOrNull({stamp}, 6, 'UTC')"
    return cast_text(f"if(toString(toDate32OrNull({first})) = {first}, {parsed}, NULL)", to)


def _read_boolean(text: str, to: exp.DataType) -> str:
    """The words that DuckDB knows, without spaces around them."""
    words = "['true', 't', '1', 'yes', 'y', 'false', 'f', '0', 'no', 'n']"
    found = f"transform(lower({text}), {words}, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0], 2)"
    return cast_text(f"nullIf({found}, 2)", to)


_READERS: Mapping[DType, Callable[[str, exp.DataType], str]] = {
    DOUBLE: _read_double,
    DECIMAL: _read_decimal,
    DType.DATE: _read_date,
    **dict.fromkeys(TIMESTAMPS, _read_timestamp),
    DType.BOOLEAN: _read_boolean,
    **dict.fromkeys(INTEGERS, _read_integer),
}
