"""The ways to compute journeys that are measured side by side, each a function of a target.

All of them read the same two views, ``touchpoints`` and ``conversions``, and leave their result behind as tables
in the database file the connection has opened. The tool's own formulation is rendered from the macro files that
ship, so a change of a template is a change of the measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from benchmarks.data import AS_OF, Dataset
from benchmarks.dataframes import polars_journeys_and_attribution
from measure_cli.project import Overrides
from measure_cli.request import Request
from measure_cli.workflows import build

LOOKBACKS = (7, 30, 60)
HALF_LIFE_DAYS = 7
ATTRIBUTION_WINDOW_DAYS = 180
HEAVY_USER_THRESHOLD = 1_000_000
MACROS = Path(__file__).parents[1] / "sql_templates" / "macros"


@dataclass(frozen=True)
class Target:
    """Where a formulation reads and writes: a connection with the two views, the files behind them, a folder."""

    connection: duckdb.DuckDBPyConnection
    dataset: Dataset
    folder: Path


Formulation = Callable[[Target], None]


def connect(dataset: Dataset, database: Path, memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    """Open ``database`` with the columns of the staged relations, as views on the Parquet files or as tables."""
    connection = duckdb.connect(str(database), config={"temp_directory": str(database.with_suffix(".spill"))})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET preserve_insertion_order = false")  # as the tool does
    if memory_limit:
        connection.execute("SET memory_limit = $limit", {"limit": memory_limit})
    role = "identity_role," if dataset.with_role else ""
    kind = "TABLE" if dataset.is_staged else "VIEW"
    connection.execute(f"""
        CREATE {kind} touchpoints AS
        SELECT user_id AS user_pseudonym, {role} event_ts, event_kind
        FROM read_parquet('{dataset.touchpoints}')
    """)
    connection.execute(f"""
        CREATE {kind} conversions AS
        SELECT
            conversion_id AS conversion_key, user_id AS user_pseudonym, {role} conversion_kind, conversion_ts,
            CAST(conversion_ts AS DATE) AS conversion_date, amount AS conversion_amount
        FROM read_parquet('{dataset.conversions}')
    """)
    connection.execute("CREATE TABLE exclusions (conversion_kind VARCHAR, event_kind VARCHAR)")
    for pair in dataset.exclusions:
        connection.execute("INSERT INTO exclusions VALUES (?, ?)", pair)
    return connection


def scan(target: Target) -> None:
    """Decode every column that journeys need, once: no formulation can be faster than this."""
    target.connection.execute("""
        SELECT event_kind, count(*), max(user_pseudonym), min(event_ts), max(event_ts)
        FROM touchpoints
        GROUP BY event_kind
    """).fetchall()
    target.connection.execute("""
        SELECT
            conversion_kind, max(conversion_key), max(user_pseudonym), max(conversion_ts), sum(conversion_amount)
        FROM conversions
        GROUP BY conversion_kind
    """).fetchall()


def three_range_joins(target: Target) -> None:
    """The usual query: one join on the user and the time range for each lookback."""
    for days in LOOKBACKS:
        target.connection.execute(f"""
            CREATE TABLE journeys_{days}d AS
            SELECT
                conversions.conversion_key, conversions.user_pseudonym, conversions.conversion_kind,
                conversions.conversion_ts, conversions.conversion_date, conversions.conversion_amount,
                touches.event_kind,
                count(*) AS n_touches,
                min(touches.event_ts) AS first_touch_ts,
                max(touches.event_ts) AS last_touch_ts,
                sum(pow(
                    2.0,
                    date_diff('microsecond', conversions.conversion_ts, touches.event_ts) / {HALF_LIFE_DAYS * 86_400e6}
                )) AS td_sum
            FROM conversions
            INNER JOIN touchpoints AS touches
                ON conversions.user_pseudonym = touches.user_pseudonym
                AND touches.event_ts < conversions.conversion_ts
                AND touches.event_ts >= conversions.conversion_ts - INTERVAL {days} DAY
            GROUP BY ALL
        """)


def journeys(target: Target) -> None:
    """The tool's journeys: one wide table and a view for each lookback."""
    _wide_journeys(target, LOOKBACKS)
    for days in LOOKBACKS:
        window = _macros().journeys_window("journeys", days, target.dataset.with_role)
        target.connection.execute(f"CREATE VIEW journeys_{days}d AS {window}")


def journeys_of_the_widest_lookback(target: Target) -> None:
    """The tool's journeys when only the widest lookback is asked for."""
    _wide_journeys(target, LOOKBACKS[-1:])


def _wide_journeys(target: Target, lookbacks: tuple[int, ...]) -> None:
    select = journeys_select(("touchpoints", "conversions", "exclusions"), lookbacks, target.dataset.with_role)
    target.connection.execute(f"CREATE TABLE journeys AS {select}")


