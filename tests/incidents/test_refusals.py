"""What is refused before anything is built, and what is never written down."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.build.workshop import Workshop, open_workshop
from tests.refresh.visits import SALT, VisitShop


def test_duplicate_registry_row(tmp_path: Path) -> None:
    """A city that stands twice in the registry would count its orders twice."""
    shop: Workshop = open_workshop(tmp_path / "shop")
    shop.build()
    naive = (
        "SELECT count(*) FROM staging.stg_orders AS orders INNER JOIN "
        "(SELECT city FROM registries.cities UNION ALL SELECT 'Oslo') AS cities ON orders.city = cities.city"
    )
    located = "SELECT count(*) FROM intermediate.int_located"
    assert shop.query(naive) > shop.query(located)
    before = shop.content()
    shop.append("my_stack/registries/cities.csv", "Oslo,north\n")
    ended = shop.measure("build")
    assert ended.exit_code == 2
    assert "my_stack/registries/cities.csv:5" in ended.stderr
    assert "Oslo" in ended.stderr
    assert shop.content() == before


def test_salt_in_query_log(shop: VisitShop) -> None:
    """The salt is a value that is bound: it stands in no statement, no file and no output."""
    naive = shop.folder / "naive.duckdb"
    with duckdb.connect(str(naive)) as connection:
        connection.execute(f"CREATE VIEW pseudonyms AS SELECT sha256('ann' || '{SALT}') AS pseudonym")
    assert SALT.encode() in naive.read_bytes()
    told = [shop.measure("sql"), shop.measure("refresh", "--full"), shop.measure("status")]
    assert "pii_" in told[0].stdout, "the script names what it needs"
    files = [file for file in shop.folder.rglob("*") if file.is_file() and file != naive]
    assert len(files) > 10
    assert [file.name for file in files if SALT.encode() in file.read_bytes()] == []
    assert [ended for ended in told if SALT in ended.stdout + ended.stderr] == []


def test_address_in_public_table(shop: VisitShop) -> None:
    """Who may read the view would read the names in the bridge."""
    before = shop.everything()
    second = shop.database.with_name("shop.internal.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{second}' AS bridge (READ_ONLY)")
        leaked = connection.execute("SELECT DISTINCT visitor FROM bridge.internal.int_raw").fetchall()
    assert leaked == [("ann",)]
    shop.write("my_stack/marts/fct_names.sql", "SELECT DISTINCT visitor FROM {{ ref('int_raw') }}\n")
    ended = shop.measure("build")
    assert ended.exit_code == 2
    assert "source.orders.visitor" in ended.stderr
    assert "fct_names.visitor" in ended.stderr
    assert shop.everything() == before
