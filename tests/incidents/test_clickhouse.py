"""What ClickHouse does otherwise than everybody expects."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.build.workshop import ROOT, Workshop, open_workshop, process_environment

N_MONTHS = 130
ORDERS = "id,day,city,amount\n" + "".join(
    f"{n},{2010 + n // 12}-{n % 12 + 1:02d}-15,{('Oslo', 'Rome', 'Paris')[n % 3]},{n}.00\n" for n in range(N_MONTHS)
)
FILES = {
    "data/orders.csv": ORDERS,
    "my_stack/marts/fct_share.sql": "SELECT region, gross FROM {{ ref('fct_region') }}\n",
    "my_stack/marts/fct_placed.sql": """\
        {{ config(materialized='table') }}
        SELECT orders.id, cities.region
        FROM {{ ref('stg_orders') }} AS orders
        LEFT JOIN {{ ref('cities') }} AS cities ON orders.city = cities.city
        """,
    "my_stack/marts/fct_capped.sql": """\
        {{ config(materialized='table') }}
        SELECT id, CASE WHEN amount > 50 THEN 0 ELSE amount END AS amount
        FROM {{ ref('stg_orders') }}
        WHERE amount > 50
        """,
}
TARGET = '\n[targets.ch]\ntype = "clickhouse"\nurl = "chdb://warehouse/ch"\n'


def plain(folder: Path, *statements: str) -> subprocess.CompletedProcess[str]:
    """The last of some statements on ClickHouse as it comes."""
    return subprocess.run(
        [sys.executable, "-m", "tests.incidents.plain_clickhouse", str(folder), *statements],
        cwd=ROOT, env=process_environment(), text=True, capture_output=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    shop = open_workshop(tmp_path_factory.mktemp("incidents") / "shop", FILES)
    shop.append("measure.toml", TARGET)
    shop.write("my_stack/marts/schema.yml", "models: []\n")
    ended = shop.run("build", "--target", "ch")
    assert ended.exit_code == 0, ended.stderr
    return shop


def value(shop: Workshop, sql: str) -> Any:
    """The only value of a query on the target."""
    ended = plain(shop.folder / "warehouse/ch", sql)
    assert ended.returncode == 0, ended.stderr
    ((found,),) = json.loads(ended.stdout)
    return found


def test_left_join_defaults(shop: Workshop, tmp_path: Path) -> None:
    """Paris has no region: NULL, not an empty text."""
    naive = plain(
        tmp_path,
        "SELECT count(b.region) FROM (SELECT 'Paris' AS city) AS a "
        "LEFT JOIN (SELECT 'Oslo' AS city, 'n' AS region) AS b ON a.city = b.city WHERE b.region = ''",
    )
    assert json.loads(naive.stdout) == [[1]]
    assert value(shop, "SELECT count(*) AS n FROM marts.fct_placed WHERE region IS NULL") == N_MONTHS // 3
    assert value(shop, "SELECT count(*) AS n FROM marts.fct_placed WHERE region = ''") == 0


def test_alias_shadows_column(shop: Workshop, tmp_path: Path) -> None:
    """WHERE is about the column, whatever the output calls amount."""
    naive = plain(
        tmp_path,
        "SELECT count() FROM (SELECT if(number > 50, 0, number) AS number FROM numbers(130) WHERE number > 50)",
    )
    assert json.loads(naive.stdout) == [[0]]
    assert value(shop, "SELECT count(*) AS n FROM marts.fct_capped") == N_MONTHS - 51


def test_partition_cap(shop: Workshop, tmp_path: Path) -> None:
    """More months than ClickHouse lets one INSERT write to."""
    naive = plain(
        tmp_path,
        "CREATE DATABASE d",
        "CREATE TABLE d.t (day Date) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY day",
        f"INSERT INTO d.t SELECT addMonths(toDate('2010-01-01'), number) FROM numbers({N_MONTHS})",
        "SELECT count() FROM d.t",
    )
    assert "TOO_MANY_PARTS" in naive.stderr
    assert value(shop, "SELECT count(*) AS n FROM marts.fct_monthly") == N_MONTHS
    again = shop.run("refresh", "--target", "ch", "--full", "--batch-months", "120")
    assert again.exit_code == 0, again.stderr
    assert value(shop, "SELECT count(*) AS n FROM marts.fct_monthly") == N_MONTHS
