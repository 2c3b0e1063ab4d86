"""`pseudonymize(text)`: a function of the template language, seen as such by every check and written out per engine.

A pseudonym is the first 16 lower-case hex digits of HMAC-SHA-256 over the UTF-8 bytes of `lower(trim(text))`; NULL
stays NULL. The key is never part of SQL text: the expansion binds the two blocks that HMAC makes of it, which are as
secret as the key itself. What `lower` and `trim` do outside of ASCII is up to the engine: DuckDB trims every Unicode
space, but no tab and no line break, and lowers one character at a time.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import TEXTS, UNKNOWN, kind_of
from measure_cli.dialects.functions import PSEUDONYMIZE, Pseudonymize
from measure_cli.dialects.reader import DUCKDB, Locate, line_of
from measure_cli.errors import PlanError
from measure_cli.secrets import PII_IPAD, PII_OPAD

DIGITS = 16
# What may stand around a call only of a function that DuckDB itself has.
_SURROUNDINGS = (exp.Dot, exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
_NO_VALUES = (exp.Distinct, exp.Order, exp.PropertyEQ, exp.Star, exp.Kwarg, exp.Lambda)


def recognize(query: exp.Query, locate: Locate) -> None:
    """Turn every call of `pseudonymize` into a node of its own.

    Raises:
        PlanError: it does not stand alone, or does not have exactly one value.
    """
    for call in list(query.find_all(exp.Anonymous)):
        if call.name.lower() != PSEUDONYMIZE or isinstance(call.parent, exp.Table):
            continue
        where = locate(line_of(call) or 1)
        if isinstance(call.parent, _SURROUNDINGS):
            raise PlanError(f"{where}: pseudonymize() takes no schema, OVER, FILTER or method call: pseudonymize(text)")
        if len(call.expressions) != 1:
            raise PlanError(f"{where}: pseudonymize() takes one text, found {len(call.expressions)} arguments")
        if isinstance(call.expressions[0], _NO_VALUES):
            raise PlanError(f"{where}: pseudonymize() takes one text, found {call.sql(DUCKDB)}")
        node = Pseudonymize(this=call.expressions[0])
        node.meta.update(call.meta)
        call.replace(node)


def check_types(query: exp.Query, locate: Locate) -> None:
    """Refuse pseudonyms of anything but text, in a query whose types are annotated."""
    for node in query.find_all(Pseudonymize):
        if kind_of(node.this.type) not in (*TEXTS, DType.NULL, UNKNOWN):
            raise PlanError(
                f"{locate(line_of(node) or 1)}: pseudonymize() takes text, found {node.this.type.sql(DUCKDB)}",
                "Write pseudonymize(CAST(x AS VARCHAR)).",
            )


def expand_for_duckdb(query: exp.Query) -> tuple[str, ...]:
    """Write every pseudonym out in functions of DuckDB; returns the names of the parameters to be bound."""
    nodes = list(query.find_all(Pseudonymize))
    for node in reversed(nodes):  # inner ones first
        node.replace(_duckdb_hmac(node.this))
    return (PII_IPAD, PII_OPAD) if nodes else ()


def _duckdb_hmac(text: exp.Expr) -> exp.Expr:
    """HMAC is sha256(opad || sha256(ipad || message)); DuckDB's sha256 takes bytes and returns hex digits."""
    message = _call("encode", _call("lower", _call("trim", text)))
    inner = _call("sha256", exp.DPipe(this=_block(PII_IPAD), expression=message))
    outer = _call("sha256", exp.DPipe(this=_block(PII_OPAD), expression=_call("unhex", inner)))
    return _call("substr", outer, exp.Literal.number(1), exp.Literal.number(DIGITS))


def _block(parameter: str) -> exp.Expr:
    return _call("unhex", exp.Placeholder(this=parameter))


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))
