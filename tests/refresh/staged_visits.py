"""The project of the visits with one incremental model more, which is built by kinds: its stages."""

from __future__ import annotations

import re
from pathlib import Path

from tests.refresh.visits import Rows, VisitShop, open_visits

MODEL = "my_stack/marts/fct_visits.sql"
FILLING = 'INSERT INTO "marts"."fct_visits__batches"'
KIND = "nullif(visits.kind, 'unknown')"
SELECT = f"""\
SELECT CAST(visits.visited_at AS DATE) AS day, {KIND} AS kind, count(*) AS n_visits
FROM {{{{ ref('stg_visits') }}}} AS visits
"""
GROUPED = f"GROUP BY CAST(visits.visited_at AS DATE), {KIND}\n"
FILTERED = f"""\
{{%- if is_incremental() %}}
WHERE visits.visited_at >= {{{{ batch.start }}}} AND visits.visited_at < {{{{ batch.end }}}}
  AND {{{{ batch.stage("{KIND}") }}}}
{{%- endif %}}
"""
FROM_REGISTRY = "registry('kinds') | map(attribute='kind') | list"
"""mail and search; rows of no kind are in none of these stages."""


def config(stages: str = FROM_REGISTRY, stage_by: str = "kind") -> str:
    keys = f"materialized='incremental', time_column='day', stage_by='{stage_by}', stages={stages}"
    return f"{{{{ config({keys}) }}}}\n"


def add_stages(shop: VisitShop, body: str = SELECT + FILTERED + GROUPED, head: str = "") -> None:
    """Give a project the model."""
    shop.write(MODEL, (head or config()) + body)


NO_ROWS = Rows()


def open_staged(folder: Path, rows: Rows = NO_ROWS) -> VisitShop:
    """A fresh project with the model and some rows."""
    shop = open_visits(folder, rows)
    add_stages(shop)
    return shop


def computed_batches(told: str, model: str = "fct_visits") -> list[str]:
    """The batches of a model in the order in which they ended, as its progress was told."""
    return re.findall(rf"^ +{model} (\S.*?) \d+/\d+ ", told, re.MULTILINE)
