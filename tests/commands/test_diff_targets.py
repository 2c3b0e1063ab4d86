"""`measure diff` of the targets of a project: its relations with their declared keys, its selection, its runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.build.workshop import EVERYTHING, Workshop, invoke, open_compiled, open_workshop
from tests.commands.files import Told, write
from tests.privacy.project import FILES as PRIVATE

OTHER = """
[targets.other]
type = "duckdb"
path = "warehouse/other.duckdb"
"""
SALT = "a0b1c2d3e4f5061728394a5b6c7d8e9f"


@pytest.fixture
def two(tmp_path: Path) -> Workshop:
    """A project with two targets; both hold the same build."""
    shop = open_compiled(tmp_path / "shop")
    shop.replace("measure.toml", 'as_of = "2024-04-01"\n', 'as_of = "2024-04-01"\ntarget = "local"\n')
    shop.append("measure.toml", OTHER)
    shop.build()
    shutil.copy(shop.database, other(shop))
    return shop


def other(shop: Workshop) -> Path:
    return shop.folder / "warehouse/other.duckdb"


def told(shop: Workshop, *arguments: str, exit_code: int) -> Told:
    ended = shop.measure("diff", *arguments, "--json")
    assert ended.exit_code == exit_code, ended.stderr
    return Told(ended)


def test_every_relation_that_is_built(two: Workshop) -> None:
    found = told(two, "local", "other", exit_code=0)
    assert found.statuses == dict.fromkeys(EVERYTHING, "same")
    assert found.ended.json["notes"] == []


def test_two_builds_of_the_same_input(two: Workshop) -> None:
    other(two).unlink()
    two.build("--target", "other")
    told(two, "local", "other", exit_code=0)


def test_the_selection_is_that_of_the_project(two: Workshop) -> None:
    found = told(two, "local", "other", "tag:money", "1+fct_share", "--exclude", "fct_share", exit_code=0)
    assert set(found.statuses) == {"fct_region"}
    assert two.measure("diff", "local", "other", "fct_regoin").exit_code == 4
    assert two.measure("diff", "local", "other", "fct_refunds").exit_code == 4, "nothing that was left out is compared"


def test_a_declared_key_goes_before_columns_that_happen_to_be_unique(two: Workshop) -> None:
    two.write(
        "my_stack/marts/fct_named.sql", "SELECT count(*) AS n, region FROM {{ ref('int_located') }} GROUP BY region"
    )
    two.append(
        "my_stack/marts/schema.yml", "  - name: fct_named\n    columns: [{name: region, data_tests: [unique]}]\n"
    )
    write(
        two.database,
        "CREATE OR REPLACE TABLE marts.fct_named AS SELECT * FROM (VALUES (1, 'north'), (2, 'south')) AS v(n, region)",
    )
    write(
        other(two),
        "CREATE OR REPLACE TABLE marts.fct_named AS SELECT * FROM (VALUES (3, 'north'), (2, 'south')) AS v(n, region)",
    )
    found = told(two, "local", "other", "fct_named", exit_code=1)
    assert found.relations["fct_named"]["key"] == ["region"]
    assert found.counts("fct_named") == (2, 2, 0, 0, 1)


def test_a_declared_key_that_is_not_unique_is_no_key(two: Workshop) -> None:
    write(other(two), "INSERT INTO marts.fct_day SELECT day, n_orders + 1, amount FROM marts.fct_day LIMIT 1")
    found = told(two, "local", "other", "fct_day", exit_code=1)
    assert found.counts("fct_day") == (6, 7, 0, 1, 0)


def test_a_target_and_a_file(two: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is found from the working directory, not from the project."""
    monkeypatch.chdir(two.folder.parent)
    write(other(two), "DELETE FROM marts.fct_day WHERE n_orders > 0", "CREATE TABLE marts.extra AS SELECT 1 AS x")
    for sides, numbers in (
        (("local", "shop/warehouse/other.duckdb"), (6, 0, 6, 0, 0)),
        (("shop/warehouse/other.duckdb", "local"), (0, 6, 0, 6, 0)),
    ):
        found = told(two, *sides, exit_code=1)
        assert found.counts("fct_day") == numbers
        assert set(found.statuses) == EVERYTHING, "what the project does not know is not compared"