def journeys_select(relations: tuple[str, str, str], lookbacks: tuple[int, ...], with_role: bool) -> str:
    """The tool's SELECT over touchpoints, conversions and exclusions, in DuckDB's dialect."""
    rules = (lookbacks, HALF_LIFE_DAYS, False, with_role, HEAVY_USER_THRESHOLD)
    text: str = _macros().journeys_wide(*relations, *rules)
    return text


def window_functions(target: Target) -> None:
    """A range join with roles, and window functions over its rows, for the widest lookback."""
    target.connection.execute(f"""
        CREATE TABLE journeys AS
        WITH pairs AS (
            SELECT
                conversions.*, touches.event_kind, touches.event_ts,
                pow(2.0, date_diff('microsecond', conversion_ts, event_ts) / {HALF_LIFE_DAYS * 86_400e6}) AS decay
            FROM conversions
            INNER JOIN touchpoints AS touches
                ON conversions.user_pseudonym = touches.user_pseudonym
                AND conversions.identity_role = touches.identity_role
                AND touches.event_ts < conversions.conversion_ts
                AND touches.event_ts >= conversions.conversion_ts - INTERVAL {LOOKBACKS[-1]} DAY
            ANTI JOIN exclusions
                ON conversions.conversion_kind = exclusions.conversion_kind
                AND touches.event_kind = exclusions.event_kind
        )
        SELECT
            * EXCLUDE (event_ts, decay),
            count(*) OVER touches_of_kind AS n_touches,
            min(event_ts) OVER touches_of_kind AS first_touch_ts,
            max(event_ts) OVER touches_of_kind AS last_touch_ts,
            sum(decay) OVER touches_of_kind AS td_sum
        FROM pairs
        WINDOW touches_of_kind AS (PARTITION BY user_pseudonym, identity_role, conversion_key, event_kind)
        QUALIFY row_number() OVER (
            PARTITION BY user_pseudonym, identity_role, conversion_key, event_kind ORDER BY event_ts
        ) = 1
    """)


def journeys_and_attribution(target: Target) -> None:
    """The tool's journeys with the credit ledgers on top and one attribution mart for each lookback."""
    journeys(target)
    for days in LOOKBACKS:
        ledger = _macros().credits(f"journeys_{days}d", "conversions", ["Direct"])
        target.connection.execute(f"CREATE VIEW credits_{days}d AS {ledger}")
        mart = _macros().attribution(f"credits_{days}d", f"CAST('{AS_OF}' AS DATE)", ATTRIBUTION_WINDOW_DAYS)
        target.connection.execute(f"CREATE TABLE attribution_{days}d AS {mart}")


def polars_join(target: Target) -> None:
    """A dataframe library on the same files: one join on the user, filtered by time."""
    polars_journeys_and_attribution(target.dataset, target.folder, LOOKBACKS)


def whole_build(target: Target) -> None:
    """`measure build` of the whole starter stack on the same files: every relation, every audit, published."""
    project = target.folder / "project"
    project.mkdir()
    (project / "measure.toml").write_text(
        f'[project]\nas_of = "{AS_OF}"\n[sources.touchpoints]\npath = "{target.dataset.touchpoints}"\n'
        f'[sources.conversions]\npath = "{target.dataset.conversions}"\n',
        encoding="utf-8",
    )
    built = build(Request(Overrides(date.fromisoformat(AS_OF), project_dir=project)))
    if built.result.failed:
        raise RuntimeError(f"the build failed: {built.result}")


SCAN = "scan of the input"
NAIVE = "three range joins"
WINDOW_FUNCTIONS = f"range join and windows, {LOOKBACKS[-1]} days"
JOURNEYS = "journeys"
JOURNEYS_WIDEST = f"journeys, {LOOKBACKS[-1]} days"
COMPLETE = "journeys + attribution"
POLARS = "polars join + attribution"
BUILD = "measure build: 39 relations, all audits"

FORMULATIONS: dict[str, Formulation] = {
    SCAN: scan,
    NAIVE: three_range_joins,
    WINDOW_FUNCTIONS: window_functions,
    JOURNEYS: journeys,
    JOURNEYS_WIDEST: journeys_of_the_widest_lookback,
    COMPLETE: journeys_and_attribution,
    POLARS: polars_join,
    BUILD: whole_build,
}


@cache
def _macros() -> Any:
    """Return the shared macros as functions that render SQL."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.globals.update(literal=_literal, is_incremental=lambda: False)
    files = ("heavy_journeys.sql", "journeys.sql", "attribution.sql")
    return environment.from_string("".join((MACROS / name).read_text(encoding="utf-8") for name in files)).module


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
