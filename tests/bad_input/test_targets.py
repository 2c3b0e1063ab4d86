"""Targets that cannot be opened, runs that fail in the database, and commands with arguments that do not fit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.bad_input.project import (
    CONFIG,
    DATABASE,
    STACK,
    assert_message,
    change,
    contents,
    measure,
    relations,
    run,
    write,
)

CANNOT_OPEN = 2
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another process has the file open for writing."""
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


def test_database_that_another_process_holds(project: Path) -> None:
    change(f"{STACK}/marts/fct_touches.sql", "count(*)", "count(amount)")(project)
    with held(project / DATABASE):
        before = contents(project)
        outcome = run(project, "build", "--quiet")
        assert_message(outcome, 3, ("warehouse/shop.duckdb is open in another process", "wait until that run is over"))
        assert contents(project) == before
    assert run(project, "build", "--quiet").exit_code == 0


def test_database_whose_log_was_cut_off(project: Path) -> None:
    """What a loss of power may leave: moving the log away brings back the database of its last checkpoint."""
    assert run(project, "build", "--quiet").exit_code == 0
    leave = (
        "import os, sys, duckdb; connection = duckdb.connect(sys.argv[1]); "
        "connection.execute('CREATE TABLE half_written AS SELECT range AS number FROM range(2000)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", leave, str(project / DATABASE)], check=True)
    log = (project / DATABASE).with_suffix(".duckdb.wal")
    written = bytearray(log.read_bytes())
    written[-200] ^= 255
    log.write_bytes(written)
    outcome = run(project, "status")
    assert_message(outcome, CANNOT_OPEN, ("warehouse/shop.duckdb cannot be opened", "Move the .wal file away"))
    log.unlink()
    assert run(project, "status").exit_code == 0


@pytest.mark.parametrize(
    "command", [("audit", "--quiet"), ("show", "fct_touches"), ("status",)], ids=lambda command: command[0]
)
def test_reading_a_database_that_another_process_holds(command: tuple[str, ...], project: Path) -> None:
    with held(project / DATABASE):
        assert_message(run(project, *command), 3, ("warehouse/shop.duckdb is open in another process",))


def test_table_of_a_database_that_another_process_holds(project: Path) -> None:
    change(CONFIG, 'path = "data/spend.csv"', 'table = "raw.spend"')(project)
    with held(project / DATABASE):
        assert_message(run(project, "build"), 3, ("warehouse/shop.duckdb is open in another process",))


NO_DATABASE = "this is no database\n" * 999


@pytest.mark.parametrize("command", ["build", "audit", "status"])
def test_file_that_is_no_database(command: str, project: Path) -> None:
    write(DATABASE, NO_DATABASE)(project)
    before = contents(project)
    outcome = run(project, command, "--quiet")
    assert_message(
        outcome, CANNOT_OPEN, ("warehouse/shop.duckdb cannot be opened: ", "not a valid DuckDB database file")
    )
    assert contents(project) == before


def test_target_that_is_a_folder(project: Path) -> None:
    (project / DATABASE).unlink()
    (project / DATABASE).mkdir()
    before = contents(project)
    assert_message(run(project, "build", "--quiet"), CANNOT_OPEN, ("warehouse/shop.duckdb",))
    assert contents(project) == before


@pytest.mark.parametrize("path", ["measure.toml/shop.duckdb", "/proc/nowhere/shop.duckdb"])
def test_folder_that_cannot_be_made(path: str, project: Path) -> None:
    if path.startswith("/proc") and sys.platform != "linux":
        pytest.skip("only Linux has /proc")
    change(CONFIG, "warehouse/shop.duckdb", path)(project)
    before = contents(project)
    assert_message(run(project, "build", "--quiet"), CANNOT_OPEN, (f"{path}: the folder cannot be created: ",))
    assert contents(project) == before


FAILING = {
    "cast": ("SELECT CAST(event_kind AS INTEGER) AS number\nFROM {{ ref('stg_touchpoints') }}\n", "Conversion Error"),
    "date part": (
        "SELECT date_trunc('fortnight', event_ts) AS x\nFROM {{ ref('stg_touchpoints') }}\n",
        "Conversion Error",
    ),
    "overflow": (
        "SELECT CAST(1e300 AS DECIMAL(18, 6)) * amount AS x\nFROM {{ ref('stg_touchpoints') }}\n",
        "Conversion Error",
    ),
}


@pytest.mark.parametrize("kind", FAILING)
def test_model_that_fails_in_the_database(kind: str, project: Path) -> None:
    text, says = FAILING[kind]
    write(f"{STACK}/marts/mine.sql", "{{ config(materialized='table') }}\n" + text)(project)
    write(f"{STACK}/marts/yours.sql", "SELECT * FROM {{ ref('mine') }}\n")(project)
    before = relations(project / DATABASE)
    outcome = run(project, "build")
    assert outcome.exit_code == 1, outcome
    assert f"FAIL mine: {says}" in outcome.stderr
    assert "skip yours" in " ".join(outcome.stderr.split())
    assert "mine failed" in outcome.stderr
    assert relations(project / DATABASE) == before


def test_failing_audit_keeps_the_published_version(project: Path) -> None:
    before = relations(project / DATABASE)
    write("data/touchpoints.csv", "user_id,event_ts,event_kind,amount\nu1,2025-02-01,,1\n")(project)
    write("registries/steps.csv", "funnel,step,stream\n")(project)
    outcome = run(project, "build")
    assert outcome.exit_code == 1, outcome
    assert "fail fct_touches: audit not_null(event_kind): 1 offending row" in outcome.stderr
    after = relations(project / DATABASE)
    assert after["marts.fct_touches"] == before["marts.fct_touches"]
    assert [name for name in after if name.endswith("__next")] == []


