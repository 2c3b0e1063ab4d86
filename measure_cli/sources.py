"""Looks at the input files of a project: which files, which columns, which distinct values. Reads only.

Text files are read through once, whole, so that a malformed line or a wrong encoding is found before anything is
built; what was found is cached by name, size and modification time of the files.
"""

from __future__ import annotations

import glob
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure_cli.cache import Cache
from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.line_ends import change_of_line_end
from measure_cli.sqltext import find_column, identifier, literal
from measure_cli.types import InputShape, Project, SourceInput

if TYPE_CHECKING:
    import duckdb

TEXT, JSON, PARQUET = "csv", "json", "parquet"
FORMATS = {
    ".csv": TEXT, ".tsv": TEXT, ".txt": TEXT, ".json": JSON, ".jsonl": JSON, ".ndjson": JSON, ".parquet": PARQUET,
    ".pq": PARQUET,
}  # fmt: skip
REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
COMPRESSIONS = (".gz", ".zst")
# DuckDB would guess these from the first 20,480 rows: a quoted value further down kept its quotes, and a row that
# begins with # could count as a comment.
CSV_OPTIONS = """all_varchar = true, header = true, quote = '"', escape = '"', comment = ''"""
INSPECTION_VERSION = "4"
Inspection = tuple[InputShape, dict[str, list[str]]]


def find_files(source: SourceInput, project: Project) -> list[Path]:
    """The files behind a source's path or glob, sorted.

    Raises:
        ProjectError: there is none, they are of several formats or of an unknown one, or may not be read.
    """
    try:
        files = matching_files(source, project)
        check_formats(source, files)
    except OSError as error:
        raise ProjectError(
            f"{source.place}: source {source.name}: {source.path} cannot be read: {error.strerror}"
        ) from None
    return files


def matching_files(source: SourceInput, project: Project) -> list[Path]:
    """The file of that path, or the files that match it as a glob; the project's folder is no part of the pattern."""
    assert source.path is not None
    path, pattern = project.path(source.path), os.path.expanduser(source.path)  # noqa: PTH111  (a pattern is no path)
    if remote := REMOTE.match(source.path):
        raise ProjectError(
            f"{source.place}: source {source.name}: {source.path} is not on this machine: {remote[0]} is not read",
            'Copy it here, or load it into a table of the target and name that: table = "schema.name".',
        )
    found = glob.glob(pattern, root_dir=project.root, recursive=True)  # noqa: PTH207  (Path.glob takes no absolute one)
    matches = [path] if path.exists() else [project.root / name for name in sorted(found)]
    files = [file for file in matches if file.is_file()]
    if not files:
        if path.is_dir():
            raise ProjectError(
                f"{source.place}: source {source.name}: {source.path} is a folder", f"Write {source.path}/*.csv."
            )
        missing = next(part for part in (path, *path.parents) if part.parent.exists())
        siblings = [file.name for file in missing.parent.iterdir() if file.exists() and not file.name.startswith(".")]
        raise ProjectError(
            f"{source.place}: source {source.name}: there is no file {source.path}",
            did_you_mean(missing.name, siblings),
        )
    return files


def check_formats(source: SourceInput, files: Iterable[Path]) -> None:
    """All files are of one known format, and none is empty."""
    formats = {}
    for file in files:
        if not (found := format_of(file)):
            known = f"Known endings: {', '.join(FORMATS)}, each also with {' or '.join(COMPRESSIONS)}."
            raise ProjectError(f"{source.place}: source {source.name}: cannot read {file.name}: unknown ending", known)
        if file.stat().st_size == 0:
            raise ProjectError(
                f"{source.place}: source {source.name}: {file.name} is empty; expected a header line at least"
            )
        formats[found] = file.name
    if len(formats) > 1:
        raise ProjectError(
            f"{source.place}: source {source.name}: {source.path} matches files of several formats: "
            f"{', '.join(sorted(formats.values()))}",
            "Name the files of one format, for example with *.csv.",
        )


