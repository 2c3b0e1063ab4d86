"""Looks at the inputs of a project: which files, which columns, which distinct values. Reads only.

Text files are read through once, whole, so that a malformed line or a wrong encoding is found before anything is built;
what was found is cached by name, size and modification time of the files.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from measure_cli.cache import Cache
from measure_cli.errors import ProjectError, TargetBusy, did_you_mean
from measure_cli.sqltext import find_column, identifier, literal
from measure_cli.types import InputShape, Project, SourceInput

if TYPE_CHECKING:
    import duckdb

TEXT, JSON, PARQUET = "csv", "json", "parquet"
FORMATS = {
    ".csv": TEXT, ".tsv": TEXT, ".txt": TEXT, ".json": JSON, ".jsonl": JSON, ".ndjson": JSON, ".parquet": PARQUET,
    ".pq": PARQUET,
}  # fmt: skip
COMPRESSIONS = (".gz", ".zst")
INSPECTION_VERSION = "1"
Inspection = tuple[InputShape, dict[str, list[str]]]


def find_files(source: SourceInput, project: Project) -> list[Path]:
    """The files behind a source's path or glob, sorted.

    Raises:
        ProjectError: there is none, or they are of several formats or of an unknown one.
    """
    assert source.path is not None
    path = project.path(source.path)
    matches = [str(path)] if path.exists() else glob.glob(str(path), recursive=True)  # noqa: PTH207  (Path.glob takes no absolute pattern)
    files = [Path(name) for name in sorted(matches) if Path(name).is_file()]
    if not files:
        if path.is_dir():
            raise ProjectError(
                f"{source.place}: source {source.name}: {source.path} is a folder", f"Write {source.path}/*.csv."
            )
        siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ProjectError(
            f"{source.place}: source {source.name}: there is no file {source.path}", did_you_mean(path.name, siblings)
        )
    formats = {format_of(file) for file in files}
    if None in formats or len(formats) > 1:
        found = ", ".join(sorted({file.suffix or file.name for file in files}))
        raise ProjectError(
            f"{source.place}: source {source.name}: cannot read {found} files together", f"Known: {', '.join(FORMATS)}."
        )
    for file in files:
        if file.stat().st_size == 0:
            raise ProjectError(
                f"{source.place}: source {source.name}: {file.name} is empty; expected a header line at least"
            )
    return files


def format_of(file: Path) -> str | None:
    """Format by the file's ending, compression aside."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() not in COMPRESSIONS]
    return FORMATS.get(suffixes[-1]) if suffixes else None


def fingerprint_of(files: Iterable[Path]) -> str:
    """Changes when a file is added, removed, rewritten or touched."""
    facts = [(str(file), status.st_size, status.st_mtime_ns) for file in files for status in (file.stat(),)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def reader_sql(files: Iterable[str], json_columns: Iterable[str] = ()) -> str:
    """DuckDB's table function for some files of one format. Text stays text: types are declared, never guessed."""
    names = list(files)
    listed = "[" + ", ".join(literal(escape_glob(name)) for name in names) + "]"
    union = ", union_by_name = true" if len(names) > 1 else ""
    kind = format_of(Path(names[0]))
    if kind == PARQUET:
        return f"read_parquet({listed}{union})"
    if kind == TEXT:
        return f"read_csv({listed}, all_varchar = true, header = true{union})"
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in json_columns)
    typed = f"columns = {{{columns}}}" if columns else "sample_size = -1"
    return f"read_json({listed}, format = 'auto', {typed}{'' if columns else union})"


