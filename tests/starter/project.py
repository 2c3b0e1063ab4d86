"""The only contact of these tests with the program: write a project, run `measure build`, open what it built.

The program runs in this process, through its command line. Limit: one target, a DuckDB file in the project's folder.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from typer.testing import CliRunner

from measure_cli.cli import app
from tests.handed_on import hand_on

Cell = str | int | float | bool | date | datetime | Decimal | None
Table = Sequence[Mapping[str, Cell]]
DATABASE = "warehouse/test.duckdb"


@dataclass(frozen=True)
class Database:
    """What a build left behind, opened read-only for each question."""

    path: Path

    def rows(self, sql: str, *parameters: Cell) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            cursor = connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def columns(self, relation: str) -> list[str]:
        return [row["column_name"] for row in self.rows(f"DESCRIBE {relation}")]


def text_of(cell: Cell) -> str | None:
    """A cell as a CSV file carries it; timestamps keep their microseconds, decimals never turn scientific."""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return None if cell is None else str(cell)


def write_csv(path: Path, rows: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: text_of(cell) for name, cell in row.items()} for row in rows)


def sql_type(rows: Table, column: str) -> str:
    found = next((row[column] for row in rows if row[column] is not None), None)
    match found:
        case datetime():
            return "TIMESTAMP"
        case date():
            return "DATE"
        case Decimal():
            return "DECIMAL(18, 6)"
        case float():
            return "DOUBLE"
        case _:
            return "VARCHAR"


def write_typed(path: Path, rows: Table) -> None:
    """Parquet or JSON lines with typed columns, by way of a CSV file (row-wise inserts are slow)."""
    scratch = path.with_suffix(".text.csv")
    write_csv(scratch, rows)
    columns = ", ".join(f'CAST("{column}" AS {sql_type(rows, column)}) AS "{column}"' for column in rows[0])
    kind = "PARQUET" if path.suffix == ".parquet" else "JSON"
    with duckdb.connect() as connection:
        # escape is not sniffed: no value of the sample may need it
        source = f"read_csv('{scratch}', all_varchar = true, header = true, quote = '\"', escape = '\"', delim = ',')"
        connection.execute(f"COPY (SELECT {columns} FROM {source}) TO '{path}' (FORMAT {kind})")
    scratch.unlink()


def write_project(
    folder: Path,
    sources: Mapping[str, Table],
    *,
    as_of: date,
    variables: Mapping[str, Any] | None = None,
    registries: Mapping[str, Table] | None = None,
    file_format: str = "csv",
) -> Path:
    """measure.toml, one file per source and the project's own registries."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "registries").mkdir(exist_ok=True)
    lines = ["[project]", 'name = "test"', 'stack = "starter"', f'as_of = "{as_of}"', ""]
    lines += ["[targets.local]", 'type = "duckdb"', f'path = "{DATABASE}"', ""]
    for name, rows in sources.items():
        file = folder / "data" / f"{name}.{file_format}"
        (write_csv if file_format == "csv" else write_typed)(file, rows)
        lines += [f"[sources.{name}]", f'path = "data/{file.name}"', ""]
    lines += ["[vars]", *(f"{name} = {toml_value(value)}" for name, value in (variables or {}).items()), ""]
    (folder / "measure.toml").write_text("\n".join(lines), encoding="utf-8")
    for name, rows in (registries or {}).items():
        write_csv(folder / "registries" / f"{name}.csv", rows)
    return hand_on("starter", folder)


def toml_value(value: object) -> str:
    """Texts, numbers, flags and lists of them are written alike in JSON and TOML."""
    if isinstance(value, str | bool | int | float | Iterable):
        return json.dumps(
            list(value) if not isinstance(value, str) and isinstance(value, Iterable) else value, ensure_ascii=False
        )
    raise TypeError(f"no TOML for {value!r}")


def build(project_dir: Path, verb: str = "build", **variables: object) -> Database:
    """Run `measure build` or `refresh`; anything but success fails the test with everything the program said."""
    arguments = [verb, "--project-dir", str(project_dir), "--json"]
    for name, value in variables.items():
        arguments += ["--var", f"{name}={value}"]
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, f"measure {' '.join(arguments)}: exit {result.exit_code}\n{result.stderr}"
    audits = json.loads(result.stdout)["audits"]
    failed = [audit for audit in audits if audit["severity"] == "error" and audit["status"] != "pass"]
    assert not failed, f"exit 0, although audits did not pass: {failed}"
    return Database(project_dir / DATABASE)
