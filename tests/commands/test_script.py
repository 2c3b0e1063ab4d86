"""`measure sql`: a script that, run statement by statement on an empty database, gives the rows of `measure build`."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import EVERYTHING, Ended, Workshop
from tests.commands.comparison import differences
from tests.commands.conftest import Starter


def run_script(text: str, database: Path) -> None:
    """Each statement on its own, as a person's own client would send it."""
    with duckdb.connect(str(database)) as connection:
        for statement in connection.extract_statements(text):
            connection.execute(statement)


def test_the_script_of_the_starter_gives_the_rows_of_the_build(starter: Starter, tmp_path: Path) -> None:
    ended = starter.project.run("sql")
    assert ended.exit_code == 0
    script, built = tmp_path / "script.duckdb", starter.project.database
    run_script(ended.stdout, script)
    assert differences(script, built) == {}


def test_the_script_runs_a_second_time(built: Workshop, tmp_path: Path) -> None:
    text = built.measure("sql").stdout
    run_script(text, tmp_path / "script.duckdb")
    run_script(text, tmp_path / "script.duckdb")
    assert differences(tmp_path / "script.duckdb", built.database) == {}


def test_the_script_of_a_stack_with_every_kind_of_model(built: Workshop, tmp_path: Path) -> None:
    ended = built.measure("sql")
    run_script(ended.stdout, tmp_path / "script.duckdb")
    assert differences(tmp_path / "script.duckdb", built.database) == {}
    assert len(built.relations()) == len(EVERYTHING)


def test_the_script_keeps_hooks_and_comments(shop: Workshop, tmp_path: Path) -> None:
    shop.replace(
        "my_stack/marts/fct_day.sql", "order_by", "post_hook='CREATE TABLE marts.hooked AS SELECT 1 AS n', order_by"
    )
    run_script(shop.measure("sql").stdout, tmp_path / "script.duckdb")
    with duckdb.connect(str(tmp_path / "script.duckdb")) as connection:
        assert connection.execute("SELECT n FROM marts.hooked").fetchall() == [(1,)]
        comments = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'fct_day'").fetchall()
    assert comments == [("Orders per day.",)]


def test_the_script_touches_no_target(shop: Workshop) -> None:
    assert shop.measure("sql").exit_code == 0
    assert not shop.database.exists()


def test_the_script_of_a_part_holds_the_part(built: Workshop) -> None:
    text = built.measure("sql", "+fct_day", "--exclude", "source.*").stdout
    assert "fct_day" in text
    assert "fct_region" not in text
    assert text.index('"stg_orders" AS') < text.index('"fct_day" AS')


def test_the_script_does_not_depend_on_the_last_build(shop: Workshop) -> None:
    before = shop.measure("sql").stdout
    shop.build()
    assert shop.measure("sql").stdout == before


def test_one_select(built: Workshop) -> None:
    ended = built.measure("sql", "fct_region", "--select-only")
    rows = built.query(ended.stdout)
    assert sorted(rows) == built.query("SELECT * FROM marts.fct_region ORDER BY ALL")
    assert len(duckdb.extract_statements(ended.stdout)) == 1


def test_one_select_through_an_ephemeral_model(built: Workshop) -> None:
    ended = built.measure("sql", "fct_large", "--select-only")
    assert built.query(ended.stdout) == built.query("SELECT * FROM marts.fct_large")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["fct_region", "fct_day"], 2, "one model"),
        (["fct_refunds"], 2, "no source refunds"),
        (["cities"], 2, "cities"),
        (["fct_regoin"], 4, "fct_region"),
        ([], 2, "one model"),
    ],
)
def test_select_only_wants_one_model(built: Workshop, arguments: list[str], exit_code: int, told: str) -> None:
    ended = built.measure("sql", *arguments, "--select-only")
    assert ended.exit_code == exit_code
    assert ended.stdout == ""
    assert told in ended.stderr


# -- one month of an incremental model -------------------------------------------------------------------------------


def month(shop: Workshop, *arguments: str) -> Ended:
    return shop.measure("sql", "fct_monthly", "--batch", "2024-02", *arguments)


def test_a_batch_replaces_exactly_its_month(built: Workshop) -> None:
    """Every stored row is marked; the rows of February lose their mark, those of the other months keep it."""
    built.execute(
        "UPDATE marts.fct_monthly SET amount = -1; INSERT INTO marts.fct_monthly VALUES (99, DATE '2024-02-10', -1)"
    )
    ended = month(built)
    assert ended.exit_code == 0, ended.stderr
    run_script(ended.stdout, built.database)
    rows = built.query("SELECT id, CAST(amount AS DOUBLE) FROM marts.fct_monthly ORDER BY id")
    assert rows == [(1, -1), (2, -1), (3, 70), (4, 5.25), (5, -1), (6, -1)]


def test_a_batch_twice_is_a_batch_once(built: Workshop) -> None:
    before = built.query("SELECT * FROM marts.fct_monthly ORDER BY ALL")
    for _ in range(3):
        run_script(month(built).stdout, built.database)
    assert built.query("SELECT * FROM marts.fct_monthly ORDER BY ALL") == before


def test_a_batch_lands_whole_or_not_at_all(built: Workshop) -> None:
    text = month(built).stdout
    kinds = [str(statement.type).rpartition(".")[2] for statement in duckdb.extract_statements(text)]
    assert kinds == ["TRANSACTION", "DELETE", "INSERT", "TRANSACTION"]


def test_only_incremental_models_have_batches(built: Workshop) -> None:
    text = built.measure("sql", "--batch", "2024-02").stdout
    assert "fct_monthly" in text
    assert '"fct_day"' not in text
    ended = built.measure("sql", "fct_day", "--batch", "2024-02")
    assert ended.exit_code == 2
    assert "incremental" in ended.stderr


def test_the_select_of_a_batch(built: Workshop) -> None:
    ended = month(built, "--select-only")
    assert [row[0] for row in sorted(built.query(ended.stdout))] == [3, 4]


def test_a_batch_of_december_ends_with_the_year(built: Workshop) -> None:
    text = built.measure("sql", "fct_monthly", "--batch", "2023-12").stdout
    assert "2023-12-01" in text
    assert "2024-01-01" in text