def escape_glob(name: str) -> str:
    """A file name whose special characters DuckDB takes literally."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def inspect_files(source: SourceInput, project: Project, cache: Cache, distinct: tuple[str, ...]) -> Inspection:
    """Columns and types of a source's files, and the distinct values of some declared columns.

    Raises:
        ProjectError: a file cannot be read as what its name says.
    """
    files = find_files(source, project)
    fingerprint = fingerprint_of(files)
    facts = [INSPECTION_VERSION, fingerprint, source.where, sorted(source.renames.items()), distinct]
    key = "input:" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    found = cache.get(key)
    if found is None:
        found = look_into(source, [str(file) for file in files], distinct)
        cache.put(key, found)
    shape = InputShape(found["columns"], fingerprint, tuple(str(file) for file in files))
    return shape, found["distinct"]


def inspect_table(source: SourceInput, project: Project, cache: Cache, distinct: tuple[str, ...]) -> Inspection:
    """The same for a table of the target; its fingerprint is a count and an order-free hash of its rows, in one scan.

    Raises:
        ProjectError: the target or the table does not exist.
    """
    import duckdb

    assert source.table is not None
    file = project.target_file
    if not file.exists():
        raise ProjectError(
            f"{source.place}: source {source.name}: the target {project.target.settings['path']} does not exist yet"
        )
    relation = ".".join(identifier(part) for part in source.table.split("."))
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = described(connection, relation)
            check_where(connection, source, relation, source.table)
            summed = connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {relation} AS t").fetchone()
            values = {
                column: distinct_values(connection, relation, found, source.where)
                for column in distinct
                if (found := find_column(source.renames.get(column, column), columns))
            }
    except duckdb.IOException as error:
        raise TargetBusy(f"{project.target.settings['path']} is open in another process: {first_line(error)}") from None
    except duckdb.Error as error:
        raise ProjectError(f"{source.place}: source {source.name}: table {source.table}: {first_line(error)}") from None
    return InputShape(columns, str(summed)), values


def first_line(error: Exception) -> str:
    """The essence of a driver's message."""
    return str(error).strip().splitlines()[0]


def look_into(source: SourceInput, files: list[str], distinct: tuple[str, ...]) -> dict[str, dict[str, object]]:
    """Read the files through an in-memory DuckDB."""
    import duckdb

    shown = Path(files[0]).name if len(files) == 1 else f"{source.path} ({len(files)} files)"
    with duckdb.connect() as connection:
        try:
            columns = described(connection, reader_sql(files))
            if format_of(Path(files[0])) == JSON:
                columns = dict.fromkeys(columns, "VARCHAR")
            reader = reader_sql(files, columns)
            if format_of(Path(files[0])) != PARQUET:
                read_through(connection, reader, columns)
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()
            raise ProjectError(
                f"{source.place}: source {source.name}: {shown} cannot be read: {reason[0]}",
                "\n".join(reason[1:6]) or None,
            ) from None
        check_where(connection, source, reader, shown)
        values = {}
        for column in distinct:
            found = find_column(source.renames.get(column, column), columns)
            values[column] = distinct_values(connection, reader, found, source.where) if found else []
    return {"columns": dict(columns), "distinct": dict(values)}


def described(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Columns and types of a relation."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def read_through(connection: duckdb.DuckDBPyConnection, reader: str, columns: Iterable[str]) -> None:
    """Parse every value of every column."""
    lengths = " + ".join(f"coalesce(length({identifier(column)}), 0)" for column in columns)
    connection.execute(f"SELECT sum({lengths}) FROM {reader}").fetchall()


def check_where(connection: duckdb.DuckDBPyConnection, source: SourceInput, reader: str, shown: str) -> None:
    """The project's filter has to be a condition on the input's own columns."""
    if source.where is None:
        return
    import duckdb

    try:
        connection.execute(f"SELECT count(*) FROM {reader} WHERE ({source.where})").fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise ProjectError(
            f"{source.place}: source {source.name}: where = {source.where!r} fails on {shown}: {reason}"
        ) from None


def distinct_values(connection: duckdb.DuckDBPyConnection, relation: str, column: str, where: str | None) -> list[str]:
    """The non-blank values of a column as text, sorted."""
    name, condition = identifier(column), f"({where})" if where else "true"
    sql = (
        f"SELECT DISTINCT trim(CAST({name} AS VARCHAR)) AS value FROM {relation} "
        f"WHERE {condition} AND trim(CAST({name} AS VARCHAR)) <> '' ORDER BY value"
    )
    return [row[0] for row in connection.execute(sql).fetchall()]