def format_of(file: Path) -> str | None:
    """Format by the file's ending, compression aside."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() not in COMPRESSIONS]
    return FORMATS.get(suffixes[-1]) if suffixes else None


def stamps_of(files: Iterable[Path]) -> tuple[str, ...]:
    """For each file what changes when it is rewritten or touched."""
    return tuple(f"{status.st_size} {status.st_mtime_ns}" for file in files for status in (file.stat(),))


def fingerprint_of(files: Sequence[Path], stamps: Sequence[str]) -> str:
    """Changes when a file is added, removed, rewritten or touched."""
    facts = [(str(file), stamp) for file, stamp in zip(files, stamps, strict=True)]
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
        return f"read_csv({listed}, {CSV_OPTIONS}{union})"
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
    stamps = stamps_of(files)
    fingerprint = fingerprint_of(files, stamps)
    facts = [INSPECTION_VERSION, fingerprint, source.where, sorted(source.renames.items()), distinct]
    key = "input:" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    found = cache.get(key)
    if found is None:
        found = look_into(source, [str(file) for file in files], distinct)
        cache.put(key, found)
    names = tuple(str(file) for file in files)
    shape = InputShape(found["columns"], fingerprint, names, found["lacking"], stamps, found["is_uniform"])
    return shape, found["distinct"]


def first_line(error: Exception) -> str:
    """The essence of a driver's message."""
    return str(error).strip().splitlines()[0]


def look_into(source: SourceInput, files: list[str], distinct: tuple[str, ...]) -> dict[str, Any]:
    """Read the files through an in-memory DuckDB."""
    import duckdb

    shown = Path(files[0]).name if len(files) == 1 else f"{source.path} ({len(files)} files)"
    with duckdb.connect() as connection:
        try:
            columns = described(connection, reader_sql(files))
            check_rows(connection, files, columns)
            check_headers(connection, source, files, columns)
            own = {file: described(connection, reader_sql([file])) for file in files} if len(files) > 1 else {}
            is_uniform, lacking = all(found == columns for found in own.values()), columns_lacking(own, columns)
            if format_of(Path(files[0])) == JSON:
                columns = dict.fromkeys(columns, "VARCHAR")
            reader = reader_sql(files, columns)
            if format_of(Path(files[0])) != PARQUET:
                read_through(connection, reader, columns)
            check_where(connection, source, reader, shown, columns)
            values = {}
            for column in distinct:
                found = find_column(source.renames.get(column, column), columns)
                values[column] = distinct_values(connection, reader, found, source.where) if found else []
        except duckdb.Error as error:
            raise mixed_line_ends(source, files, error) or unreadable(source, shown, error) from None
    return {"columns": dict(columns), "distinct": dict(values), "lacking": lacking, "is_uniform": is_uniform}


def mixed_line_ends(source: SourceInput, files: Iterable[str], error: Exception) -> ProjectError | None:
    """The error for text whose lines do not all end alike, if that is why the driver names no line."""
    if "Error on Line" in str(error):
        return None
    for file in (Path(name) for name in files if format_of(Path(name)) == TEXT):
        if changed := change_of_line_end(file):
            return ProjectError(
                f"{source.place}: source {source.name}: {file.name} cannot be read: {changed}",
                "A text file has one kind of line end: save it again with LF throughout, or with CRLF throughout.",
            )
    return None


def unreadable(source: SourceInput, shown: str, error: Exception) -> ProjectError:
    """The error for a file that breaks off or is not what its name says: the driver's words without its own options."""
    lines = [line.strip() for line in str(error).splitlines()]
    asides = ("Possible", "LINE ", "The search space")
    told = [line for line in itertools.takewhile(lambda line: not line.startswith(asides), lines) if line]
    if file := next((line for line in lines if line.startswith("file = ")), None):
        shown = Path(file.removeprefix("file = ")).name
    advice = ["Save it as UTF-8."] if "utf-8 encoded" in str(error) else []
    return ProjectError(
        f"{source.place}: source {source.name}: {shown} cannot be read: {told[0].partition(': ')[2] or told[0]}",
        "\n".join([*told[1:6], *advice]) or None,
    )


