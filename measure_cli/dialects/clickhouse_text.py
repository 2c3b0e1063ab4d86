"""Text and patterns on ClickHouse: characters instead of bytes, and RE2 with the options that DuckDB gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.generator import Generator

from measure_cli.dialects.column_types import TEXTS, kind_of, parse_type

Write = Callable[[Generator, Any], str]
# Letters whose lower case depends on their place, or is several characters: DuckDB takes one letter for each.
LOWERED = {"\u0130": "i", "\u03a3": "\u03c3"}
# Letters whose upper case is several characters, and those of them for which Unicode has a single one as well.
MANY_CAPITALS = (
    r"[\\x{DF}\\x{149}\\x{1F0}\\x{390}\\x{3B0}\\x{587}\\x{1E96}-\\x{1E9A}\\x{1F50}-\\x{1FFC}\\x{FB00}-\\x{FB17}]"
)
SMALL = "\u00df" + "".join(chr(base + i) for base in (0x1F80, 0x1F90, 0x1FA0) for i in range(8)) + "\u1fb3\u1fc3\u1ff3"
CAPITAL = (
    "\u1e9e" + "".join(chr(base + i) for base in (0x1F88, 0x1F98, 0x1FA8) for i in range(8)) + "\u1fbc\u1fcc\u1ffc"
)
_TEXT_TYPE = parse_type("VARCHAR")


def text_sql(self: Generator, node: exp.Expr) -> str:
    """A value as text."""
    if kind_of(node.type) in TEXTS or (isinstance(node, exp.Literal) and node.is_string):
        return self.sql(node)
    return self.sql(exp.Cast(this=node.copy(), to=_TEXT_TYPE.copy()))


def lower_sql(self: Generator, node: exp.Lower) -> str:
    """lower() knows ASCII only (sqlglot 30.22 writes that)."""
    text = self.sql(node.this)
    for letter, lowered in LOWERED.items():
        text = f"replaceAll({text}, '{letter}', '{lowered}')"
    return f"lowerUTF8({text})"


def upper_sql(self: Generator, node: exp.Upper) -> str:
    """One capital for each letter, where ClickHouse makes SS of sharp s; the letter itself where there is no such."""
    text = self.sql(node.this)
    single = f"if(lengthUTF8(upperUTF8(c)) > 1, translateUTF8(c, '{SMALL}', '{CAPITAL}'), upperUTF8(c))"
    slow = f"arrayStringConcat(arrayMap(c -> {single}, extractAll(assumeNotNull({text}), '.')))"
    return f"if(match({text}, '{MANY_CAPITALS}'), {slow}, upperUTF8({text}))"


def substring_sql(self: Generator, node: exp.Substring) -> str:
    """From position 0 DuckDB takes one character less; ClickHouse refuses it."""
    start, length = node.args["start"], node.args.get("length")
    if not isinstance(start, exp.Literal) or start.name != "0":
        return self.func("substringUTF8", node.this, start, length)
    return self.func(
        "substringUTF8",
        node.this,
        exp.Literal.number(1),
        length and exp.Sub(this=length.copy(), expression=exp.Literal.number(1)),
    )


def trim_sql(self: Generator, node: exp.Trim) -> str:
    """trim() removes one kind of space; DuckDB removes all that Unicode has, but no tab and no line break."""
    position, characters = node.args.get("position"), node.args.get("expression")
    if characters is not None:
        sides = position or "BOTH"
        return f"trim({sides} {self.sql(characters)} FROM {self.sql(node.this)})"
    ends = {"LEADING": r"^\\p{Zs}+", "TRAILING": r"\\p{Zs}+$"}
    pattern = ends[position] if position in ends else "|".join(ends.values())
    return f"replaceRegexpAll({self.sql(node.this)}, '{pattern}', '')"


def function(name: str) -> Write:
    """The same arguments under another name."""

    def write(self: Generator, node: exp.Func) -> str:
        arguments = [value for value in node.args.values() if isinstance(value, exp.Expr)]
        return self.func(name, *arguments)

    return write


def length_sql(self: Generator, node: exp.Length) -> str:
    """Characters; length() counts bytes."""
    return f"toInt64(lengthUTF8({self.sql(node.this)}))"


def position_sql(self: Generator, node: exp.StrPosition) -> str:
    """In characters; sqlglot 30.22 counts bytes."""
    return f"toInt64(positionUTF8({self.sql(node.this)}, {self.sql(node.args['substr'])}))"


def dpipe_sql(self: Generator, node: exp.DPipe) -> str:
    """NULL when a part is."""
    return f"{text_sql(self, node.left)} || {text_sql(self, node.right)}"


def concat_sql(self: Generator, node: exp.Concat) -> str:
    """DuckDB's concat() leaves NULL out."""
    parts = [f"coalesce({text_sql(self, part)}, '')" for part in node.expressions]
    return f"concat({', '.join(parts)})" if len(parts) > 1 else parts[0]