def test_a_relation_that_one_target_lacks(two: Workshop) -> None:
    write(other(two), "DROP TABLE marts.fct_day")
    found = told(two, "local", "other", exit_code=1)
    assert {name: status for name, status in found.statuses.items() if status != "same"} == {"fct_day": "only_a"}


def test_another_day_of_reference_is_noted(two: Workshop) -> None:
    two.build("--target", "other", "--as-of", "2024-05-01")
    found = told(two, "local", "other", "fct_recent", exit_code=1)
    assert found.ended.json["notes"] == ["local is as of 2024-04-01, other as of 2024-05-01 (stack my_stack)"]
    assert found.cells("fct_recent") == {"n_orders": 1}
    assert "as of 2024-05-01" in two.measure("diff", "local", "other", "fct_recent").stderr


def test_another_stack_is_noted(two: Workshop) -> None:
    write(two.folder / "x.duckdb", "CREATE TABLE t AS SELECT 1 AS x")
    notes = told(two, str(two.folder / "x.duckdb"), str(other(two)), "t", exit_code=1).ended.json["notes"]
    assert notes == [f"{two.folder / 'x.duckdb'} keeps no record of runs"]
    write(other(two), "UPDATE measure_state.runs SET stack = 'another'")
    notes = told(two, str(two.database), str(other(two)), exit_code=0).ended.json["notes"]
    assert notes == [
        f"there was no run of the stack another in {two.database}",
        f"there was no run of the stack my_stack in {other(two)}",
    ]


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        (("lokal", "other"), ('A: there is no target "lokal"', 'Did you mean "local"?')),
        (("local", "othr"), ('B: there is no target "othr"', 'Did you mean "other"?')),
        (("local", "warehouse/none.duckdb"), ("B: there is no file warehouse/none.duckdb",)),
        (("local",), ("Missing argument",)),
    ],
)
def test_a_side_that_is_not_there(two: Workshop, sides: tuple[str, ...], words: tuple[str, ...]) -> None:
    ended = two.measure("diff", *sides)
    assert ended.exit_code == 2
    assert [word for word in words if word not in ended.stderr] == []


def test_a_target_that_is_not_built(two: Workshop) -> None:
    other(two).unlink()
    ended = two.measure("diff", "local", "other")
    assert ended.exit_code == 2
    assert "measure build" in ended.stderr
    assert not other(two).exists()
    write(other(two))
    ended = two.measure("diff", "local", "other")
    assert ended.exit_code == 2
    assert "measure build --target other" in ended.stderr


def test_the_demo_has_one_target(tmp_path: Path) -> None:
    file = write(tmp_path / "x.duckdb", "CREATE TABLE t AS SELECT 1 AS x")
    for name, words in (("local", "starter.duckdb does not exist yet"), ("locl", 'Did you mean "local"?')):
        ended = invoke("diff", name, str(file), "--project-dir", str(tmp_path))
        assert ended.exit_code == 2
        assert words in ended.stderr


def test_internal_relations_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_PII_SALT", SALT)
    shop = open_workshop(tmp_path / "app", PRIVATE)
    shop.build()
    first, second = (shop.folder / f"warehouse/app{ending}" for ending in (".duckdb", ".internal.duckdb"))
    shutil.copy(first, shop.folder / "b.duckdb")
    shutil.copy(second, shop.folder / "b.internal.duckdb")
    b = str(shop.folder / "b.duckdb")
    assert told(shop, "local", b, exit_code=0).relations["bridge"]["internal"] is True
    write(shop.folder / "b.internal.duckdb", "UPDATE internal.bridge SET address = '0xfeedface' WHERE country = 'de'")
    found = told(shop, "local", b, exit_code=1)
    assert {name: status for name, status in found.statuses.items() if status != "same"} == {"bridge": "different"}
    ended = shop.measure("diff", "local", b)
    for said in (found.ended, ended):
        assert not [text for text in ("0xfeedface", "0xaa") if text in (said.stdout + said.stderr).lower()]
    (shop.folder / "b.internal.duckdb").unlink()
    assert told(shop, "local", b, exit_code=1).statuses["bridge"] == "only_a"
