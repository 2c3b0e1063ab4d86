"""A small project that builds, ways to break it, and the one question of these tests: was it refused without a trace?

The project brings a stack of its own, so that its cases stay the same whatever the bundled stacks contain. The program
runs in this process, through its command line.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from _pytest.mark import ParameterSet
from typer.testing import CliRunner

from measure_cli.cli import app

CONFIG = "measure.toml"
DATABASE = "warehouse/shop.duckdb"
STACK = "sql_templates/shop"
CACHE = ".measure"  # what it holds may change; that nothing half-written stays in it is looked at
WIDE = {"COLUMNS": "10000"}  # messages are compared as they are meant, not as they are folded

FILES: Mapping[str, str] = {
    CONFIG: """\
[project]
name = "shop"
stack = "sql_templates/shop"
target = "local"
as_of = "2025-03-01"

[targets.local]
type = "duckdb"
path = "warehouse/shop.duckdb"

[sources.touchpoints]
path = "data/touchpoints.csv"

[sources.conversions]
path = "data/conversions.csv"

[sources.spend]
path = "data/spend.csv"

[vars]
lookbacks = [7, 30]
half_life_days = 7
""",
    "data/touchpoints.csv": """\
user_id,event_ts,event_kind,amount
u1,2025-02-01 10:00:00,Paid Search,1.5
u1,2025-02-02 10:00:00,Social,
u2,2025-02-03T10:00:00Z,Paid Search,2
""",
    "data/conversions.csv": """\
user_id,conversion_ts,conversion_kind
u1,2025-02-05 10:00:00,purchase
""",
    "data/spend.csv": """\
date,channel,spend,clicks
2025-02-01,Paid Search,10.50,3
""",
    "registries/steps.csv": """\
funnel,step,stream,channel,weight,is_open,since
basic,1,touchpoint,Social,0.5,true,2025-01-01
basic,2,conversion,,,false,
""",
    f"{STACK}/stack.yml": """\
description: Touches by kind.
vars:
  lookbacks: {default: [7], type: 'list[int]', min: 1, max: 3650}
  half_life_days: {default: 7, type: float, min: 0.001}
  batch_size: {default: 10, type: int, min: 1, max: 100}
  direct_kinds: {default: [Direct], type: 'list[str]'}
  with_views: {default: false, type: bool}
  first_day: {default: null, type: date}
axes:
  lookback: {var: lookbacks}
""",
    f"{STACK}/sources.yml": """\
sources:
  - name: touchpoints
    description: Contacts.
    required: true
    columns:
      - {name: user_id, data_type: varchar, required: true}
      - {name: event_ts, data_type: timestamp, required: true}
      - {name: event_kind, data_type: varchar, required: true}
      - {name: campaign, data_type: varchar}
      - {name: amount, data_type: 'decimal(18,6)'}
  - name: conversions
    required: true
    columns:
      - {name: user_id, data_type: varchar, required: true}
      - {name: conversion_ts, data_type: timestamp, required: true}
      - {name: conversion_kind, data_type: varchar, required: true}
  - name: spend
    columns:
      - {name: date, data_type: date, required: true}
      - {name: channel, data_type: varchar, required: true}
      - {name: spend, data_type: 'decimal(18,6)', required: true}
      - {name: clicks, data_type: bigint}
  - name: kpis
    required_any:
      - [date, week]
    columns:
      - {name: date, data_type: date}
      - {name: week, data_type: date}
      - {name: kpi_name, data_type: varchar, required: true}
      - {name: value, data_type: double, required: true}
""",
    f"{STACK}/registries.yml": """\
registries:
  - name: steps
    key: [funnel, step]
    references:
      - {column: channel, registry: channels, ref_column: name}
    columns:
      - {name: funnel, data_type: varchar, required: true}
      - {name: step, data_type: bigint, required: true}
      - {name: stream, data_type: varchar, required: true, accepted_values: [touchpoint, conversion]}
      - {name: channel, data_type: varchar}
      - {name: weight, data_type: double}
      - {name: is_open, data_type: boolean}
      - {name: since, data_type: date}
  - name: channels
    key: [slug]
    columns:
      - {name: name, data_type: varchar, required: true}
      - {name: slug, data_type: varchar, required: true}
    derived: {distinct: [touchpoints.event_kind]}
""",
    f"{STACK}/staging/stg_touchpoints.sql": """\
{{ config(materialized='table', tags=['staging']) }}
SELECT
  user_id,
  event_ts,
  event_kind,
  amount
FROM {{ source('touchpoints') }}
WHERE _unreadable IS NULL
""",
    f"{STACK}/marts/fct_touches.sql": """\
{{ config(materialized='table', tags=['kinds']) }}
SELECT
  event_kind,
  count(*) AS touches
