"""`measure diff` of one build on two engines: DuckDB and ClickHouse, embedded, in processes of their own."""

from __future__ import annotations

import pytest

from tests.build.workshop import EVERYTHING, Workshop, open_workshop
from tests.commands.files import Told, write

CLICKHOUSE = """
[targets.ch]
type = "clickhouse"
url = "chdb://warehouse/ch"
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The same input, built on both."""
    shop = open_workshop(tmp_path_factory.mktemp("engines"))
    shop.replace("measure.toml", 'as_of = "2024-04-01"\n', 'as_of = "2024-04-01"\ntarget = "local"\n')
    shop.append("measure.toml", CLICKHOUSE)
    shop.replace("my_stack/marts/fct_share.sql", "sum(gross) OVER ()", "nullif(CAST(sum(gross) OVER () AS DOUBLE), 0)")
    shop.replace("my_stack/marts/fct_share.sql", "gross /", "CAST(gross AS DOUBLE) /")
    for target in ("local", "ch"):
        ended = shop.run("build", "--target", target)
        assert ended.exit_code == 0, ended.stderr
    return shop


def told(shop: Workshop, *arguments: str, exit_code: int) -> Told:
    ended = shop.run("diff", *arguments, "--json")
    assert ended.exit_code == exit_code, ended.stderr
    return Told(ended)


def test_the_same_rows_whatever_the_types_are_called(two: Workshop) -> None:
    for sides in (("local", "ch"), ("ch", "warehouse/shop.duckdb")):
        assert told(two, *sides, exit_code=0).statuses == dict.fromkeys(EVERYTHING, "same")


def test_what_is_changed_on_one_of_them(two: Workshop) -> None:
    edited = two.folder / "edited.duckdb"
    edited.write_bytes(two.database.read_bytes())
    write(
        edited,
        "UPDATE marts.fct_region SET gross = gross * 1.0000001, label = 'other' WHERE region = 'north'",
        "UPDATE marts.fct_share SET share = share * (1 + 1e-12)",
        "DELETE FROM marts.fct_day WHERE day = DATE '2024-02-29'",
        "ALTER TABLE marts.fct_large ALTER amount TYPE DOUBLE",
    )
    found = told(two, "ch", "edited.duckdb", "layer:marts", exit_code=1)
    different = {name for name, status in found.statuses.items() if status != "same"}
    assert different == {"fct_region", "fct_day", "fct_large"}
    assert found.cells("fct_region") == {"gross": 1, "label": 1}
    assert found.counts("fct_day") == (6, 5, 1, 0, 0)
    assert found.relations["fct_day"]["samples"]["only_a"][0]["day"] == "2024-02-29"
    assert [column["name"] for column in found.relations["fct_large"]["columns"]] == ["amount"]
