"""A tiny stack with identifiers, loaded through the same functions as the command line: users, swaps, one bridge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from textwrap import dedent

from measure_cli.catalog import Catalog
from measure_cli.loading import load
from measure_cli.project import Overrides

STACK = "sql_templates/app"
BRIDGE = f"{STACK}/internal/bridge.sql"
FILES: Mapping[str, str] = {
    "measure.toml": """\
        [project]
        name = "app"
        stack = "sql_templates/app"
        as_of = "2025-03-01"

        [targets.local]
        type = "duckdb"
        path = "warehouse/app.duckdb"

        [sources.users]
        path = "data/users.csv"

        [sources.swaps]
        path = "data/swaps.csv"
        """,
    "data/users.csv": "address,country,seen\n0xAA,de,2025-01-01\n0xbb,fr,2025-01-02\n",
    "data/swaps.csv": "taker,day,amount\n0xaa,2025-02-01,10\n0xBB,2025-02-02,20\n0xcc,2025-02-03,30\n",
    f"{STACK}/stack.yml": "description: Users swap.\n",
    f"{STACK}/sources.yml": """\
        sources:
          - name: users
            description: Users.
            required: true
            columns:
              - {name: address, data_type: varchar, required: true, identifier: true}
              - {name: country, data_type: varchar}
              - {name: seen, data_type: date}
          - name: swaps
            description: Swaps.
            required: true
            columns:
              - {name: taker, data_type: varchar, required: true, identifier: true}
              - {name: day, data_type: date}
              - {name: amount, data_type: "decimal(18,6)"}
        """,
    BRIDGE: """\
        {{ config(materialized='table', internal_only=true) }}
        SELECT lower(address) AS address, pseudonymize(address) AS user_pseudonym, country FROM {{ source('users') }}
        """,
    f"{STACK}/marts/fct_swaps.sql": """\
        {{ config(materialized='table') }}
        SELECT bridge.user_pseudonym, bridge.country, swaps.day, swaps.amount
        FROM {{ source('swaps') }} AS swaps
        INNER JOIN {{ ref('bridge') }} AS bridge ON bridge.address = lower(swaps.taker)
        WHERE NOT swaps.taker = ''
        """,
    f"{STACK}/marts/v_daily.sql": """\
        SELECT day, user_pseudonym, sum(amount) AS amount FROM {{ ref('fct_swaps') }} GROUP BY day, user_pseudonym
        """,
}


def write_project(folder: Path, changed: Mapping[str, str]) -> Path:
    """The project, with files replaced or added; paths without a folder of their own are below the stack."""
    for name, text in {**FILES, **{full_path(name): text for name, text in changed.items()}}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return folder


def full_path(name: str) -> str:
    return name if name in FILES else f"{STACK}/{name}"


def load_project(folder: Path, changed: Mapping[str, str]) -> Catalog:
    return load(Overrides(date(2025, 3, 1), write_project(folder, changed))).catalog