# -- patterns ---------------------------------------------------------------------------------------------------------


def like_sql(self: Generator, node: exp.Like) -> str:
    r"""A backslash means itself in DuckDB; in ClickHouse it takes the meaning from what follows."""
    pattern = node.expression
    if isinstance(pattern, exp.Literal):
        text = self.sql(exp.Literal.string(pattern.name.replace("\\", "\\\\")))
    else:
        text = rf"replaceAll({self.sql(pattern)}, '\\', '\\\\')"
    return f"{self.sql(node.this)} {'NOT ' if node.args.get('negate') else ''}LIKE {text}"


def pattern_sql(self: Generator, pattern: exp.Expr, options: exp.Expr | None) -> str:
    """A pattern in which a dot is no line break, unless an option says so; in ClickHouse it always is one."""
    letters = options.name if options is not None else ""
    flags = ("i" if "i" in letters else "") + ("s" if "s" in letters else "-s")
    if isinstance(pattern, exp.Literal):
        return self.sql(exp.Literal.string(f"(?{flags}){pattern.name}"))
    return f"concat('(?{flags})', {self.sql(pattern)})"


def regexp_like_sql(self: Generator, node: exp.RegexpLike) -> str:
    """A match anywhere."""
    return f"match({self.sql(node.this)}, {pattern_sql(self, node.expression, node.args.get('flag'))})"


def regexp_replace_sql(self: Generator, node: exp.RegexpReplace) -> str:
    """All matches; sqlglot 30.22 passes the option 'g' on as an argument."""
    options = node.args.get("modifiers")
    name = "replaceRegexpAll" if options is not None and "g" in options.name else "replaceRegexpOne"
    pattern = pattern_sql(self, node.expression, options)
    return f"{name}({self.sql(node.this)}, {pattern}, {self.sql(node.args['replacement'])})"


def regexp_extract_sql(self: Generator, node: exp.RegexpExtract) -> str:
    """Without a group DuckDB returns the whole match, ClickHouse the first group."""
    group = node.args.get("group")
    pattern = pattern_sql(self, node.expression, node.args.get("parameters"))
    return f"regexpExtract({self.sql(node.this)}, {pattern}, {self.sql(group) if group is not None else '0'})"


def sha_sql(self: Generator, node: exp.SHA2) -> str:
    """Hex digits; SHA256() returns bytes."""
    return f"lower(hex(SHA256({self.sql(node.this)})))"


def md5_sql(self: Generator, node: exp.MD5) -> str:
    """Hex digits; MD5() returns bytes."""
    return f"lower(hex(MD5({self.sql(node.this)})))"


TEXT_FUNCTIONS: Mapping[type[exp.Expr], Write] = {
    exp.Lower: lower_sql,
    exp.Upper: upper_sql,
    exp.Trim: trim_sql,
    exp.Length: length_sql,
    exp.Substring: substring_sql,
    exp.Left: function("leftUTF8"),
    exp.Right: function("rightUTF8"),
    exp.Replace: function("replaceAll"),
    exp.StrPosition: position_sql,
    exp.DPipe: dpipe_sql,
    exp.Concat: concat_sql,
    exp.Like: like_sql,
    exp.RegexpLike: regexp_like_sql,
    exp.RegexpReplace: regexp_replace_sql,
    exp.RegexpExtract: regexp_extract_sql,
    exp.SHA2: sha_sql,
    exp.MD5: md5_sql,
}
