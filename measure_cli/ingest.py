"""A source as declared by the stack, from an input as the project found it: one SELECT that types every column. Pure.

Text is read strictly: ISO dates and times (with offset or Z, else UTC), plain numbers. What cannot be read becomes
NULL and is named in `_unreadable`, so that staging can reject the row with a reason. Written in DuckDB's own SQL,
because the reading of files is the engine's business.
"""

from __future__ import annotations

from collections.abc import Mapping

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.sqltext import find_column, identifier, literal
from measure_cli.types import UNREADABLE, Column, InputShape, SourceInput, SourceSpec

DAY = r"\d{4}-\d{2}-\d{2}"
TIME = r"\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
UTC = rf"{DAY}([ T]{TIME}( ?(Z|UTC))?)?"
WITH_OFFSET = rf"{DAY}[ T]{TIME} ?[+-]\d{{2}}(:?\d{{2}})?"
MIDNIGHT = rf"{DAY}([ T]00:00(:00(\.0+)?)?( ?(Z|UTC|\+00(:?00)?))?)?"
WHOLE = r"[+-]?\d{1,18}(\.0+)?"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"

# How a text `<x>`, trimmed, becomes a declared type; NULL when it is not strictly of that form.
FROM_TEXT: Mapping[str, str] = {
    # A cast to TIMESTAMP drops an offset (DuckDB 2.0), so times with one go through TIMESTAMPTZ.
    "TIMESTAMP": f"CASE WHEN regexp_full_match(<x>, '{UTC}') THEN TRY_CAST(<x> AS TIMESTAMP) "
    f"WHEN regexp_full_match(<x>, '{WITH_OFFSET}') "
    "THEN TRY_CAST(regexp_replace(<x>, ' ([+-])', '\\1') AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END",
    "DATE": f"CASE WHEN regexp_full_match(<x>, '{MIDNIGHT}') THEN TRY_CAST(left(<x>, 10) AS DATE) END",
    "BIGINT": f"CASE WHEN regexp_full_match(<x>, '{WHOLE}') THEN TRY_CAST(<x> AS BIGINT) END",
    "DOUBLE": f"CASE WHEN regexp_full_match(<x>, '{NUMBER}') AND isfinite(TRY_CAST(<x> AS DOUBLE)) "
    "THEN TRY_CAST(<x> AS DOUBLE) END",
    "DECIMAL": f"CASE WHEN regexp_full_match(<x>, '{NUMBER}') THEN TRY_CAST(<x> AS <t>) END",
    "BOOLEAN": "CASE WHEN lower(<x>) IN ('true', 't', 'yes', '1') THEN true "
    "WHEN lower(<x>) IN ('false', 'f', 'no', '0') THEN false END",
}
WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
REAL_TYPES = ("FLOAT", "DOUBLE")
TIME_TYPES = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
# Which types of an input, besides text, a declared type takes over by a cast that loses nothing but precision.
TAKES: Mapping[str, tuple[str, ...]] = {
    "VARCHAR": (*WHOLE_TYPES, "UUID", "ENUM"),
    "TIMESTAMP": (*TIME_TYPES, "DATE"),
    "DATE": ("DATE", *TIME_TYPES),
    "BIGINT": WHOLE_TYPES,
    "DOUBLE": (*WHOLE_TYPES, *REAL_TYPES, "DECIMAL"),
    "DECIMAL": (*WHOLE_TYPES, *REAL_TYPES, "DECIMAL"),
    "BOOLEAN": ("BOOLEAN",),
}


def declared_schema(spec: SourceSpec) -> dict[str, str]:
    """Columns of a source relation with their DuckDB types."""
    columns = {column.name: type_of(column) for column in spec.columns}
    return {**columns, UNREADABLE: "VARCHAR"}


def type_of(column: Column) -> str:
    """The declared type, upper case."""
    return (column.data_type or "varchar").upper()


def base_type(data_type: str) -> str:
    """A type without its parameters: `DECIMAL(18,6)` -> `DECIMAL`."""
    return data_type.split("(", maxsplit=1)[0].strip().upper()


def match_columns(spec: SourceSpec, source: SourceInput, shape: InputShape) -> dict[str, str]:
    """Declared column -> column of the input, checked.

    Raises:
        ProjectError: names the input, the column, what was found and the nearest match.
    """
    names = [column.name for column in spec.columns]
    for renamed in source.renames:
        if renamed not in names:
            raise ProjectError(
                f'{source.place}: source {spec.name} has no column "{renamed}"', did_you_mean(renamed, names)
            )
    matched = {}
    for column in spec.columns:
        wanted = source.renames.get(column.name, column.name)
        if found := find_column(wanted, shape.columns):
            check_type(spec, source, column, found, shape.columns[found])
            if column.required and found in shape.lacking:
                raise ProjectError(
                    f"{source.place}: source {spec.name}: {shape.lacking[found]} has no column "
                    f'"{found}", which is needed as {column.name}; other files of {source.path} have it'
                )
            matched[column.name] = found
        elif column.required or column.name in source.renames:
            raise missing_column(spec, source, (column.name,), shape)
    for group in spec.required_any:
        if not any(name in matched for name in group):
            raise missing_column(spec, source, group, shape)
    return matched