def described(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Columns and types of a relation."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def check_rows(connection: duckdb.DuckDBPyConnection, files: list[str], columns: Iterable[str]) -> None:
    """Refuse text whose first rows do not fit its header, with the line.

    DuckDB takes such a file as one wide column that is named like the whole header.
    """
    for wide in columns:
        delimiter = max(",;|\t", key=wide.count)
        width = wide.count(delimiter) + 1
        for file in files if width > 1 and format_of(Path(files[0])) == TEXT else ():
            if list(described(connection, reader_sql([file]))) == [wide]:
                names = [f"c{number}" for number in range(width)]
                typed = ", ".join(f"{name}: 'VARCHAR'" for name in names)
                dialect = f"{CSV_OPTIONS}, auto_detect = false, delim = {literal(delimiter)}, columns = {{{typed}}}"
                read_through(connection, f"read_csv({literal(escape_glob(file))}, {dialect})", names)


def check_headers(
    connection: duckdb.DuckDBPyConnection, source: SourceInput, files: list[str], columns: Iterable[str]
) -> None:
    """Refuse a header that names a column twice: DuckDB would call the second one `x_1`."""
    renamed = [name for name in columns if re.search(r"_\d+$", name)]
    for file in files if renamed and format_of(Path(files[0])) == TEXT else ():
        reader = reader_sql([file]).replace("header = true", "header = false")
        header = [str(name) for name in connection.execute(f"SELECT * FROM {reader} LIMIT 1").fetchall()[0]]
        if repeated := next((name for name in header if header.count(name) > 1), None):
            raise ProjectError(
                f"{source.place}: source {source.name}: {Path(file).name} has the column "
                f'"{repeated}" twice in its header'
            )


def columns_lacking(own: Mapping[str, Mapping[str, str]], columns: Iterable[str]) -> dict[str, str]:
    """For each column that not all files have, the first file without it. `own` are the columns of each file."""
    lacking: dict[str, str] = {}
    for file, found in own.items():
        for column in columns:
            if column not in found:
                lacking.setdefault(column, Path(file).name)
    return lacking


def read_through(connection: duckdb.DuckDBPyConnection, reader: str, columns: Iterable[str]) -> None:
    """Parse every value of every column."""
    lengths = " + ".join(f"coalesce(length({identifier(column)}), 0)" for column in columns)
    connection.execute(f"SELECT sum({lengths}) FROM {reader}").fetchall()


def check_where(
    connection: duckdb.DuckDBPyConnection, source: SourceInput, reader: str, shown: str, columns: Iterable[str]
) -> None:
    """The project's filter has to be a condition on the input's own columns."""
    if source.where is None:
        return
    import duckdb

    try:
        connection.execute(f"SELECT count(*) FROM {reader} WHERE ({source.where})").fetchall()
    except duckdb.Error as error:
        unknown = re.search(r'column "([^"]+)" not found', str(error))
        raise ProjectError(
            f"{source.place}: source {source.name}: where = {source.where!r} fails on {shown}: {first_line(error)}",
            did_you_mean(unknown.group(1), columns) if unknown else None,
        ) from None


def distinct_values(connection: duckdb.DuckDBPyConnection, relation: str, column: str, where: str | None) -> list[str]:
    """The non-blank values of a column as text, sorted."""
    name, condition = identifier(column), f"({where})" if where else "true"
    sql = (
        f"SELECT DISTINCT trim(CAST({name} AS VARCHAR)) AS value FROM {relation} "
        f"WHERE {condition} AND trim(CAST({name} AS VARCHAR)) <> '' ORDER BY value"
    )
    return [row[0] for row in connection.execute(sql).fetchall()]