def test_rows_with_a_repeated_id_are_rejected_with_a_reason(tmp_path: Path) -> None:
    write(CONFIG, STARTER)(tmp_path)
    write("touchpoints.csv", TOUCHPOINTS)(tmp_path)
    write("conversions.csv", CONVERSIONS)(tmp_path)
    assert run(tmp_path, "build", "--quiet", "+stg_*").exit_code == 0
    with duckdb.connect(str(tmp_path / "starter.duckdb"), read_only=True) as connection:
        accepted = "SELECT event_id FROM staging.stg_touchpoints ORDER BY event_id"
        assert connection.execute(accepted).fetchall() == [("e1",), ("e2",)]
        rejects = "SELECT reason, event_id, user_id FROM staging.stg_touchpoints_rejects ORDER BY reason, user_id"
        assert connection.execute(rejects).fetchall() == [
            ("duplicate event_id", "e1", "u1"),
            ("missing user_id", "e4", None),
            ("unreadable event_ts", "e3", "u3"),
        ]
        accepted = "SELECT conversion_kind FROM staging.stg_conversions"
        assert connection.execute(accepted).fetchall() == [("purchase",)]
        rejects = "SELECT reason, conversion_id FROM staging.stg_conversions_rejects"
        assert connection.execute(rejects).fetchall() == [("duplicate conversion_id", "c1")]


STARTER = """\
[project]
stack = "starter"
as_of = "2025-03-01"
[targets.local]
type = "duckdb"
path = "starter.duckdb"
[sources.touchpoints]
path = "touchpoints.csv"
[sources.conversions]
path = "conversions.csv"
"""
TOUCHPOINTS = """\
user_id,event_ts,event_kind,event_id
u1,2025-02-01 10:00:00,Search,e1
u1,2025-02-02 10:00:00,Social,e1
u2,2025-02-03 10:00:00,Search,e2
u3,03/02/2025,Search,e3
 ,2025-02-03 10:00:00,Search,e4
"""
CONVERSIONS = """\
user_id,conversion_ts,conversion_kind,conversion_id
u1,2025-02-05 10:00:00,purchase,c1
u1,2025-02-06 10:00:00,renewal,c1
"""

COMMANDS = {
    "unknown dialect": (("sql", "--dialect", "clickhous"), 2, ('unknown dialect "clickhous"',)),
    "near dialect": (("sql", "--dialect", "duckdbb"), 2, ('unknown dialect "duckdbb"', 'Did you mean "duckdb"?')),
    "month that does not exist": (
        ("sql", "--batch", "2024-13"),
        2,
        ("--batch 2024-13: expected a month such as 2024-03",),
    ),
    "batch without an incremental model": (
        ("sql", "--batch", "2024-03"),
        2,
        ("--batch: none of the selected models is incremental",),
    ),
    "SELECT of several": (("sql", "--select-only"), 2, ("--select-only prints one model",)),
    "SELECT of a registry": (("sql", "steps", "--select-only"), 2, ("steps is no model that can be built",)),
    "scale too small": (("demo", "--scale", "0.01"), 2, ("--scale 0.01: must be between 0.1 and 100",)),
    "scale too large": (("demo", "--scale", "101"), 2, ("--scale 101: must be between 0.1 and 100",)),
    "scale that is no number": (("demo", "--scale", "nan"), 2, ("--scale nan: must be between 0.1 and 100",)),
    "demo of an unknown stack": (
        ("demo", "--stack", "startr"),
        2,
        ('there is no demo data for the stack "startr"', 'Did you mean "starter"?'),
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_argument_that_does_not_fit(name: str, project: Path) -> None:
    arguments, exit_code, says = COMMANDS[name]
    before = contents(project)
    assert_message(run(project, *arguments), exit_code, says)
    assert contents(project) == before


def test_audit_before_a_build(project: Path) -> None:
    (project / DATABASE).unlink()
    before = contents(project)
    assert_message(
        run(project, "audit", "--quiet"), 2, ("warehouse/shop.duckdb does not exist yet", "Build it: measure build")
    )
    assert contents(project) == before


def test_model_whose_inputs_are_not_built(project: Path) -> None:
    (project / DATABASE).unlink()
    before = contents(project)
    says = ("fct_touches reads stg_touchpoints, which is not built yet", "Build both: measure build +fct_touches")
    assert_message(run(project, "build", "--quiet", "fct_touches"), 2, says)
    assert contents(project) == before


def test_init_into_a_folder_that_holds_something(project: Path) -> None:
    before = contents(project)
    assert_message(
        measure("init", str(project)),
        2,
        (f"{project} exists and is not empty; nothing was written", "Name a new folder."),
    )
    assert_message(measure("init", str(project / CONFIG)), 2, (f"{project / CONFIG} exists and is not empty",))
    assert contents(project) == before


def test_init_of_an_unknown_stack(tmp_path: Path) -> None:
    outcome = measure("init", str(tmp_path / "new"), "--stack", "startr")
    assert_message(outcome, 2, ('unknown stack "startr"', 'Did you mean "starter"?'))
    assert list(tmp_path.iterdir()) == []


def test_init_where_nothing_can_be_written(project: Path) -> None:
    before = contents(project)
    outcome = measure("init", str(project / CONFIG / "new"))
    assert_message(outcome, 2, (str(project / CONFIG / "new"), "cannot be written"))
    assert contents(project) == before