def missing_column(spec: SourceSpec, source: SourceInput, group: tuple[str, ...], shape: InputShape) -> ProjectError:
    """The error for a column that the input lacks, or for several of which it lacks all."""
    wanted = {name: source.renames.get(name, name) for name in group}
    others = [source.renames.get(column.name, column.name) for column in spec.columns if column.name not in group]
    taken = {find_column(name, shape.columns) for name in others}
    free = [name for name in shape.columns if name not in taken]
    hints = {name: hint for name in group if (hint := did_you_mean(wanted[name], free)) and hint.startswith("Did")}
    mapped = next(iter(hints), group[0])
    example = f'Map it in measure.toml: [sources.{spec.name}] columns = {{ {mapped} = "..." }}'
    lacking = " or ".join(f'"{name}"' for name in wanted.values())
    return ProjectError(
        f"{source.place}: {input_name(source)} has no column {lacking}, which source {spec.name} needs as "
        f"{' or '.join(group)}; found: {', '.join(shape.columns)}",
        "\n".join([*hints.values(), example]),
    )


def check_type(spec: SourceSpec, source: SourceInput, column: Column, found: str, found_type: str) -> None:
    """Refuse an input type that the declared type cannot take."""
    expected = type_of(column)
    if base_type(found_type) not in ("VARCHAR", *TAKES[base_type(expected)]):
        raise ProjectError(
            f'{source.place}: {input_name(source)}: column "{found}" is {found_type}, '
            f"but {spec.name}.{column.name} is {expected}",
            "Write it as that type, or as text.",
        )


def input_name(source: SourceInput) -> str:
    """What a user calls the input."""
    return source.path or source.table or source.name


def source_select(spec: SourceSpec, source: SourceInput, shape: InputShape, reader: str) -> str:
    """The SELECT that turns `reader`, a relation of the input's own columns, into the declared source."""
    matched = match_columns(spec, source, shape)
    raw = {name: identifier(found) for name, found in matched.items()}
    texts = [name for name, found in matched.items() if base_type(shape.columns[found]) == "VARCHAR"]
    parsed = [name for name in texts if base_type(type_of(column_of(spec, name))) != "VARCHAR"]
    inner = [f"{text} AS {identifier(name)}" for name, text in raw.items() if name not in parsed]
    inner += [f"nullif(trim({raw[name]}), '') AS {identifier(name)}" for name in parsed]
    where = f"\n  WHERE ({source.where})" if source.where else ""
    typed = [f"{typed_column(column, matched, parsed, shape)} AS {identifier(column.name)}" for column in spec.columns]
    outer = ",\n  ".join([*typed, f"{unreadable(spec, parsed)} AS {identifier(UNREADABLE)}"])
    return f"SELECT\n  {outer}\nFROM (\n  SELECT {', '.join(inner)}\n  FROM {reader}{where}\n) AS input"


def column_of(spec: SourceSpec, name: str) -> Column:
    """A declared column by name."""
    return next(column for column in spec.columns if column.name == name)


def typed_column(column: Column, matched: Mapping[str, str], parsed: list[str], shape: InputShape) -> str:
    """Expression for one declared column over the inner SELECT."""
    name, data_type = identifier(column.name), type_of(column)
    if column.name not in matched:
        return f"CAST(NULL AS {data_type})"
    if column.name in parsed:
        return read_text(data_type, column.name)
    found_type = shape.columns[matched[column.name]].upper()
    if base_type(found_type) in REAL_TYPES:
        return f"CASE WHEN isfinite({name}) THEN TRY_CAST({name} AS {data_type}) END"
    if found_type == "TIMESTAMP WITH TIME ZONE":  # independent of the time zone of whoever reads
        return f"CAST({name} AT TIME ZONE 'UTC' AS {data_type})"
    return name if found_type == data_type else f"TRY_CAST({name} AS {data_type})"


def read_text(data_type: str, column: str) -> str:
    """Expression that reads a text column strictly as a type."""
    return FROM_TEXT[base_type(data_type)].replace("<x>", identifier(column)).replace("<t>", data_type)


def unreadable(spec: SourceSpec, parsed: list[str]) -> str:
    """Expression that names the first text that could not be read, or NULL."""
    cases = []
    for name in parsed:
        data_type = type_of(column_of(spec, name))
        typed = read_text(data_type, name)
        shown = f"{literal(f'{name}: ')} || '''' || left({identifier(name)}, 80) || ''''"
        cases.append(f"WHEN {identifier(name)} IS NOT NULL AND ({typed}) IS NULL THEN {shown}")
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"
