"""`pseudonymize(text)`: a function of the template language, seen as such by every check and written out per engine.

A pseudonym is 16 lower-case hex digits: the first of HMAC-SHA-256 over the UTF-8 bytes of `lower(trim(text))`, or all
of SipHash-2-4 over the same bytes; NULL stays NULL. The key is never part of SQL text: the expansion names parameters
as `$name`, for the blocks that HMAC makes of the key or for the key of SipHash, and the engine's adapter binds them.
`trim` and `lower` are those of DuckDB on every engine: every Unicode space goes, but no tab and no line break, and
letters are lowered one at a time. Letters that came with Unicode 16 or later may be lowered by some engines only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp
from sqlglot.expressions import DType

from measure_cli.dialects.column_types import TEXTS, UNKNOWN, kind_of
from measure_cli.dialects.functions import PSEUDONYMIZE, Pseudonymize
from measure_cli.dialects.reader import DUCKDB, Locate, line_of
from measure_cli.errors import PlanError
from measure_cli.kinds import EngineKind, PseudonymHash
from measure_cli.secrets import PII_IPAD, PII_OPAD, PII_SIPHASH_KEY, SIPHASH_FUNCTION

DIGITS = 16
SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
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


def expand(query: exp.Query, engine: EngineKind, pseudonym_hash: PseudonymHash) -> tuple[str, ...]:
    """Write every pseudonym out in functions of an engine; returns the names of the parameters to be bound.

    Raises:
        PlanError: the engine cannot compute the hash.
    """
    nodes = list(query.find_all(Pseudonymize))
    if not nodes:
        return ()
    if (engine, pseudonym_hash) not in _EXPANSIONS:
        raise PlanError(
            f'measure.toml: hash = "{pseudonym_hash}" in [privacy] cannot be computed by {engine}, which has no keyed '
            "SipHash",
            f'Leave the key out, or write hash = "{PseudonymHash.HMAC_SHA256}": every engine can compute that one.',
        )
    expansion, secrets = _EXPANSIONS[engine, pseudonym_hash]
    for node in reversed(nodes):  # inner ones first
        node.replace(expansion(node.this))
    return secrets


def _duckdb_hmac(text: exp.Expr) -> exp.Expr:
    """HMAC is sha256(opad || sha256(ipad || message)); DuckDB's sha256 takes bytes and returns hex digits."""
    message = _call("encode", _duckdb_message(text))
    inner = _call("sha256", exp.DPipe(this=_block(PII_IPAD), expression=message))
    outer = _call("sha256", exp.DPipe(this=_block(PII_OPAD), expression=_call("unhex", inner)))
    return _first_digits("substr", outer)


def _duckdb_siphash(text: exp.Expr) -> exp.Expr:
    """A function that the adapter brings along; see `engines/siphash.py`."""
    return _call(SIPHASH_FUNCTION, _parameter(PII_SIPHASH_KEY), _duckdb_message(text))


def _clickhouse_hmac(text: exp.Expr) -> exp.Expr:
    """SHA256 takes and returns bytes; a text is its bytes."""
    inner = _call("SHA256", _call("concat", _block(PII_IPAD), _clickhouse_message(text)))
    outer = _call("SHA256", _call("concat", _block(PII_OPAD), inner))
    return _first_digits("substring", _call("lower", _call("hex", outer)))


def _clickhouse_siphash(text: exp.Expr) -> exp.Expr:
    """The key is two numbers, each in the order of bytes of SipHash; hex() leaves leading zeros out."""
    halves = (
        _call("reinterpretAsUInt64", _call("substring", _block(PII_SIPHASH_KEY), _number(start), _number(8)))
        for start in (1, 9)
    )
    hashed = _call("sipHash64Keyed", _call("tuple", *halves), _clickhouse_message(text))
    return _call("leftPad", _call("lower", _call("hex", hashed)), _number(DIGITS), exp.Literal.string("0"))


def _snowflake_hmac(text: exp.Expr) -> exp.Expr:
    """sha2_binary and sha2_hex take bytes; to_binary makes them, of hex digits or of a text."""

    def block(name: str) -> exp.Expr:
        return _call("to_binary", _parameter(name), exp.Literal.string("HEX"))

    message = _call("to_binary", _snowflake_message(text), exp.Literal.string("UTF-8"))
    inner = _call("sha2_binary", exp.DPipe(this=block(PII_IPAD), expression=message), _number(256))
    return _first_digits("substr", _call("sha2_hex", exp.DPipe(this=block(PII_OPAD), expression=inner), _number(256)))


# -- the text that is hashed ------------------------------------------------------------------------------------------


def _duckdb_message(text: exp.Expr) -> exp.Expr:
    return _call("lower", _call("trim", text))


def _clickhouse_message(text: exp.Expr) -> exp.Expr:
    """Its trim knows one space only; a bare NULL has no type to begin with."""
    typed = exp.cast(text, "text") if isinstance(text, exp.Null) else text
    trimmed = _call("replaceRegexpAll", typed, exp.Literal.string(r"^\p{Zs}+|\p{Zs}+$"), exp.Literal.string(""))
    return _call("lowerUTF8", _letter_by_letter("replaceAll", trimmed))


def _snowflake_message(text: exp.Expr) -> exp.Expr:
    return _call("lower", _letter_by_letter("replace", _call("trim", text, exp.Literal.string(SPACES))))


def _letter_by_letter(replace: str, text: exp.Expr) -> exp.Expr:
    """The two letters whose lower case depends on their place or is two characters, made what DuckDB makes of them."""
    for letter, lowered in (("\u0130", "i"), ("\u03a3", "\u03c3")):
        text = _call(replace, text, exp.Literal.string(letter), exp.Literal.string(lowered))
    return text


# -- nodes ------------------------------------------------------------------------------------------------------------


def _parameter(name: str) -> exp.Expr:
    """`$name` in the text of every engine; its adapter binds it."""
    return exp.Var(this=f"${name}")


def _block(parameter: str) -> exp.Expr:
    return _call("unhex", _parameter(parameter))


def _first_digits(substring: str, text: exp.Expr) -> exp.Expr:
    return _call(substring, text, _number(1), _number(DIGITS))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


_PADS = (PII_IPAD, PII_OPAD)
_EXPANSIONS: Mapping[tuple[EngineKind, PseudonymHash], tuple[Callable[[exp.Expr], exp.Expr], tuple[str, ...]]] = {
    (EngineKind.DUCKDB, PseudonymHash.HMAC_SHA256): (_duckdb_hmac, _PADS),
    (EngineKind.DUCKDB, PseudonymHash.SIPHASH64): (_duckdb_siphash, (PII_SIPHASH_KEY,)),
    (EngineKind.CLICKHOUSE, PseudonymHash.HMAC_SHA256): (_clickhouse_hmac, _PADS),
    (EngineKind.CLICKHOUSE, PseudonymHash.SIPHASH64): (_clickhouse_siphash, (PII_SIPHASH_KEY,)),
    (EngineKind.SNOWFLAKE, PseudonymHash.HMAC_SHA256): (_snowflake_hmac, _PADS),
}
