"""`measure sql` for engines that the tool does not run on: as well as sqlglot can write it, and it says so."""

from __future__ import annotations

import json

import pytest
import sqlglot

from tests.commands.conftest import Starter


@pytest.mark.parametrize("dialect", ["postgres", "redshift", "databricks", "trino"])
def test_every_relation_is_in_the_script_and_the_dialect_can_read_it(starter: Starter, dialect: str) -> None:
    ended = starter.project.run("sql", "--dialect", dialect)
    assert ended.exit_code == 0, ended.stderr
    assert f"{dialect}: a translation that nobody has executed" in ended.stderr
    trees = sqlglot.parse(ended.stdout, read=dialect)
    made = [tree for tree in trees if isinstance(tree, sqlglot.exp.Create) and tree.kind in ("TABLE", "VIEW")]
    listed = json.loads(starter.project.run("list", "--json").stdout)
    assert {tree.this.find(sqlglot.exp.Table).name for tree in made} == {row["name"].split(".")[-1] for row in listed}


def test_one_select(starter: Starter) -> None:
    ended = starter.project.run("sql", "fct_coverage_daily", "--select-only", "--dialect", "postgres")
    assert ended.exit_code == 0
    assert isinstance(sqlglot.parse_one(ended.stdout, read="postgres"), sqlglot.exp.Query)


def test_a_name_that_is_no_dialect(starter: Starter) -> None:
    ended = starter.project.run("sql", "--dialect", "postgrez")
    assert ended.exit_code == 2
    assert 'unknown dialect "postgrez"' in ended.stderr
    assert 'Did you mean "postgres"?' in ended.stderr
