"""Built or run as a script, on DuckDB, ClickHouse (chDB) and Snowflake (an emulator): `measure diff` finds nothing.

Each engine has a process of its own: chDB holds one folder in a process, and the emulator one account.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.handed_on import hand_on

ROOT = Path(__file__).resolve().parents[2]
TARGETS = """\
[targets.ch]
type = "clickhouse"
url = "chdb:///{folder}/ch"

[targets.ch_script]
type = "clickhouse"
url = "chdb:///{folder}/ch_script"

[targets.sf]
type = "snowflake"
account = "acme"
user = "measure"
database = "ANALYTICS"

[targets.local]
"""
# Relations without which a comparison would prove little: journeys, internal bridges, what registries generate.
EXPECTED = {
    "starter": {
        "fct_journeys_60d",
        "fct_attribution_7d",
        "fct_mmm_spine_weekly",
        "fct_funnel_daily",
        "stg_touchpoints",
    },
    "gnosis": {
        "fct_execution_gpay_journeys_60d",
        "int_execution_gpay_user_identity_bridge",
        "int_execution_gnosis_app_user_identity_bridge",
        "fct_execution_mmm_spine_weekly",
    },
}

# gnosis is built on ClickHouse in every run of the tests, by other ways where there are minutes for it
BOTH_STACKS = pytest.mark.parametrize(
    "project", ["starter", pytest.param("gnosis", marks=pytest.mark.soak)], indirect=True, scope="module"
)


def python(folder: Path, module: str, *arguments: str, more: Mapping[str, str] | None = None) -> str:
    """Run a module of this tree in a folder; what it writes to stdout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


@pytest.fixture(scope="module", params=sorted(EXPECTED))
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project of a stack, built on DuckDB."""
    folder = tmp_path_factory.mktemp("warehouses") / str(request.param)
    python(folder.parent, "measure_cli", "init", folder.name, "--stack", folder.name)
    config = folder / "measure.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[targets.local]\n", TARGETS.format(folder=folder.as_posix())), encoding="utf-8")
    python(hand_on(folder.name, folder), "measure_cli", "build", "--quiet")
    return folder


@pytest.fixture(scope="module")
def secrets(project: Path) -> dict[str, str]:
    """What a script of the project needs in the environment."""
    if project.name == "starter":
        return {}
    lines = python(project, "measure_cli", "sql", "--secrets").splitlines()
    return dict(line.removeprefix("export ").split("=") for line in lines)


def assert_same(document: dict[str, Any], stack: str) -> None:
    """No relation differs, and what matters is among those compared, with rows."""
    by_name = {relation["name"]: relation for relation in document["relations"]}
    assert {name: found for name, found in by_name.items() if found["status"] != "same"} == {}
    assert all(by_name[name]["rows_a"] == by_name[name]["rows_b"] > 0 for name in EXPECTED[stack])


def test_built_on_clickhouse(project: Path) -> None:
    python(project, "measure_cli", "build", "--target", "ch", "--quiet")
    assert_same(json.loads(python(project, "measure_cli", "diff", "local", "ch", "--json")), project.name)


@BOTH_STACKS
def test_script_on_clickhouse(project: Path, secrets: dict[str, str]) -> None:
    script = project / "clickhouse.sql"
    script.write_text(python(project, "measure_cli", "sql", "--dialect", "clickhouse"), encoding="utf-8")
    assert not any(value in script.read_text(encoding="utf-8") for value in secrets.values())
    python(project, "tests.warehouses.chdb_script", str(script), str(project / "ch_script"), more=secrets)
    assert_same(json.loads(python(project, "measure_cli", "diff", "local", "ch_script", "--json")), project.name)


@BOTH_STACKS
def test_built_on_snowflake(project: Path) -> None:
    commands = [["build", "--target", "sf", "--quiet"], ["diff", "local", "sf", "--json"]]
    assert_same(json.loads(python(project, "tests.warehouses.emulated", json.dumps(commands))), project.name)


@BOTH_STACKS
def test_script_on_snowflake(project: Path, secrets: dict[str, str]) -> None:
    script = project / "snowflake.sql"
    script.write_text(python(project, "measure_cli", "sql", "--dialect", "snowflake"), encoding="utf-8")
    assert not any(value in script.read_text(encoding="utf-8") for value in secrets.values())
    variables = {name.lower(): value for name, value in secrets.items()}
    commands = [["script", str(script), json.dumps(variables)], ["diff", "local", "sf", "--json"]]
    assert_same(json.loads(python(project, "tests.warehouses.emulated", json.dumps(commands))), project.name)
