"""A project with a small stack whose models are incremental in every way that matters.

    source.visits ── stg_visits ─────────────────┐
    source.orders ── stg_orders ── int_orders ───┴─ fct_touched (incremental, looks back 59 days) ── int_touched (view)
                          │           (view, as_of)       registry kinds ┘                               │
                          │                                               fct_daily (incremental by DATE) ┘── fct_total
                          └─ int_raw (incremental, internal: in the second file)

Rows are written by the tests; the same rows in a fresh folder, built whole, say what has to come out.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from tests.build.workshop import CACHE, Ended, Workshop, process_environment

LOOKBACK = 59
FILLING = 'INSERT INTO "marts"."fct_touched__batches"'
AS_OF = "2024-06-11"
SALT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
FILES: Mapping[str, str] = {
    "measure.toml": f"""\
        [project]
        name = "shop"
        stack = "my_stack"
        as_of = "{AS_OF}"

        [targets.local]
        type = "duckdb"
        path = "warehouse/shop.duckdb"

        [sources.visits]
        path = "data/visits.csv"

        [sources.orders]
        path = "data/orders.csv"
        """,
    "my_stack/stack.yml": """\
        name: my_stack
        description: Orders and the visits before them.
        vars:
          bonus: {type: int, default: 1, description: What every visit counts.}
        """,
    "my_stack/sources.yml": """\
        sources:
          - name: visits
            description: Visits.
            required: true
            columns:
              - {name: visitor, data_type: varchar, required: true, description: Who.}
              - {name: visited_at, data_type: timestamp, required: true, description: When.}
              - {name: kind, data_type: varchar, required: true, description: From where.}
          - name: orders
            description: Orders.
            required: true
            columns:
              - {name: id, data_type: bigint, required: true, description: Number.}
              - {name: visitor, data_type: varchar, required: true, description: Who., identifier: true}
              - {name: ordered_at, data_type: timestamp, required: true, description: When.}
              - {name: amount, data_type: bigint, required: true, description: Cents.}
        """,
    "my_stack/registries.yml": """\
        registries:
          - name: kinds
            description: Kinds of visits that count.
            key: [kind]
            columns:
              - {name: kind, data_type: varchar, required: true, description: The kind.}
              - {name: weight, data_type: bigint, required: true, description: What it counts.}
        """,
    "my_stack/registries/kinds.csv": "kind,weight\nmail,1\nsearch,2\n",
    "my_stack/staging/stg_visits.sql": """\
        {{ config(materialized='table', time_column='visited_at') }}
        SELECT visitor, visited_at, kind FROM {{ source('visits') }} WHERE _unreadable IS NULL
        """,
    "my_stack/staging/stg_orders.sql": """\
        {{ config(materialized='table', time_column='ordered_at') }}
        SELECT id, pseudonymize(visitor) AS visitor_pseudonym, ordered_at, amount
        FROM {{ source('orders') }}
        WHERE _unreadable IS NULL
        """,
    "my_stack/internal/int_raw.sql": """\
        {{ config(materialized='incremental', time_column='ordered_at', internal_only=true) }}
        SELECT id, visitor, ordered_at FROM {{ ref('int_named_orders') }}
        """,
    "my_stack/internal/int_named_orders.sql": """\
        {{ config(materialized='table', time_column='ordered_at', internal_only=true) }}
        SELECT id, visitor, ordered_at FROM {{ source('orders') }} WHERE _unreadable IS NULL
        """,
    "my_stack/intermediate/int_orders.sql": """\
        {{ config(materialized='view', time_column='ordered_at') }}
        SELECT id, visitor_pseudonym, ordered_at, amount FROM {{ ref('stg_orders') }} WHERE ordered_at < {{ as_of }}
        """,
    "my_stack/intermediate/int_visits.sql": """\
        {{ config(materialized='ephemeral') }}
        SELECT pseudonymize(visits.visitor) AS visitor_pseudonym, visits.visited_at, kinds.weight
        FROM {{ ref('stg_visits') }} AS visits
        INNER JOIN {{ ref('kinds') }} AS kinds ON visits.kind = kinds.kind
        """,
    "my_stack/marts/fct_touched.sql": f"""\
        {{{{ config(materialized='incremental', time_column='ordered_at', lookback={LOOKBACK}) }}}}
        SELECT
          orders.id, orders.ordered_at, orders.amount,
          CAST(coalesce(sum(visits.weight * {{{{ var('bonus') }}}}), 0) AS BIGINT) AS n_visits
        FROM {{{{ ref('int_orders') }}}} AS orders
        LEFT JOIN {{{{ ref('int_visits') }}}} AS visits
          ON orders.visitor_pseudonym = visits.visitor_pseudonym
          AND visits.visited_at < orders.ordered_at
          AND visits.visited_at >= orders.ordered_at - INTERVAL {LOOKBACK} DAY
        {{%- if is_incremental() %}}
        WHERE orders.ordered_at >= {{{{ batch.start }}}} AND orders.ordered_at < {{{{ batch.end }}}}
        {{%- endif %}}
        GROUP BY orders.id, orders.ordered_at, orders.amount
        """,
    "my_stack/marts/int_touched.sql": """\
        {{ config(materialized='view', time_column='ordered_at') }}
        SELECT id, ordered_at, amount, n_visits FROM {{ ref('fct_touched') }}
        """,
    "my_stack/marts/fct_daily.sql": """\
        {{ config(materialized='incremental', time_column='day', order_by=['day']) }}
        SELECT
          CAST(ordered_at AS DATE) AS day, count(*) AS n_orders, CAST(sum(amount * n_visits) AS BIGINT) AS credited
        FROM {{ ref('int_touched') }}
        GROUP BY CAST(ordered_at AS DATE)
        """,
    "my_stack/marts/fct_total.sql": """\
        {{ config(materialized='table') }}
        SELECT count(*) AS n_days, CAST(sum(credited) AS BIGINT) AS credited FROM {{ ref('fct_daily') }}
        """,
    "my_stack/marts/schema.yml": """\
        models:
          - name: fct_touched
            description: Orders with the visits before them.
            columns:
              - name: id
                data_tests: [unique]
          - name: fct_daily
            description: Days with orders.
            columns:
              - name: day
                data_tests: [unique]
        """,
}

# Reads an incremental table itself, not a view on it.
BUSIEST = """\
{{ config(materialized='incremental', time_column='day') }}
SELECT CAST(ordered_at AS DATE) AS day, max(n_visits) AS n_visits
FROM {{ ref('fct_touched') }}
{%- if is_incremental() %}
WHERE ordered_at >= {{ batch.start }} AND ordered_at < {{ batch.end }}
{%- endif %}
GROUP BY CAST(ordered_at AS DATE)
"""

Visit = tuple[str, datetime, str]
Order = tuple[int, str, datetime, int]


@dataclass(frozen=True)
class Rows:
    """The rows of both sources."""

    visits: tuple[Visit, ...] = ()
    orders: tuple[Order, ...] = ()


class VisitShop(Workshop):
    """The project of one folder."""

    def give(self, rows: Rows) -> None:
        """Write the sources anew."""
        self.write("data/visits.csv", csv_text(("visitor", "visited_at", "kind"), rows.visits))
        self.write("data/orders.csv", csv_text(("id", "visitor", "ordered_at", "amount"), rows.orders))

    def refresh(self, *arguments: str, exit_code: int = 0) -> Ended:
        ended = self.measure("refresh", *arguments, "--json")
        assert ended.exit_code == exit_code, f"exit {ended.exit_code}\n{ended.stderr}{ended.unusual}"
        return ended

    def forecast(self, *arguments: str) -> dict[str, Any]:
        """`refresh --dry-run`: relation -> what it would do."""
        return {model["name"]: model for model in self.refresh("--dry-run", *arguments).json["models"]}

    def stricken(self, statement: int, *arguments: str, beginning: str = "", by: str = "SIGKILL") -> int:
        """A refresh in a process of its own, struck at the so manieth statement with a beginning; its exit code."""
        command = [sys.executable, "-m", "tests.refresh.stricken_refresh", str(statement), beginning, by, *arguments]
        done = subprocess.run(
            [*command, "--project-dir", str(self.folder)], env=process_environment(), capture_output=True, check=False
        )
        return done.returncode

    def months(self, relation: str) -> list[str]:
        """The months of a model that the ledger knows."""
        sql = (
            "SELECT strftime(batch_start, '%Y-%m') FROM measure_state.batches "
            "WHERE relation = ? AND batch_start IS NOT NULL ORDER BY 1"
        )
        return [month for (month,) in self.query(sql, relation)]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every relation, those of the second file included."""
        return self._found_beside([name for name in self.relations() if name.endswith("__batches")])

    def everything_published(self) -> dict[str, list[tuple[Any, ...]]]:
        """The same, less what a killed run left: some of it may not be readable."""
        return self._found_beside([name for name in self.relations() if "__" in name])

    def _found_beside(self, left_out: list[str]) -> dict[str, list[tuple[Any, ...]]]:
        found = self.content(left_out)
        second = self.database.with_name("shop.internal.duckdb")
        with duckdb.connect(str(second), read_only=True) as connection:
            sql = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
            for (name,) in connection.execute(sql).fetchall():
                rows = connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
                found |= {f"second file: {name}": rows} if "__" not in name else {}
        return found


def csv_text(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [",".join(columns), *(",".join(str(cell) for cell in row) for row in rows)]
    return "\n".join(lines) + "\n"


def batches_of(ended: Ended) -> dict[str, int]:
    """Relation -> batches computed, of the incremental models."""
    return {
        model["name"]: model["batches"]
        for model in ended.json["models"]
        if model["name"] in ("fct_touched", "fct_daily", "int_raw")
    }


@cache
def compiled() -> str:
    """What the tool remembers of the project's templates: given to a fresh project, its first run is faster."""
    with TemporaryDirectory() as folder:
        shop = VisitShop(Path(folder))
        write_files(shop)
        shop.give(Rows())
        shop.build()
        return shop.read(CACHE)


def write_files(shop: VisitShop) -> None:
    for path, text in FILES.items():
        shop.write(path, text)


def open_visits(folder: Path, rows: Rows = Rows()) -> VisitShop:
    """A fresh project with some rows."""
    shop = VisitShop(folder)
    write_files(shop)
    shop.write(CACHE, compiled())
    shop.give(rows)
    return shop
