"""The inputs of a project: what they look like, and the SELECT that turns each into the source a stack declares.

Files are read by DuckDB whatever the target is, so that text becomes values by the same rules for every engine; tables
are read where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from measure_cli import ingest
from measure_cli.cache import Cache
from measure_cli.catalog import Relation
from measure_cli.connecting import engine_kind, is_there, open_engine, session_of, target_text
from measure_cli.errors import MeasureError, ProjectError, TargetBusy, did_you_mean
from measure_cli.kinds import EngineKind
from measure_cli.ports import Engine, Session
from measure_cli.sources import Inspection, inspect_files, reader_sql
from measure_cli.sqltext import find_column, identifier, table_text
from measure_cli.types import SOURCE_SCHEMA, InputShape, Project, SourceInput, Stack, Statement

INPUT = f"{SOURCE_SCHEMA}.input"


def inspect_inputs(
    project: Project, stack: Stack, cache: Cache
) -> tuple[dict[str, tuple[SourceInput, InputShape]], dict[tuple[str, str], list[str]]]:
    """Shape of every configured source, and the distinct values that derived registries are made of."""
    for name, source in project.sources.items():
        if name not in stack.sources:
            raise ProjectError(
                f'{source.place}: the stack {stack.name} has no source "{name}"', did_you_mean(name, stack.sources)
            )
    shapes: dict[str, tuple[SourceInput, InputShape]] = {}
    distinct: dict[tuple[str, str], list[str]] = {}
    wanted = {pair for spec in stack.registries.values() for pair in (*spec.distinct, *spec.excluding)}
    for name, spec in stack.sources.items():
        given = project.sources.get(name)
        if given is None:
            if spec.required:
                raise ProjectError(
                    f"measure.toml: the stack {stack.name} needs the source {name}: {spec.description}",
                    f'Add [sources.{name}] with path = "..." or table = "...".',
                )
            continue
        columns = tuple(sorted(column for source_name, column in wanted if source_name == name))
        shape, values = inspect_input(given, project, cache, columns)
        shapes[name] = (given, shape)
        distinct |= {(name, column): found for column, found in values.items()}
    return shapes, distinct


def inspect_input(source: SourceInput, project: Project, cache: Cache, distinct: tuple[str, ...]) -> Inspection:
    """What one input looks like, and the distinct values of some of its columns."""
    if source.path is not None:
        return inspect_files(source, project, cache, distinct)
    if not is_there(project):
        raise ProjectError(
            f"{source.place}: source {source.name}: the target {target_text(project)} does not exist yet"
        )
    try:
        engine = open_engine(project, read_only=True)
        try:
            return inspect_table(source, engine_kind(project), engine, distinct)
        finally:
            engine.close()
    except TargetBusy:
        raise
    except MeasureError as error:
        prefix = f"{source.place}: source {source.name}: "
        told = error.message.startswith(prefix)
        raise ProjectError(
            error.message if told else f"{prefix}table {source.table}: {error.message}", error.hint
        ) from None


def inspect_table(source: SourceInput, kind: EngineKind, engine: Engine, distinct: tuple[str, ...]) -> Inspection:
    """Columns, fingerprint and distinct values of a table of the target."""
    table = source.table or ""
    columns = engine.columns(table)
    if not columns:
        known = [f"{place}.{name}" for place, name in engine.relations()]
        raise ProjectError(
            f"{source.place}: source {source.name}: the target has no table {table}", did_you_mean(table, known)
        )
    values = {}
    with session_of(engine) as session:
        check_where(source, columns, kind, session)
        for column in distinct:
            if found := find_column(source.renames.get(column, column), columns):
                sql = over_table(partial(distinct_select, found, source.where), columns, kind, table)
                values[column] = [str(row[0]) for row in session.query(Statement(sql)).rows]
    return InputShape(columns, engine.fingerprint(table)), values


def check_where(source: SourceInput, columns: Mapping[str, str], kind: EngineKind, session: Session) -> None:
    """The project's filter has to be a condition on the table's own columns."""
    if source.where is None:
        return
    table, where = source.table or "", source.where
    try:
        sql = over_table(lambda reader: f"SELECT count(*) AS n FROM {reader} WHERE ({where})", columns, kind, table)
        session.query(Statement(sql))
    except MeasureError as error:
        unknown = re.search(r'column "([^"]+)"', error.message)
        raise ProjectError(
            f"{source.place}: source {source.name}: where = {where!r} fails on {table}: "
            f"{error.message.splitlines()[0]}",
            did_you_mean(unknown.group(1), columns) if unknown else error.hint,
        ) from None


def distinct_select(column: str, where: str | None, reader: str) -> str:
    """The non-blank values of a column as text, sorted, in DuckDB's dialect."""
    text = f"trim(CAST({identifier(column)} AS VARCHAR))"
    kept = f"({where}) AND " if where else ""
    return f"SELECT DISTINCT {text} AS value FROM {reader} WHERE {kept}{text} <> '' ORDER BY value"


def over_table(select: Callable[[str], str], columns: Mapping[str, str], kind: EngineKind, table: str) -> str:
    """A SELECT over one table of the target, in the target's dialect; `select` writes it for the name of a table."""
    if kind is EngineKind.DUCKDB:
        return select(table_text(table))
    from measure_cli.dialects.compile import compile_select

    compiled = compile_select(select(INPUT), {INPUT: columns}, locate=lambda _: "the input", engine=kind)
    return compiled.sql(lambda _: table)


def source_select(relation: Relation, engine: EngineKind) -> str:
    """The typed SELECT of a source: over files in DuckDB's dialect, over a table in that of the target."""
    assert relation.source is not None
    spec, source, shape = relation.source
    select = partial(ingest.source_select, spec, source, shape)
    if source.table is None:
        return select(reader_sql(shape.files, shape.columns))
    return over_table(select, shape.columns, engine, source.table)
