"""DuckDB's types of expressions, as far as they can be told from the tree.

sqlglot's own inference is approximate for numbers (it has sum(BIGINT) as BIGINT, 1.5 as DOUBLE). The rules here are
DuckDB's; where neither knows, the type is UNKNOWN rather than a guess. Arrays, structs and maps count as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.expressions import DType
from sqlglot.optimizer.annotate_types import TypeAnnotator
from sqlglot.schema import MappingSchema

from measure_cli.dialects.compiled import UNKNOWN_TYPE
from measure_cli.dialects.functions import Pseudonymize
from measure_cli.dialects.reader import DUCKDB

Annotate = Callable[[TypeAnnotator, Any], exp.Expr]
Type = exp.DataType | DType

MAX_WIDTH = 38
MAX_WIDTH_INT64 = 18
UNKNOWN = DType.UNKNOWN
DOUBLE = DType.DOUBLE
DECIMAL = DType.DECIMAL
# Widths of integers that meet decimals.
INTEGER_WIDTHS = {DType.INT: 10, DType.BIGINT: 19, DType.INT128: 38}
SMALL_INTEGERS = (DType.TINYINT, DType.SMALLINT)
TEXTS = (DType.TEXT, DType.VARCHAR)
TIMESTAMPS = (DType.TIMESTAMP, DType.TIMESTAMPNTZ)
MOMENTS = (DType.DATE, *TIMESTAMPS)
INTEGERS = (*INTEGER_WIDTHS, *SMALL_INTEGERS)
FRACTIONS = (DType.FLOAT, DOUBLE, DECIMAL)

NAMES: Mapping[DType, str] = {
    DType.BOOLEAN: "BOOLEAN",
    DType.TINYINT: "TINYINT",
    DType.SMALLINT: "SMALLINT",
    DType.INT: "INTEGER",
    DType.BIGINT: "BIGINT",
    DType.INT128: "HUGEINT",
    DType.FLOAT: "FLOAT",
    DType.DOUBLE: "DOUBLE",
    DType.TEXT: "VARCHAR",
    DType.VARCHAR: "VARCHAR",
    DType.DATE: "DATE",
    DType.TIME: "TIME",
    DType.TIMESTAMP: "TIMESTAMP",
    DType.TIMESTAMPNTZ: "TIMESTAMP",
    DType.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
    DType.INTERVAL: "INTERVAL",
    DType.VARBINARY: "BLOB",
    DType.UUID: "UUID",
    DType.JSON: "JSON",
}


@lru_cache(maxsize=512)
def parse_type(text: str) -> exp.DataType:
    """A type from its DuckDB text; unknown texts are the unknown type."""
    try:
        return exp.DataType.from_str(text, dialect=DUCKDB)
    except SqlglotError:
        return UNKNOWN.into_expr()


def type_text(data_type: Type | None) -> str:
    """The text DuckDB itself has for a type.

    >>> type_text(parse_type("numeric(18, 6)")), type_text(parse_type("int8")), type_text(parse_type("int[]"))
    ('DECIMAL(18,6)', 'BIGINT', 'UNKNOWN')
    """
    kind = kind_of(data_type)
    if kind is DECIMAL:
        size = _decimal_size(data_type)
        return f"DECIMAL({size[0]},{size[1]})" if size else UNKNOWN_TYPE
    return NAMES.get(kind, UNKNOWN_TYPE)


def annotate_columns(query: exp.Query, schema: MappingSchema) -> tuple[tuple[str, str], ...]:
    """Annotate every node of a resolved query with its type; returns the output columns."""
    annotator = _DuckDBTypes(schema, expression_metadata={**DUCKDB.EXPRESSION_METADATA, **_RULES})
    annotator.annotate(query)
    return tuple((name, type_text(found)) for name, found in annotator.output_columns(query))


class _DuckDBTypes(TypeAnnotator):
    """Annotates with the rules below; `_maybe_coerce` is where sqlglot asks for the common type of UNION branches."""

    def _maybe_coerce(self, type1: Type, type2: Type) -> Type:
        return common_type(type1, type2)

    def output_columns(self, query: exp.Expr) -> Sequence[tuple[str, Type]]:
        """Names and types of the output columns of an annotated query."""
        if isinstance(query, exp.Subquery):
            return self.output_columns(query.this)
        if isinstance(query, exp.SetOperation):
            return _united(self.output_columns(query.this), self.output_columns(query.expression), query)
        assert isinstance(query, exp.Query)
        return [(output.alias_or_name, _output_type(output)) for output in query.selects]


def _output_type(output: exp.Expr) -> Type:
    """The type of an output column; sqlglot forgets that of a bare NULL at the end of its work."""
    return DType.NULL if isinstance(output.unalias(), exp.Null) else output.type or UNKNOWN


def _united(
    left: Sequence[tuple[str, Type]], right: Sequence[tuple[str, Type]], union: exp.SetOperation
) -> Sequence[tuple[str, Type]]:
    """The columns of a set operation: names of the first branch, common types."""
    if union.args.get("by_name"):
        others = dict(right)
        own = [(name, common_type(found, others[name]) if name in others else found) for name, found in left]
        return [*own, *((name, found) for name, found in right if name not in dict(left))]
    return [(name, common_type(found, other)) for (name, found), (_, other) in zip(left, right, strict=True)]


def common_type(left: Type, right: Type) -> Type:
    """The type to which DuckDB brings two values that must be of one type."""
    a, b = kind_of(left), kind_of(right)
    if a is b and a is not DECIMAL:
        return left
    if DType.NULL in (a, b):
        return right if a is DType.NULL else left
    if a in TEXTS and b in TEXTS:
        return DType.TEXT
    if {a, b} <= set(MOMENTS):
        return DType.TIMESTAMP
    return _common_number(left, right)


def _common_number(left: Type, right: Type) -> Type:
    a, b = kind_of(left), kind_of(right)
    if a in INTEGER_WIDTHS and b in INTEGER_WIDTHS:
        return a if INTEGER_WIDTHS[a] > INTEGER_WIDTHS[b] else b
    if DOUBLE in (a, b) and _is_number(left) and _is_number(right):
        return DOUBLE
    sizes = _decimal_size(left), _decimal_size(right)
    return _common_decimal(sizes[0], sizes[1], 0) if sizes[0] and sizes[1] else UNKNOWN


def kind_of(data_type: Type | None) -> DType:
    """The type without its parameters."""
    kind = data_type.this if isinstance(data_type, exp.DataType) else data_type
    return kind if isinstance(kind, DType) else UNKNOWN


def _is_number(data_type: Type | None) -> bool:
    return kind_of(data_type) in (*INTEGERS, *FRACTIONS)


def _decimal_size(data_type: Type | None) -> tuple[int, int] | None:
    """(width, scale) of an exact number that meets decimals."""
    kind = kind_of(data_type)
    if kind in INTEGER_WIDTHS:
        return INTEGER_WIDTHS[kind], 0
    if kind is not DECIMAL or not isinstance(data_type, exp.DataType):
        return None
    numbers = [int(param.name) for param in data_type.expressions]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _decimal(width: int, scale: int) -> exp.DataType:
    return parse_type(f"DECIMAL({min(width, MAX_WIDTH)}, {scale})").copy()


def _common_decimal(left: tuple[int, int], right: tuple[int, int], carry: int) -> Type:
    scale = max(left[1], right[1])
    return _decimal(max(left[0] - left[1], right[0] - right[1]) + scale + carry, scale)


# -- rules by node: (annotator, node) -> node ----------------------------------------------------------------------


def _rule(type_of: Callable[[Any], Type | None]) -> Mapping[str, Annotate]:
    """A rule from a function that gives the type of a node whose children have theirs."""
    return {"annotator": lambda self, node: self._set_type(node, type_of(node))}


def _literal(node: exp.Literal) -> Type:
    if node.is_string:
        return DType.TEXT
    text = node.name
    if "e" in text.lower():
        return DOUBLE
    if "." in text:
        digits, _, fraction = text.partition(".")
        width = len(digits) + len(fraction)
        return _decimal(width, len(fraction)) if width <= MAX_WIDTH else DOUBLE
    bits = int(text.replace("_", "")).bit_length()
    return DType.INT if bits < 32 else DType.BIGINT if bits < 64 else DType.INT128 if bits < 128 else UNKNOWN


def _common(nodes: Iterable[exp.Expr | None]) -> Type:
    """Common type of several expressions; a text literal takes on the type of the others."""
    present = [node for node in nodes if node is not None]
    firm = [node for node in present if not (isinstance(node, exp.Literal) and node.is_string)] or present
    return reduce(common_type, (node.type or UNKNOWN for node in firm))


def _add_or_subtract(node: exp.Add | exp.Sub) -> Type | None:
    left, right = node.left.type, node.right.type
    a, b = kind_of(left), kind_of(right)
    if DType.INTERVAL in (a, b):
        other = b if a is DType.INTERVAL else a
        return DType.TIMESTAMP if other in MOMENTS else UNKNOWN
    if a is DType.DATE and b in INTEGER_WIDTHS:
        return DType.DATE
    if isinstance(node, exp.Sub) and a is b and a is DType.DATE:
        return DType.BIGINT
    if isinstance(node, exp.Sub) and a in TIMESTAMPS and b in TIMESTAMPS:
        return DType.INTERVAL
    if DECIMAL in (a, b) and DOUBLE not in (a, b):
        sizes = _decimal_size(left), _decimal_size(right)
        return _common_decimal(sizes[0], sizes[1], 1) if sizes[0] and sizes[1] else UNKNOWN
    return common_type(left or UNKNOWN, right or UNKNOWN) if _is_number(left) and _is_number(right) else UNKNOWN


def _multiply(node: exp.Mul) -> Type | None:
    left, right = node.left.type, node.right.type
    if DType.INTERVAL in (kind_of(left), kind_of(right)):
        return DType.INTERVAL
    if DECIMAL not in (kind_of(left), kind_of(right)) or DOUBLE in (kind_of(left), kind_of(right)):
        return common_type(left or UNKNOWN, right or UNKNOWN) if _is_number(left) and _is_number(right) else UNKNOWN
    sizes = _decimal_size(left), _decimal_size(right)
    if not sizes[0] or not sizes[1]:
        return UNKNOWN
    width, scale = sizes[0][0] + sizes[1][0], sizes[0][1] + sizes[1][1]
    if width > MAX_WIDTH_INT64 >= max(sizes[0][0], sizes[1][0]) and scale < MAX_WIDTH_INT64:
        width = MAX_WIDTH_INT64
    return _decimal(width, scale) if scale <= MAX_WIDTH else UNKNOWN


def _divide(node: exp.Div) -> Type:
    numbers = _is_number(node.left.type) and _is_number(node.right.type)
    return DOUBLE if numbers and DType.FLOAT not in (kind_of(node.left.type), kind_of(node.right.type)) else UNKNOWN


def _whole_numbers(node: exp.Binary) -> Type:
    left, right = node.left.type or UNKNOWN, node.right.type or UNKNOWN
    return common_type(left, right) if kind_of(left) in INTEGER_WIDTHS and kind_of(right) in INTEGER_WIDTHS else UNKNOWN


def _sum(node: exp.Sum) -> Type:
    kind, size = kind_of(node.this.type), _decimal_size(node.this.type)
    if kind is DECIMAL:
        return _decimal(MAX_WIDTH, size[1]) if size else UNKNOWN
    if kind in (*INTEGERS, DType.BOOLEAN):
        return DType.INT128
    return DOUBLE if kind in (DOUBLE, DType.FLOAT) else UNKNOWN


def _average(node: exp.Avg) -> Type:
    kind = kind_of(node.this.type)
    return DOUBLE if _is_number(kind) else DType.TIMESTAMP if kind in MOMENTS else UNKNOWN


def _quantile(node: exp.Func) -> Type | None:
    fraction = node.args.get("expression")
    if fraction is not None and not isinstance(fraction, exp.Literal):
        return UNKNOWN
    return _continuous(node.this.type)


def _continuous(value: exp.DataType | None) -> Type | None:
    """Type of a value between two values."""
    kind = kind_of(value)
    if kind in (*INTEGER_WIDTHS, DOUBLE):
        return DOUBLE
    return value if kind is DECIMAL else DType.TIMESTAMP if kind in MOMENTS else UNKNOWN


def _floor(node: exp.Floor | exp.Ceil) -> Type:
    kind, size = kind_of(node.this.type), _decimal_size(node.this.type)
    if node.args.get("decimals") is not None:
        return UNKNOWN
    if kind is DECIMAL:
        return _decimal(size[0], 0) if size else UNKNOWN
    return DOUBLE if kind in (*INTEGER_WIDTHS, DOUBLE) else UNKNOWN


def _round(node: exp.Round) -> Type:
    kind = kind_of(node.this.type)
    return kind if kind is DOUBLE or (kind in INTEGER_WIDTHS and node.args.get("decimals") is None) else UNKNOWN


def _within_group(node: exp.WithinGroup) -> Type | None:
    keys = node.expression.expressions
    if not isinstance(node.this, exp.PercentileCont) or len(keys) != 1:
        return UNKNOWN
    return _continuous(keys[0].this.type)


def _case(node: exp.Case) -> Type:
    return _common([*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")])


_SAME = _rule(lambda node: node.this.type)
_TEXT: Mapping[str, object] = {"returns": DType.TEXT}

_RULES: dict[type[exp.Expr], Any] = {
    exp.Literal: _rule(_literal),
    exp.Add: _rule(_add_or_subtract),
    exp.Sub: _rule(_add_or_subtract),
    exp.Mul: _rule(_multiply),
    exp.Div: _rule(_divide),
    exp.IntDiv: _rule(_whole_numbers),
    exp.Mod: _rule(_whole_numbers),
    exp.Sum: _rule(_sum),
    exp.Avg: _rule(_average),
    exp.Median: _rule(_quantile),
    exp.PercentileCont: _rule(_quantile),
    exp.WithinGroup: _rule(_within_group),
    exp.Floor: _rule(_floor),
    exp.Ceil: _rule(_floor),
    exp.Round: _rule(_round),
    exp.Coalesce: _rule(lambda node: _common([node.this, *node.expressions])),
    exp.Greatest: _rule(lambda node: _common([node.this, *node.expressions])),
    exp.Least: _rule(lambda node: _common([node.this, *node.expressions])),
    exp.Case: _rule(_case),
    exp.If: _rule(lambda node: _common([node.args["true"], node.args.get("false")])),
    exp.Lag: _rule(lambda node: _common([node.this, node.args.get("default")])),
    exp.Lead: _rule(lambda node: _common([node.this, node.args.get("default")])),
    exp.Sign: {"returns": DType.TINYINT},
    exp.StrPosition: {"returns": DType.BIGINT},
    **dict.fromkeys((exp.Nullif, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.First, exp.Last), _SAME),
    **dict.fromkeys((exp.Replace, exp.Left, exp.Right, exp.SplitPart, exp.Pad, Pseudonymize), _TEXT),
    **dict.fromkeys((exp.RegexpExtract, exp.RegexpReplace), _TEXT),
}