FROM {{ ref('stg_touchpoints') }}
GROUP BY event_kind
""",
    f"{STACK}/marts/fct_recent_{{lookback}}d.sql": """\
SELECT event_kind
FROM {{ ref('stg_touchpoints') }}
WHERE event_ts >= {{ as_of }} - INTERVAL {{ lookback }} DAY
""",
    f"{STACK}/marts/schema.yml": """\
models:
  - name: fct_touches
    description: Touches by kind.
    columns:
      - name: event_kind
        data_tests: [unique, not_null]
      - name: touches
""",
}

Edit = Callable[[Path], None]


def write(path: str, content: str | bytes) -> Edit:
    """Put a file there, or replace it."""

    def edit(folder: Path) -> None:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    return edit


def change(path: str, old: str, new: str) -> Edit:
    """Replace one piece of text of a file."""

    def edit(folder: Path) -> None:
        text = (folder / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        (folder / path).write_text(text.replace(old, new), encoding="utf-8")

    return edit


def remove(path: str) -> Edit:
    """Delete a file."""
    return lambda folder: (folder / path).unlink()


def sql(path: str, statement: str) -> Edit:
    """Write a file with DuckDB: `statement` holds {file} where its name belongs."""

    def edit(folder: Path) -> None:
        with duckdb.connect() as connection:
            connection.execute(statement.format(file=f"'{folder / path}'"))

    return edit


def source_of(name: str, path: str, more: str = "") -> Edit:
    """Let a configured source read another file."""
    return change(CONFIG, f'path = "data/{name}.csv"', f'path = "{path}"\n{more}'.rstrip())


@dataclass(frozen=True)
class Case:
    """Something wrong, and what the message has to say about it.

    `at` is a file of the project and a piece of the line that the message has to point at.
    """

    name: str
    edits: tuple[Edit, ...]
    says: tuple[str, ...]
    at: tuple[str, str] | None = None
    arguments: tuple[str, ...] = ("build",)
    exit_code: int = 2


def params(*cases: Case) -> list[ParameterSet]:
    """Cases as parameters of a test."""
    return [pytest.param(case, id=case.name) for case in cases]


@dataclass(frozen=True)
class Outcome:
    """What one invocation left on the screen."""

    exit_code: int
    stdout: str
    stderr: str


def measure(*arguments: str) -> Outcome:
    """Run the program; anything but an orderly exit fails the test with its traceback."""
    result = CliRunner().invoke(app, list(arguments), env=WIDE)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def run(folder: Path, *arguments: str) -> Outcome:
    """Run the program on a project."""
    return measure(*arguments, "--project-dir", str(folder))


def write_project(folder: Path) -> Path:
    """The project as it builds."""
    for path, text in FILES.items():
        write(path, text)(folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Every file and folder, files with a hash of their bytes, the cache aside."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in walk(folder)
        if path.relative_to(folder).parts[0] != CACHE
    }


def walk(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*"))


def relations(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every relation of a database outside of the tool's own records, with its rows."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema <> 'measure_state' ORDER BY ALL"
        ).fetchall()
        return {
            f"{schema}.{name}": connection.execute(f'SELECT * FROM "{schema}"."{name}" ORDER BY ALL').fetchall()
            for schema, name in names
        }


def place_of(folder: Path, path: str, text: str) -> str:
    """`file:line` as messages write it: the only line of the file that holds the text."""
    lines = (folder / path).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, start=1) if text in line]
    assert len(found) == 1, f"{path} holds {text!r} on the lines {found}"
    return f"{path.removeprefix('sql_templates/')}:{found[0]}"


def assert_message(outcome: Outcome, exit_code: int, says: tuple[str, ...]) -> None:
    """The exit code, a message that holds every piece, and nothing on stdout."""
    assert outcome.exit_code == exit_code, outcome
    assert any(line.startswith("error: ") for line in outcome.stderr.splitlines()), outcome.stderr
    missing = [piece for piece in says if piece not in outcome.stderr]
    assert not missing, f"{missing} not in: {outcome.stderr}"
    assert outcome.stdout == ""


def assert_refused(folder: Path, case: Case) -> None:
    """The case is refused with its message, over a built target and without one, and not a byte is written."""
    for edit in case.edits:
        edit(folder)
    says = (*case.says, *([f"{place_of(folder, *case.at)}: "] if case.at else []))
    assert (folder / DATABASE).exists()
    assert_untouched(folder, case, says)
    shutil.rmtree(folder / "warehouse")
    assert_untouched(folder, case, says)


def assert_untouched(folder: Path, case: Case, says: tuple[str, ...]) -> None:
    """One invocation: the message, and the folder as it was."""
    before = contents(folder)
    assert_message(run(folder, *case.arguments), case.exit_code, says)
    assert contents(folder) == before
    assert not list((folder / CACHE).glob("*.tmp"))
