"""`measure sql` for engines that the tool does not run on: as well as sqlglot can write it, and it says so."""

from __future__ import annotations

import pytest
import sqlglot

from measure_cli.dialects.other import other_dialects, statements_of, translate
from tests.build.workshop import Workshop
from tests.commands.conftest import Starter
from tests.handed_on import hand_on

STACKS = ("starter", "gnosis")
READABLE = ("bigquery", "databricks", "mysql", "postgres", "redshift", "spark", "sqlite", "trino", "tsql")
WINDOW = """\
{{ config(materialized='table') }}
SELECT
  id,
  count(*) FILTER (WHERE amount > 1)
    OVER (ORDER BY amount RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS near
FROM {{ ref('stg_orders') }}
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[sqlglot.exp.Expr]]:
    """The script of each bundled stack, read once for all dialects."""
    projects = {stack: Workshop(hand_on(stack, tmp_path_factory.mktemp(stack))) for stack in STACKS}
    return {
        stack: statements_of(project.measure("sql", "--stack", stack, "--dialect", "duckdb").stdout)
        for stack, project in projects.items()
    }


@pytest.mark.parametrize(
    ("stack", "dialect"),
    [*(("starter", dialect) for dialect in other_dialects()), *(("gnosis", dialect) for dialect in READABLE)],
)
def test_every_dialect_takes_every_statement(
    scripts: dict[str, list[sqlglot.exp.Expr]], stack: str, dialect: str
) -> None:
    translation = translate(scripts[stack], dialect)
    assert translation.failed == ()
    assert "WINDOW " not in translation.text, "written out where it is used"


@pytest.mark.parametrize("dialect", READABLE)
def test_every_relation_is_in_the_script_and_the_dialect_can_read_it(starter: Starter, dialect: str) -> None:
    ended = starter.project.measure("sql", "--dialect", dialect)
    assert ended.exit_code == 0, ended.stderr
    assert f"{dialect}: a translation that nobody has executed" in ended.stderr
    # one by one: in T-SQL what follows an IF is read as a part of it
    trees = [tree for text in ended.stdout.split(";\n\n") for tree in sqlglot.parse(text, read=dialect)]
    made = [tree.this for tree in trees if isinstance(tree, sqlglot.exp.Create) and tree.kind in ("TABLE", "VIEW")]
    made += [tree.args["into"] for tree in trees if isinstance(tree, sqlglot.exp.Select)]  # T-SQL has no other way
    listed = starter.project.measure("list", "--json").json
    assert {part.find(sqlglot.exp.Table).name for part in made} == {row["name"].split(".")[-1] for row in listed}


@pytest.mark.parametrize("dialect", ["mysql", "tsql"])
def test_what_a_dialect_lacks_is_said(starter: Starter, dialect: str) -> None:
    ended = starter.project.measure("sql", "fct_funnel_daily", "--dialect", dialect)
    assert "'NULLS LAST' translation not supported" in ended.stderr


def test_a_named_window_is_the_same_where_it_is_used() -> None:
    named = (
        "SELECT sum(a) OVER w AS x, sum(a) OVER (w ROWS 1 PRECEDING) AS y, "
        "(SELECT max(n) FROM (SELECT count(*) OVER w AS n FROM t WINDOW w AS (ORDER BY a))) AS z "
        "FROM t WINDOW v AS (PARTITION BY b), w AS (v ORDER BY c)"
    )
    plain = (
        "SELECT sum(a) OVER (PARTITION BY b ORDER BY c) AS x, "
        "sum(a) OVER (PARTITION BY b ORDER BY c ROWS 1 PRECEDING) AS y, "
        "(SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY a) AS n FROM t)) AS z FROM t"
    )
    assert translate(statements_of(named), "postgres") == translate(statements_of(plain), "postgres")


def test_what_cannot_be_written_is_named_and_the_rest_is_there(shop: Workshop) -> None:
    shop.write("my_stack/marts/fct_near.sql", WINDOW)
    ended = shop.measure("sql", "--dialect", "tsql")
    assert ended.exit_code == 1
    assert "cannot be written in tsql, and is missing in the script: marts.fct_near: " in ended.stderr
    assert "-- marts.fct_near cannot be written in tsql" in ended.stdout
    assert "fct_share" in ended.stdout
    ended = shop.measure("sql", "--dialect", "tsql", "--json")
    assert (ended.exit_code, len(ended.json["failed"])) == (1, 1)


def test_one_select(starter: Starter) -> None:
    ended = starter.project.run("sql", "fct_coverage_daily", "--select-only", "--dialect", "postgres")
    assert ended.exit_code == 0
    assert isinstance(sqlglot.parse_one(ended.stdout, read="postgres"), sqlglot.exp.Query)


def test_a_name_that_is_no_dialect(starter: Starter) -> None:
    ended = starter.project.run("sql", "--dialect", "postgrez")
    assert ended.exit_code == 2
    assert 'unknown dialect "postgrez"' in ended.stderr
    assert 'Did you mean "postgres"?' in ended.stderr
