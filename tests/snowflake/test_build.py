"""A whole stack on Snowflake: every published relation has the rows that it has on DuckDB."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
import snowflake.connector

from measure_cli import workflows
from measure_cli.connecting import ddl_for, engine_kind, open_engine, session_of
from measure_cli.loading import generate_demo, load
from measure_cli.project import Overrides
from measure_cli.request import Request
from measure_cli.results import Table
from measure_cli.types import Statement
from tests.snowflake.emulator import emulated
from tests.snowflake.shop import same_rows

AS_OF = date(2025, 6, 30)
TARGETS = """
[project]
name = "acme"
as_of = "2025-06-30"
[targets.local]
type = "duckdb"
[targets.sf]
type = "snowflake"
account = "acme"
user = "measure"
database = "ANALYTICS"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acme")
    files = generate_demo("starter", root / "data", AS_OF, 0.2, None)
    sources = "".join(f'[sources.{name}]\npath = "data/{file.name}"\n' for name, file in files.items())
    (root / "measure.toml").write_text(TARGETS + sources, encoding="utf-8")
    return root


def built(root: Path, target: str) -> dict[str, Table]:
    """Build everything; the rows of every relation."""
    overrides = Overrides(today=AS_OF, project_dir=root, target=target)
    result = workflows.build(Request(overrides)).result
    assert result.status == "success"
    again = workflows.build(Request(overrides)).result
    assert {model.status for model in again.models} <= {"unchanged", "absent"}
    loaded = load(overrides)
    engine = open_engine(loaded.project, read_only=True)
    ddl = ddl_for(engine_kind(loaded.project), loaded.project.target.settings)
    with session_of(engine) as session:
        found = {
            key: session.query(Statement(f"SELECT * FROM {ddl.name(relation.place, relation.name)}"))
            for key, relation in loaded.catalog.relations.items()
            if (relation.place, relation.name) in engine.relations()
        }
    engine.close()
    return found


@pytest.mark.soak
def test_the_starter_stack_is_the_same_as_on_duckdb(project: Path) -> None:
    expected = built(project, "local")
    with emulated():
        found = built(project, "sf")
    assert list(found) == list(expected)
    for key, table in expected.items():
        assert found[key].columns == table.columns, key
        assert same_rows(list(found[key].rows), list(table.rows)), key


@pytest.mark.soak
def test_the_script_fills_an_empty_database(project: Path) -> None:
    """Setting the time zone of a session is beyond the emulator."""
    overrides = Overrides(today=AS_OF, project_dir=project, target="sf")
    with emulated():
        script = workflows.script(Request(overrides), "snowflake", select_only=False, batch=None).text
        setting, *statements = (text.rstrip().removesuffix(";") for text in re.split(r"(?<=;)\n+", script) if text)
        assert setting == "ALTER SESSION SET TIMEZONE = 'UTC'"
        with closing(snowflake.connector.connect(database="ANALYTICS")) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("SELECT COUNT(*) FROM marts.fct_attribution_30d")
            counted = cursor.fetchone()
        built_rows = built(project, "local")["fct_attribution_30d"].rows
        assert counted == (len(built_rows),)
