"""measure.toml and the common options: every mistake is named with its line, and nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.project import (
    CONFIG,
    Case,
    assert_message,
    assert_refused,
    change,
    contents,
    measure,
    params,
    remove,
    write,
)

SECOND_TARGET = '[targets.other]\ntype = "duckdb"\n\n[sources.spend]'

SHAPE = (
    Case(
        "text without quotes",
        (change(CONFIG, 'name = "shop"', "name = shop"),),
        ("is not valid TOML", "  name = shop"),
        (CONFIG, "name = shop"),
    ),
    Case(
        "not UTF-8", (write(CONFIG, b'[project]\nname = "caf\xe9"\n'),), ("measure.toml: is not UTF-8 text (byte 21)",)
    ),
    Case(
        "unknown table",
        (change(CONFIG, "[vars]", "[variables]"),),
        ('unknown key "variables" in measure.toml', 'Did you mean "vars"?'),
        (CONFIG, "[variables]"),
    ),
    Case(
        "unknown key of the project",
        (change(CONFIG, "stack =", "stak ="),),
        ('unknown key "stak" in [project]', 'Did you mean "stack"?'),
        (CONFIG, "stak ="),
    ),
    Case(
        "unknown key of a target",
        (change(CONFIG, 'type = "duckdb"', 'type = "duckdb"\nmemory = "1GB"'),),
        ('unknown key "memory" in [targets.local]', 'Did you mean "memory_limit"?'),
        (CONFIG, "memory ="),
    ),
    Case(
        "unknown key of a source",
        (change(CONFIG, '"data/spend.csv"', '"data/spend.csv"\ncolums = {}'),),
        ('unknown key "colums" in [sources.spend]', 'Did you mean "columns"?'),
        (CONFIG, "colums ="),
    ),
    Case(
        "number for a name",
        (change(CONFIG, 'name = "shop"', "name = 3"),),
        ('"name" in [project] must be a text, found the number 3',),
        (CONFIG, "name = 3"),
    ),
    Case(
        "empty name",
        (change(CONFIG, 'name = "shop"', 'name = " "'),),
        ("\"name\" in [project] must be a text, found the text ' '",),
        (CONFIG, 'name = " "'),
    ),
    Case(
        "project is no table",
        (write(CONFIG, 'project = "shop"\n'),),
        ("\"project\" in measure.toml must be a table of keys and values, found the text 'shop'",),
        (CONFIG, "project ="),
    ),
    Case(
        "target is no table",
        (change(CONFIG, "[vars]", "[targets]\nother = 1\n[vars]"), change(CONFIG, "[targets.local]", "[targets_of]")),
        ("[targets.other] must be a table of keys and values, found the number 1",),
    ),
    Case(
        "list of sources",
        (change(CONFIG, "[sources.spend]", "[[sources.spend]]"),),
        ("[sources.spend] must be a table of keys and values, found the list",),
    ),
    Case(
        "variables are a list",
        (write(CONFIG, 'vars = [7]\n[project]\nname = "shop"\n'),),
        ('"vars" in measure.toml must be a table of keys and values, found the list [7]',),
        (CONFIG, "vars ="),
    ),
    Case(
        "day that does not exist",
        (change(CONFIG, '"2025-03-01"', '"2025-02-30"'),),
        ("\"as_of\" must be a day such as 2025-06-30, found the text '2025-02-30'",),
        (CONFIG, "as_of ="),
    ),
    Case(
        "number for a day",
        (change(CONFIG, '"2025-03-01"', "20250301"),),
        ('"as_of" must be a day such as 2025-06-30, found the number 20250301',),
        (CONFIG, "as_of ="),
    ),
    Case(
        "moment for a day",
        (change(CONFIG, '"2025-03-01"', "2025-03-01T10:00:00"),),
        ('"as_of" must be a day such as 2025-06-30, found',),
        (CONFIG, "as_of ="),
    ),
    Case(
        "week for a day",
        (change(CONFIG, '"2025-03-01"', '"2025-W09-6"'),),
        ("\"as_of\" must be a day such as 2025-06-30, found the text '2025-W09-6'",),
        (CONFIG, "as_of ="),
    ),
)

STACK_AND_TARGET = (
    Case(
        "unknown stack",
        (change(CONFIG, '"sql_templates/shop"', '"startr"'),),
        ('unknown stack "startr" (stack in measure.toml, or --stack)', 'Did you mean "starter"?'),
    ),
    Case(
        "stack folder without stack.yml",
        (remove("sql_templates/shop/stack.yml"),),
        ('unknown stack "sql_templates/shop" (stack in measure.toml, or --stack)', "a folder with a stack.yml below "),
    ),
    Case(
        "unknown stack asked for",
        (),
        ('unknown stack "startr"', "or --stack)", 'Did you mean "starter"?'),
        None,
        ("build", "--stack", "startr"),
    ),
    Case(
        "unknown target",
        (change(CONFIG, 'target = "local"', 'target = "locl"'),),
        ('there is no target "locl"', 'Did you mean "local"?'),
        (CONFIG, "target = "),
    ),
    Case(
        "unknown target asked for",
        (),
        ('--target: there is no target "locl"', 'Did you mean "local"?'),
        None,
        ("build", "--target", "locl"),
    ),
    Case(
        "unknown target type",
        (change(CONFIG, 'type = "duckdb"', 'type = "duckbd"'),),
        ('unknown target type "duckbd"', 'Did you mean "duckdb"?'),
        (CONFIG, "type ="),
    ),
    Case(
        "target without a type",
        (change(CONFIG, 'type = "duckdb"\n', ""),),
        ('[targets.local] needs the key "type"',),
        (CONFIG, "[targets.local]"),
    ),
    Case(
        "several targets and none chosen",
        (change(CONFIG, 'target = "local"\n', ""), change(CONFIG, "[sources.spend]", SECOND_TARGET)),
        ("measure.toml:1: several targets are declared: local, other", 'target = "..." in [project], or --target'),
    ),
    Case(
        "flag for a number of threads",
        (change(CONFIG, 'type = "duckdb"', 'type = "duckdb"\nthreads = true'),),
        ('"threads" in [targets.local] must be a whole number, found the flag True',),
        (CONFIG, "threads ="),
    ),
    Case(
        "no threads",
        (change(CONFIG, 'type = "duckdb"', 'type = "duckdb"\nthreads = 0'),),
        ('"threads" in [targets.local] must be a whole number of at least 1, found the number 0',),
        (CONFIG, "threads ="),
    ),
    Case(
        "memory limit in words",
        (change(CONFIG, 'type = "duckdb"', 'type = "duckdb"\nmemory_limit = "a lot"'),),
        ('"memory_limit" in [targets.local] must be a size such as 4GB', "found the text 'a lot'"),
        (CONFIG, "memory_limit ="),
    ),
    Case(
        "number for a path of a target",
        (change(CONFIG, 'path = "warehouse/shop.duckdb"', "path = 1"),),
        ('"path" in [targets.local] must be a text, found the number 1',),
        (CONFIG, "path = 1"),
    ),
)

SOURCES = (
    Case(
        "path and table",
        (change(CONFIG, '"data/spend.csv"', '"data/spend.csv"\ntable = "raw.spend"'),),
        ('[sources.spend] needs either "path" or "table", and only one of them',),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "neither path nor table",
        (change(CONFIG, 'path = "data/spend.csv"\n', ""),),
        ('[sources.spend] needs either "path" or "table", and only one of them',),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "number for a path",
        (change(CONFIG, '"data/spend.csv"', "7"),),
        ('"path" in [sources.spend] must be a text, found the number 7',),
        (CONFIG, "path = 7"),
    ),
    Case(
        "columns are a text",
        (change(CONFIG, '"data/spend.csv"', '"data/spend.csv"\ncolumns = "day"'),),
        ("\"columns\" in [sources.spend] must be a table of keys and values, found the text 'day'",),
        (CONFIG, "columns ="),
    ),
    Case(
        "column mapped to a number",
        (change(CONFIG, '"data/spend.csv"', '"data/spend.csv"\ncolumns = { date = 3 }'),),
        ('"date" in the columns of [sources.spend] must be the name of a column of the input, found the number 3',),
        (CONFIG, "columns ="),
    ),
    Case(
        "filter is a flag",
        (change(CONFIG, '"data/spend.csv"', '"data/spend.csv"\nwhere = true'),),
        ('"where" in [sources.spend] must be a text, found the flag True',),
        (CONFIG, "where ="),
    ),
    Case(
        "source that the stack does not know",
        (change(CONFIG, "[sources.spend]", "[sources.spends]"),),
        ('the stack shop has no source "spends"', 'Did you mean "spend"?'),
        (CONFIG, "[sources.spends]"),
    ),
    Case(
        "required source missing",
        (change(CONFIG, '[sources.touchpoints]\npath = "data/touchpoints.csv"\n', ""),),
        ("measure.toml: the stack shop needs the source touchpoints: Contacts.", "Add [sources.touchpoints] with path"),
    ),
)

VARIABLES = (
    Case(
        "unknown variable",
        (change(CONFIG, "lookbacks =", "lookback ="),),
        ('measure.toml: [vars]: unknown variable "lookback"', 'Did you mean "lookbacks"?'),
    ),
    Case(
        "unknown variable asked for",
        (),
        ('--var lookback=7: unknown variable "lookback"', 'Did you mean "lookbacks"?'),
        None,
        ("build", "--var", "lookback=7"),
    ),
    Case(
        "text for a number",
        (change(CONFIG, "half_life_days = 7", 'half_life_days = "week"'),),
        ("measure.toml: \"half_life_days\" in [vars] must be float, found the text 'week'",),
    ),
    Case(
        "number for a list",
        (change(CONFIG, "[7, 30]", "30"),),
        ('measure.toml: "lookbacks" in [vars] must be a list of int, found the number 30',),
    ),
    Case(
        "text in a list of numbers",
        (change(CONFIG, "[7, 30]", '[7, "30"]'),),
        ("measure.toml: \"lookbacks\" in [vars] must be a list of int, found the list [7, '30']",),
    ),
    Case(
        "number in a list of texts",
        (change(CONFIG, "half_life_days = 7", "direct_kinds = [1]"),),
        ('measure.toml: "direct_kinds" in [vars] must be a list of str, found the list [1]',),
    ),
    Case(
        "number twice",
        (change(CONFIG, "[7, 30]", "[7, 30, 7]"),),
        (
            'measure.toml: "lookbacks" in [vars] must hold at least one number and none twice, '
            "found the list [7, 30, 7]",
        ),
    ),
    Case(
        "no number",
        (change(CONFIG, "[7, 30]", "[]"),),
        ('measure.toml: "lookbacks" in [vars] must hold at least one number and none twice, found the list []',),
    ),
    Case(
        "number too small",
        (change(CONFIG, "[7, 30]", "[7, 0]"),),
        ('measure.toml: "lookbacks" in [vars] must be at least 1, found 0',),
    ),
    Case(
        "number too large",
        (),
        ("--var lookbacks=7,4000 must be at most 3650, found 4000",),
        None,
        ("build", "--var", "lookbacks=7,4000"),
    ),
    Case(
        "not a number",
        (),
        ("--var half_life_days=nan must be float, found", "nan"),
        None,
        ("build", "--var", "half_life_days=nan"),
    ),
    Case(
        "moment of a variable for a day",
        (change(CONFIG, "half_life_days = 7", "first_day = 2025-03-01T10:00:00"),),
        ('measure.toml: "first_day" in [vars] must be date, found',),
    ),
    Case(
        "infinite number",
        (),
        ("--var half_life_days=inf must be float, found", "inf"),
        None,
        ("build", "--var", "half_life_days=inf"),
    ),
    Case(
        "fraction for a whole number",
        (),
        ("--var batch_size=1.5 must be int, found the text '1.5'",),
        None,
        ("build", "--var", "batch_size=1.5"),
    ),
    Case(
        "word for a flag",
        (),
        ("--var with_views=maybe must be bool, found the text 'maybe'",),
        None,
        ("build", "--var", "with_views=maybe"),
    ),
    Case(
        "day of a variable that does not exist",
        (),
        ("--var first_day=2023-02-29 must be date, found the text '2023-02-29'",),
        None,
        ("build", "--var", "first_day=2023-02-29"),
    ),
    Case("option without equals", (), ("--var lookbacks: expected name=value",), None, ("build", "--var", "lookbacks")),
    Case("option without a name", (), ("--var =7: expected name=value",), None, ("build", "--var", "=7")),
    Case(
        "day asked for that does not exist",
        (),
        ("--as-of: \"as_of\" must be a day such as 2025-06-30, found the text '2025-13-01'",),
        None,
        ("build", "--as-of", "2025-13-01"),
    ),
)


@pytest.mark.parametrize("case", params(*SHAPE, *STACK_AND_TARGET, *SOURCES, *VARIABLES))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)


SECRETS = {
    "password": "hunter2-password",
    "token": "hunter2-token",
    "private_key_path": "hunter2-key",
    "MEASURE_PII_SALT": "00112233445566778899aabbccddeeff",
    "url": "clickhouses://user:hunter2-url@host:8443/db",
}


@pytest.mark.parametrize("key", SECRETS)
def test_secret_is_refused_and_not_repeated(key: str, project: Path) -> None:
    change(CONFIG, 'type = "duckdb"', f'type = "duckdb"\n{key} = "{SECRETS[key]}"')(project)
    before = contents(project)
    outcome = measure("build", "--project-dir", str(project))
    assert_message(
        outcome,
        2,
        (
            f'measure.toml:9: "{key}" in [targets.local] holds a secret',
            "secrets are read from the environment only: MEASURE_LOCAL_PASSWORD",
        ),
    )
    assert "hunter2" not in outcome.stderr
    assert "00112233" not in outcome.stderr
    assert contents(project) == before


def test_project_folder_that_does_not_exist(tmp_path: Path) -> None:
    outcome = measure("build", "--project-dir", str(tmp_path / "nowhere"))
    assert_message(outcome, 2, (f"--project-dir {tmp_path / 'nowhere'}: no such folder",))
    assert list(tmp_path.iterdir()) == []


def test_project_folder_that_is_a_file(project: Path) -> None:
    before = contents(project)
    outcome = measure("build", "--project-dir", str(project / CONFIG))
    assert_message(outcome, 2, (f"--project-dir {project / CONFIG}: no such folder",))
    assert contents(project) == before


def test_target_of_the_demo_is_local(tmp_path: Path) -> None:
    outcome = measure("build", "--project-dir", str(tmp_path), "--target", "prod")
    assert_message(outcome, 2, ("--target prod: there is no measure.toml here that declares it", '"local"'))
    assert list(tmp_path.iterdir()) == []
