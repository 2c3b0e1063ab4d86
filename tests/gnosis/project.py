"""A project of the `gnosis` stack on its demo data, built once; what the build left is only ever opened read-only."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from typer.testing import CliRunner

from measure_cli.cli import app
from measure_cli.demo.gnosis import DEMO_SALT, generate
from tests.handed_on import hand_on

AS_OF = date(2025, 6, 30)
AS_OF_TIME = datetime(2025, 6, 30)
LOOKBACKS = (7, 30, 60)
SECTORS = ("gnosis_app", "gpay")
REGISTRIES = Path(__file__).parents[2] / "registries" / "gnosis"

Rows = list[tuple[Any, ...]]
Record = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Built:
    """The generated files and the database made of them; the file of the internal relations is attached if apart."""

    data: Path
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> Rows:
        return self.connection.execute(sql).fetchall()

    def table(self, relation: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(f"SELECT * FROM {relation}")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def place(self, name: str) -> str:
        """The relation of that name, with its file and schema."""
        sql = "SELECT table_catalog, table_schema FROM information_schema.tables"
        ((file, schema),) = self.rows(f"{sql} WHERE table_name = '{name}'")
        return f'"{file}"."{schema}"."{name}"'

    def source(self, name: str) -> list[dict[str, str]]:
        return read_csv(self.data / f"{name}.csv")


@cache
def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def role_column(sector: str) -> str:
    """SQL of the role of a row; the app has no roles."""
    return "identity_role" if sector == "gpay" else "CAST(NULL AS VARCHAR)"


def build(folder: Path, added: Mapping[str, Sequence[str]] | None = None) -> Built:
    """Generate, write measure.toml, run `measure build`; anything but success fails with what the program said.

    `added` are lines for registries of the project, which otherwise are those of the stack.
    """
    files = generate(folder / "data", as_of=AS_OF, scale=0.1)
    for name, registry_lines in (added or {}).items():
        registry = folder / "registries" / f"{name}.csv"
        registry.parent.mkdir(exist_ok=True)
        text = (REGISTRIES / registry.name).read_text(encoding="utf-8")
        registry.write_text(text + "".join(f"{line}\n" for line in registry_lines), encoding="utf-8")
    lines = ["[project]", 'name = "gnosis_test"', 'stack = "gnosis"', f'as_of = "{AS_OF}"', ""]
    lines += ["[targets.local]", 'type = "duckdb"', 'path = "gnosis.duckdb"', ""]
    for name, file in files.items():
        lines += [f"[sources.{name}]", f'path = "data/{file.name}"', ""]
    (folder / "measure.toml").write_text("\n".join(lines), encoding="utf-8")
    arguments = ["build", "--project-dir", str(hand_on("gnosis", folder)), "--as-of", str(AS_OF), "--json"]
    result = CliRunner(env={"MEASURE_PII_SALT": DEMO_SALT}).invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, f"measure {' '.join(arguments)}: exit {result.exit_code}\n{result.stderr}"
    audits = json.loads(result.stdout)["audits"]
    failed = [audit for audit in audits if audit["severity"] == "error" and audit["status"] != "pass"]
    assert audits, "the build ran no audits"
    assert not failed, f"exit 0, although audits did not pass: {failed}"
    return Built(folder / "data", connected(folder / "gnosis.duckdb"))


def connected(database: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(database), read_only=True)
    internal = database.with_suffix(".internal.duckdb")
    if internal.exists():
        connection.execute(f"ATTACH '{internal}' AS measure_internal (READ_ONLY)")
    return connection
