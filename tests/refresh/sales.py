"""A project whose one incremental model has every kind of audit that may look at parts of it.

source.sales ── stg_sales ────────────────┐
source.sellers ── stg_sellers ── int_sellers ── fct_sales (incremental, looks back 31 days) ── registry kinds
source.totals ── stg_totals ──────────────┘
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.build.workshop import CACHE, Ended, Workshop

AS_OF = "2024-07-01"
MODEL = "fct_sales"
FILES = {
    "measure.toml": f"""\
        [project]
        name = "shop"
        stack = "my_stack"
        as_of = "{AS_OF}"

        [targets.local]
        type = "duckdb"
        path = "warehouse/shop.duckdb"

        [sources.sales]
        path = "data/sales.csv"

        [sources.sellers]
        path = "data/sellers.csv"

        [sources.totals]
        path = "data/totals.csv"
        """,
    "my_stack/stack.yml": """\
        name: my_stack
        description: Sales.
        vars:
          earliest: {type: str, default: "2024-01-01", description: First day that is expected.}
        """,
    "my_stack/sources.yml": """\
        sources:
          - name: sales
            description: Sales.
            required: true
            columns:
              - {name: id, data_type: bigint, required: true, description: Number.}
              - {name: sold_at, data_type: timestamp, required: true, description: When.}
              - {name: buyer, data_type: varchar, required: true, description: Who.}
              - {name: kind, data_type: varchar, required: true, description: What.}
              - {name: amount, data_type: bigint, required: true, description: How much.}
              - {name: seller, data_type: varchar, required: true, description: From whom.}
              - {name: basket, data_type: varchar, required: true, description: Of what it is a share.}
              - {name: share, data_type: double, required: true, description: How large a share.}
          - name: sellers
            description: Sellers.
            required: true
            columns:
              - {name: seller, data_type: varchar, required: true, description: Who.}
              - {name: came_at, data_type: timestamp, required: true, description: When.}
          - name: totals
            description: What sales are shares of.
            required: true
            columns:
              - {name: basket, data_type: varchar, required: true, description: Which.}
              - {name: counted_at, data_type: timestamp, required: true, description: When.}
        """,
    "my_stack/registries.yml": """\
        registries:
          - name: kinds
            description: Kinds of sales.
            key: [kind]
            columns:
              - {name: kind, data_type: varchar, required: true, description: The kind.}
        """,
    "my_stack/staging/stg_sales.sql": """\
        {{ config(materialized='table', time_column='sold_at') }}
        SELECT id, sold_at, buyer, kind, amount, seller, basket, share
        FROM {{ source('sales') }}
        WHERE _unreadable IS NULL
        """,
    "my_stack/staging/stg_sellers.sql": """\
        {{ config(materialized='table', time_column='came_at') }}
        SELECT seller, came_at FROM {{ source('sellers') }} WHERE _unreadable IS NULL
        """,
    "my_stack/staging/stg_totals.sql": """\
        {{ config(materialized='table', time_column='counted_at') }}
        SELECT basket, counted_at FROM {{ source('totals') }} WHERE _unreadable IS NULL
        """,
    "my_stack/intermediate/int_sellers.sql": """\
        {{ config(materialized='view', time_column='came_at') }}
        SELECT seller, came_at FROM {{ ref('stg_sellers') }}
        """,
    f"my_stack/marts/{MODEL}.sql": """\
        {{ config(materialized='incremental', time_column='sold_at', lookback=31) }}
        SELECT
          sales.id, sales.sold_at, sales.buyer, sales.kind, sales.amount, sales.seller, sales.basket, sales.share,
          count(sellers.seller) AS n_visits, count(totals.basket) AS n_totals
        FROM {{ ref('stg_sales') }} AS sales
        LEFT JOIN {{ ref('int_sellers') }} AS sellers
          ON sales.seller = sellers.seller
          AND sellers.came_at <= sales.sold_at
          AND sellers.came_at >= sales.sold_at - INTERVAL 31 DAY
        LEFT JOIN {{ ref('stg_totals') }} AS totals
          ON sales.basket = totals.basket AND totals.counted_at = sales.sold_at
        {%- if is_incremental() %}
        WHERE sales.sold_at >= {{ batch.start }} AND sales.sold_at < {{ batch.end }}
        {%- endif %}
        GROUP BY
          sales.id, sales.sold_at, sales.buyer, sales.kind, sales.amount, sales.seller, sales.basket, sales.share
        """,
    "my_stack/marts/schema.yml": """\
        models:
          - name: fct_sales
            description: Sales.
            columns:
              - name: id
                data_tests:
                  - unique: {severity: SEVERITY}
                  - relationships: {to: stg_sales, field: id, severity: SEVERITY}
              - name: buyer
                data_tests:
                  - not_null: {severity: SEVERITY, store_failures: true}
              - name: kind
                data_tests:
                  - accepted_values: {values: [shoe, hat, bag], severity: SEVERITY, where: amount <> 13}
                  - relationships: {name: is_registered, to: kinds, field: kind, severity: SEVERITY}
              - name: seller
                data_tests:
                  - relationships: {to: int_sellers, field: seller, severity: SEVERITY, warn_if: ">1", error_if: ">2"}
              - name: sold_at
                data_tests:
                  - not_before: {var: earliest, severity: SEVERITY}
              - name: amount
                data_tests:
                  - accepted_range: {min_value: 0, max_value: 50, severity: SEVERITY}
            data_tests:
              - unique_combination_of_columns: {columns: [buyer, kind], severity: SEVERITY}
              - unique_combination_of_columns: {name: at_once, columns: [buyer, sold_at], severity: SEVERITY}
              - expression_is_true: {expression: amount <> 7, severity: SEVERITY}
              - credit_conservation: {key: [basket], models: [share], conversions: stg_totals, severity: SEVERITY}
              - row_count_between: {max_value: 9, severity: SEVERITY}
        """,
    "my_stack/audits/hats_are_cheap.sql": """\
        {{ config(scope='rows', severity='SEVERITY') }}
        SELECT id FROM {{ same_days(ref('fct_sales')) }} AS sales WHERE kind = 'hat' AND amount > 40
        """,
}

Sale = tuple[int, datetime, str, str, int, str, str, float]


@dataclass
class World:
    """All rows, as they are now."""

    sales: list[Sale] = field(default_factory=list)
    sellers: list[tuple[str, datetime]] = field(default_factory=list)
    totals: list[tuple[str, datetime]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=lambda: ["bag", "hat", "shoe"])
    earliest: str = "2024-01-01"

    def sell(self, number: int, at: datetime, **values: Any) -> None:
        """A sale that offends nothing but by these values, with all that it needs."""
        facts = {"buyer": f"buyer {number}", "kind": "shoe", "amount": 20, "seller": "ann", "basket": f"t{number}"}
        facts |= {"share": 1.0, **values}
        self.sales.append((number, at, *facts.values()))  # type: ignore[arg-type]
        if ("ann", at) not in self.sellers:
            self.sellers.append(("ann", at))
        if all(name != f"t{number}" for name, _ in self.totals):
            self.totals.append((f"t{number}", at))


class SalesShop(Workshop):
    """The project of one folder."""

    def follow(self, world: World) -> None:
        """Write the inputs anew."""
        sales = ("id", "sold_at", "buyer", "kind", "amount", "seller", "basket", "share")
        self.write("data/sales.csv", csv_text(sales, world.sales))
        self.write("data/sellers.csv", csv_text(("seller", "came_at"), world.sellers))
        self.write("data/totals.csv", csv_text(("basket", "counted_at"), world.totals))
        self.write("my_stack/registries/kinds.csv", csv_text(("kind",), [(kind,) for kind in sorted(world.kinds)]))

    def refresh(self, *arguments: str) -> Ended:
        """A refresh, whether its audits pass or not."""
        ended = self.measure("refresh", *arguments, "--json")
        assert ended.exit_code in (0, 1), ended.stderr
        return ended


def csv_text(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    return "\n".join([",".join(columns), *(",".join(str(cell) for cell in row) for row in rows)]) + "\n"


def verdicts(ended: Ended) -> dict[str, tuple[str, int]]:
    """How the audits of the model ended, with what they counted."""
    return {
        name: (audit["status"], audit["failures"]) for (model, name), audit in ended.audits.items() if model == MODEL
    }


@cache
def compiled(severity: str) -> str:
    """What the tool remembers of the project's templates: given to a fresh project, its first run is faster."""
    with TemporaryDirectory() as folder:
        shop = write_files(Path(folder), severity)
        shop.follow(World())
        shop.build()
        shop.refresh("--full")
        return shop.read(CACHE)


def write_files(folder: Path, severity: str) -> SalesShop:
    shop = SalesShop(folder)
    for path, text in FILES.items():
        shop.write(path, text.replace("SEVERITY", severity))
    return shop


def open_sales(folder: Path, world: World, severity: str = "error") -> SalesShop:
    """A fresh project with some rows."""
    shop = write_files(folder, severity)
    shop.write(CACHE, compiled(severity))
    shop.follow(world)
    return shop
