"""A project with a stack of its own, small enough to be built hundreds of times.

The stack sells things in cities:

    source.orders ── stg_orders ─┬─ int_located (view) ── fct_region ── fct_share
        │    registry cities ────┘        │
        │                                 └ (tax.sql: a macro of fct_region)
        │                       stg_orders ── fct_day, fct_monthly (incremental), fct_recent (reads as_of)
        │                       stg_orders ── eph_large (ephemeral) ── fct_large
        └─ stg_orders_rejects   source.refunds (optional) ── stg_refunds ── fct_refunds

The command line runs in this process, or as a process of its own where signals or streams are the matter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import duckdb
from typer.testing import CliRunner

from measure_cli.cli import app

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "warehouse/shop.duckdb"
CACHE = ".measure/cache.json"
TERMINAL_SETTINGS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM")
CONFIG = """\
[project]
name = "shop"
stack = "my_stack"
as_of = "2024-04-01"

[targets.local]
type = "duckdb"
path = "warehouse/shop.duckdb"

[sources.orders]
path = "data/orders.csv"
"""
FILES: Mapping[str, str] = {
    "measure.toml": CONFIG,
    "data/orders.csv": """\
        id,day,city,amount
        1,2024-01-05,Oslo,10.00
        2,2024-01-31,Rome,20.50
        3,2024-02-01,Oslo,70.00
        4,2024-02-29,Bonn,5.25
        5,2024-03-01,Rome,90.00
        6,2024-03-31,Oslo,1.00
        seven,2024-03-30,Oslo,3.00
        8,2024-02-30,Oslo,4.00
        """,
    "my_stack/stack.yml": """\
        name: my_stack
        description: Orders of a shop.
        vars:
          minimum: {type: float, default: 0, description: Smallest amount of an order that counts.}
          label: {type: str, default: plain, description: A text that one model shows.}
        """,
    "my_stack/sources.yml": """\
        sources:
          - name: orders
            description: Orders.
            required: true
            columns:
              - {name: id, data_type: bigint, required: true, description: Number of the order.}
              - {name: day, data_type: date, required: true, description: Day of the order.}
              - {name: city, data_type: varchar, required: true, description: Where to.}
              - {name: amount, data_type: "decimal(18,6)", required: true, description: Money.}
          - name: refunds
            description: Refunds.
            required: false
            columns:
              - {name: id, data_type: bigint, required: true, description: Number of the order.}
        """,
    "my_stack/registries.yml": """\
        registries:
          - name: cities
            description: Regions of cities.
            key: [city]
            columns:
              - {name: city, data_type: varchar, required: true, description: The city.}
              - {name: region, data_type: varchar, required: true, description: Its region.}
        """,
    "my_stack/registries/cities.csv": "city,region\nOslo,north\nRome,south\nBonn,middle\n",
    "my_stack/macros/tax.sql": "{% macro with_tax(amount) %}CAST({{ amount }} AS DOUBLE) * 1.25{% endmacro %}\n",
    "my_stack/staging/stg_orders.sql": """\
        {{ config(materialized='table', tags=['clean']) }}
        SELECT id, day, city, amount
        FROM {{ source('orders') }}
        WHERE _unreadable IS NULL AND amount >= {{ literal(var('minimum')) }}
        """,
    "my_stack/staging/stg_orders_rejects.sql": """\
        {{ config(materialized='table') }}
        SELECT city, amount, _unreadable AS reason FROM {{ source('orders') }} WHERE NOT _unreadable IS NULL
        """,
    "my_stack/staging/stg_refunds.sql": "{{ config(materialized='table') }}\nSELECT id FROM {{ source('refunds') }}\n",
    "my_stack/intermediate/int_located.sql": """\
        SELECT orders.id, orders.day, orders.amount, cities.region
        FROM {{ ref('stg_orders') }} AS orders
        INNER JOIN {{ ref('cities') }} AS cities ON orders.city = cities.city
        """,
    "my_stack/intermediate/eph_large.sql": """\
        {{ config(materialized='ephemeral') }}
        SELECT id, amount FROM {{ ref('stg_orders') }} WHERE amount > 50
        """,
    "my_stack/marts/fct_region.sql": """\
        {{ config(materialized='table', tags=['mart', 'money']) }}
        SELECT
          region, count(*) AS n_orders, sum({{ with_tax('amount') }}) AS gross, {{ literal(var('label')) }} AS label
        FROM {{ ref('int_located') }}
        GROUP BY region
        """,
    "my_stack/marts/fct_share.sql": """\
        {{ config(materialized='table', tags=['mart']) }}
        SELECT region, gross / sum(gross) OVER () AS share FROM {{ ref('fct_region') }}
        """,
    "my_stack/marts/fct_day.sql": """\
        {{ config(materialized='table', order_by=['day'], tags=['mart']) }}
        SELECT day, count(*) AS n_orders, sum(amount) AS amount FROM {{ ref('stg_orders') }} GROUP BY day
        """,
    "my_stack/marts/fct_large.sql": """\
        {{ config(materialized='table') }}
        SELECT count(*) AS n_large, sum(large.amount) AS amount FROM {{ ref('eph_large') }} AS large
        """,
    "my_stack/marts/fct_monthly.sql": """\
        {{ config(materialized='incremental', time_column='day') }}
        SELECT id, day, amount
        FROM {{ ref('stg_orders') }}
        WHERE CAST(day AS TIMESTAMP) >= {{ batch.start }} AND CAST(day AS TIMESTAMP) < {{ batch.end }}
        """,
    "my_stack/marts/fct_recent.sql": """\
        {{ config(materialized='table') }}
        SELECT count(*) AS n_orders FROM {{ ref('stg_orders') }} WHERE day >= {{ as_of }} - INTERVAL 40 DAY
        """,
    "my_stack/marts/fct_refunds.sql": """\
        {{ config(materialized='table') }}
        SELECT count(*) AS n_refunds FROM {{ ref('stg_refunds') }}
        """,
    "my_stack/marts/schema.yml": """\
        models:
          - name: fct_region
            description: Orders per region.
            columns:
              - name: region
                data_tests: [unique, not_null]
              - name: gross
                data_tests:
                  - accepted_range: {min_value: 0}
          - name: fct_day
            description: Orders per day.
            columns:
              - name: day
                data_tests: [unique]
        """,
}
BELOW_STG_ORDERS = {"int_located", "fct_region", "fct_share", "fct_day", "fct_large", "fct_monthly", "fct_recent"}
EVERYTHING = BELOW_STG_ORDERS | {"source.orders", "cities", "stg_orders", "stg_orders_rejects"}
ABSENT = {"source.refunds", "stg_refunds", "fct_refunds"}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def statuses(self) -> dict[str, str]:
        return {model["name"]: model["status"] for model in self.json["models"]}

    @property
    def reasons(self) -> dict[str, str | None]:
        return {model["name"]: model["reason"] for model in self.json["models"]}

    @property
    def unusual(self) -> dict[str, str]:
        """Statuses that a successful build does not have."""
        good = ("built", "unchanged", "absent")
        return {name: status for name, status in self.statuses.items() if status not in good} if self.stdout else {}

    def having(self, status: str) -> set[str]:
        return {name for name, found in self.statuses.items() if found == status}

    @property
    def audits(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(audit["model"], audit["name"]): audit for audit in self.json["audits"]}


def invoke(*arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """A command, run in this process and in its working directory."""
    result = CliRunner(env={**dict.fromkeys(TERMINAL_SETTINGS), **(env or {})}).invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Workshop:
    """One project folder and the commands run in it."""

    folder: Path
    database_path: str = DATABASE

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.stat().st_mtime_ns if file.exists() else 0
        file.write_text(dedent(text), encoding="utf-8")
        if file.stat().st_mtime_ns <= before:  # a coarse clock: the rewrite has to show
            os.utime(file, ns=(before + 1_000_000, before + 1_000_000))

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text, f"{path} does not hold {old!r}"
        self.write(path, text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        self.write(path, self.read(path) + text)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def measure(self, *arguments: str) -> Ended:
        """A command on the project, run in this process."""
        return invoke(arguments[0], "--project-dir", str(self.folder), *arguments[1:])

    def build(self, *arguments: str, exit_code: int = 0) -> Ended:
        """`measure build --json`, which has to end with the exit code."""
        ended = self.measure("build", *arguments, "--json")
        if ended.exit_code != exit_code:
            raise AssertionError(f"exit {ended.exit_code} instead of {exit_code}\n{ended.stderr}{ended.unusual}")
        return ended

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A command, started in a process of its own with the project as its working directory."""
        return subprocess.Popen(
            [sys.executable, "-m", "measure_cli", *arguments],
            cwd=self.folder, env=process_environment(env), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
        """A command, run to its end in a process of its own."""
        process = self.start(*arguments, env=env)
        stdout, stderr = process.communicate(timeout=100)
        return Ended(process.returncode, stdout, stderr)

    @property
    def database(self) -> Path:
        return self.folder / self.database_path

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str) -> None:
        """Change the target behind the tool's back."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

    def relations(self) -> dict[str, str]:
        """What a reader finds: `schema.name` -> table or view; the state tables aside."""
        sql = (
            "SELECT table_schema || '.' || table_name, CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END "
            "FROM information_schema.tables WHERE table_schema <> 'measure_state'"
        )
        return dict(self.query(sql))

    def content(self, leave_out: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every relation, sorted."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            names = [name for name in self.relations() if name not in leave_out]
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in sorted(names)}

    def last_run(self) -> dict[str, Any]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            cursor = connection.execute("SELECT * FROM measure_state.runs ORDER BY started_at DESC LIMIT 1")
            names = [column[0] for column in cursor.description or ()]
            row = cursor.fetchone()
            assert row is not None
            return dict(zip(names, row, strict=True))

    def leftovers(self) -> list[str]:
        return [name for name in self.relations() if "__next" in name]


def process_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process of its own: this checkout, no terminal settings of the person who runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if name not in TERMINAL_SETTINGS}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **(extra or {})}


def open_workshop(folder: Path, files: Mapping[str, str] | None = None) -> Workshop:
    """Write the project into a folder; `files` add to it or replace parts of it."""
    workshop = Workshop(folder)
    for path, text in {**FILES, **(files or {})}.items():
        workshop.write(path, text)
    return workshop


@cache
def compiled() -> str:
    """What the tool remembers of the project's templates: given to a fresh project, its first build is faster."""
    with TemporaryDirectory() as folder:
        workshop = open_workshop(Path(folder))
        workshop.build()
        return workshop.read(CACHE)


def open_compiled(folder: Path) -> Workshop:
    """The project as it is, with its templates compiled already."""
    workshop = open_workshop(folder)
    workshop.write(CACHE, compiled())
    return workshop
