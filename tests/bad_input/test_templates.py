"""Models that do not render, do not parse, or name something that is not there: file, line and suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.project import CONFIG, STACK, Case, assert_refused, change, params, write

MINE = f"{STACK}/marts/mine.sql"
FROM = "FROM {{ ref('stg_touchpoints') }}\n"


def model(name: str, text: str, *says: str, at: str | None = None, path: str = MINE) -> Case:
    """A model of that text is refused; `at` is a piece of the line that is to blame."""
    return Case(name, (write(path, text),), says, (path, at) if at else None)


RENDERING = (
    model(
        "block that never ends",
        "SELECT event_kind\n{% if true %}\n" + FROM,
        "Unexpected end of template",
        "The innermost block that needs to be closed is 'if'.",
        "shop/marts/mine.sql:",
    ),
    model(
        "expression that never ends",
        "SELECT\n  {{ as_of AS day\n" + FROM,
        "expected token 'end of print statement', got 'AS'",
        "  2 | {{ as_of AS day",
        at="as_of AS",
    ),
    model(
        "unknown tag", "{% fro x in y %}\nSELECT 1 AS one\n", "unknown tag 'fro'", "  1 | {% fro x in y %}", at="fro"
    ),
    model(
        "unknown macro",
        "SELECT event_kind\n" + FROM + "WHERE {{ is_finit('amount') }}\n",
        "'is_finit' is undefined",
        'Did you mean "is_finite"?',
        "  3 | WHERE {{ is_finit('amount') }}",
        at="is_finit",
    ),
    model(
        "wrong arguments of a macro",
        "SELECT event_kind\n" + FROM + "WHERE {{ is_finite() }}\n",
        "parameter 'expression' was not provided",
        "called from shop/marts/mine.sql:3",
    ),
    model(
        "too many arguments of a macro",
        "SELECT event_kind\n" + FROM + "WHERE {{ is_finite(1, 2) }}\n",
        "macro 'is_finite' takes not more than 1 argument(s)",
        at="is_finite",
    ),
    model(
        "unknown variable of the language",
        "SELECT 1 AS one WHERE {{ as_off }} > 1\n",
        "'as_off' is undefined",
        'Did you mean "as_of"?',
        at="as_off",
    ),
    model(
        "unknown model",
        "SELECT event_kind\nFROM {{ ref('stg_touchpoint') }}\n",
        'ref("stg_touchpoint"): there is no such model or registry',
        'Did you mean "stg_touchpoints"?',
        "  2 | FROM {{ ref('stg_touchpoint') }}",
        at="stg_touchpoint'",
    ),
    model(
        "unknown source",
        "SELECT date\nFROM {{ source('spent') }}\n",
        'there is no source "spent"',
        'Did you mean "spend"?',
        at="spent",
    ),
    model(
        "unknown source asked after",
        "SELECT {{ has_source('spent') }} AS yes\n",
        'there is no source "spent"',
        'Did you mean "spend"?',
        at="spent",
    ),
    model(
        "unknown variable",
        "SELECT {{ var('lookback') }} AS days\n",
        'var("lookback"): there is no such variable',
        'Did you mean "lookbacks"?',
        at="lookback",
    ),
    model(
        "unknown registry",
        "SELECT 1 AS one\n{% for row in registry('stps') %}{% endfor %}\n",
        'registry("stps"): there is no such registry',
        'Did you mean "steps"?',
        at="stps",
    ),
    model(
        "unknown column of a registry",
        "SELECT\n{% for row in registry('steps') %}\n  {{ row.stepp }} AS s,\n{% endfor %}\n  1 AS one\n",
        'the registry steps has no column "stepp"',
        "  3 | {{ row.stepp }}",
        at="stepp",
    ),
    model(
        "unknown key of config",
        "{{ config(materialised='table') }}\nSELECT 1 AS one\n",
        'config: unknown key "materialised"',
        'Did you mean "materialized"?',
        at="config",
    ),
    model(
        "unknown materialization",
        "{{ config(materialized='tabel') }}\nSELECT 1 AS one\n",
        'config: unknown materialization "tabel"',
        'Did you mean "table"?',
        at="config",
    ),
    model(
        "number for tags",
        "{{ config(tags=3) }}\nSELECT 1 AS one\n",
        'config: "tags" must be list or str, found the number 3',
        at="config",
    ),
    model(
        "numbers in tags",
        "{{ config(tags=[3]) }}\nSELECT 1 AS one\n",
        'config: "tags" must be',
        "found the list [3]",
        at="config",
    ),
    model(
        "incremental without a time column",
        "{{ config(materialized='incremental') }}\nSELECT 1 AS one\n",
        'config: an incremental model needs "time_column"',
        at="config",
    ),
    model(
        "days of an input that are none",
        "{{ config(materialized='incremental', time_column='at', lookback={'stg_touchpoints': 'all'}) }}\n"
        "SELECT 1 AS one\n",
        'config: "lookback" of "stg_touchpoints" must be a number of days, found the text \'all\'',
        at="config",
    ),
    model(
        "negative days",
        "{{ config(materialized='incremental', time_column='at', lookahead=-1) }}\nSELECT 1 AS one\n",
        'config: "lookahead" must be a number of days, found the number -1',
        at="config",
    ),
    model(
        "days of an input that is not read",
        "{{ config(materialized='incremental', time_column='event_ts', lookback={'stg_touchpoint': 3}) }}\n"
        "SELECT event_ts, event_kind\n" + FROM,
        'lookback names "stg_touchpoint", which mine does not read',
        'Did you mean "stg_touchpoints"?',
        at="config",
    ),
    model(
        "column of config that is not there",
        "{{ config(materialized='table', order_by='kind') }}\nSELECT event_kind\n" + FROM,
        'shop/marts/mine.sql: config names the column "kind", which mine has not',
        'Did you mean "event_kind"?',
    ),
    model(
        "environment variable that is not set",
        "SELECT '{{ env_var('MEASURE_TEST_NOT_SET') }}' AS x\n",
        "the environment variable MEASURE_TEST_NOT_SET is not set",
        at="env_var",
    ),
    model(
        "secret of the environment",
        "SELECT '{{ env_var('MEASURE_PII_SALT') }}' AS x\n",
        "env_var: MEASURE_PII_SALT looks like a secret",
        "must not hold one",
        at="env_var",
    ),
    model(
        "error of the template itself",
        "SELECT 1 AS one\n{{ raise_error('no touchpoints, no model') }}\n",
        "no touchpoints, no model",
        at="raise_error",
    ),
    model("division by zero", "SELECT {{ 1 // 0 }} AS x\n", "integer division or modulo by zero", at="1 // 0"),
    Case(
        "broken macro file",
        (write(f"{STACK}/macros/mine.sql", "{% macro mine( %}\n1\n{% endmacro %}\n"),),
        ("shop/macros/mine.sql:1: ", "  1 | {% macro mine( %}"),
    ),
)

SQL = (
    model("syntax error", "SELECT event_kind\nFORM\n  x y\n", 'SQL syntax error near "x"', at="x y"),
    model(
        "syntax error on a rendered line",
        "SELECT event_kind\nFORM {{ ref('stg_touchpoints') }} x\n",
        "shop/marts/mine.sql:2: SQL syntax error",
    ),
    model("quote that never ends", "SELECT 'x AS one\n", "SQL syntax error", at="'x AS"),
    model(
        "unknown column",
        "SELECT\n  event_kin\n" + FROM,
        'unknown column "event_kin"',
        'Did you mean "event_kind"?',
        at="event_kin",
    ),
    model(
        "unknown column of a table",
        "SELECT t.event_kin\nFROM {{ ref('stg_touchpoints') }} AS t\n",
        'unknown column "event_kin" in "t"',
        'Did you mean "event_kind"?',
        at="event_kin",
    ),
    model(
        "unknown function",
        "SELECT lowr(event_kind) AS kind\n" + FROM,
        "unknown function lowr()",
        'Did you mean "lower"?',
        at="lowr",
    ),
    model(
        "unknown table",
        "SELECT event_kind\nFROM stg_touchpoints\n",
        'unknown table "stg_touchpoints"',
        "Write {{ ref('stg_touchpoints') }}",
        at="FROM",
    ),
    model("two statements", "SELECT 1 AS one;\nSELECT 2 AS two\n", "found 2 statements, expected one SELECT", at="two"),
    model(
        "definition", "CREATE TABLE x AS\nSELECT 1 AS one\n", "found CREATE statement, expected one SELECT", at="CREATE"
    ),
    model(
        "deletion",
        "DELETE FROM {{ ref('stg_touchpoints') }}\n",
        "shop/marts/mine.sql:1: found DELETE statement",
    ),
    model(
        "deletion inside", "WITH gone AS (DELETE FROM marts.x RETURNING *)\nSELECT * FROM gone\n", "DELETE", at="DELETE"
    ),
    model("command", "PRAGMA database_list\n", "expected one SELECT", at="PRAGMA"),
    model(
        "file read by a function",
        "SELECT *\nFROM read_csv('data/touchpoints.csv')\n",
        "found the table function read_csv(), expected ref('...') or source('...')",
        at="read_csv",
    ),
    model(
        "file read by its name",
        "SELECT *\nFROM 'data/touchpoints.csv'\n",
        'unknown table "data/touchpoints.csv"',
        at="data/",
    ),
    model(
        "column without a name",
        "SELECT count(*)\n" + FROM,
        "output column without a name: COUNT(*)",
        "Add AS <name>.",
        at="count",
    ),
    model(
        "column twice",
        "SELECT event_kind, amount AS event_kind\n" + FROM,
        'two output columns are named "event_kind"',
        at="amount",
    ),
    model(
        "ambiguous column",
        "SELECT event_kind\nFROM {{ ref('stg_touchpoints') }} AS a\nCROSS JOIN {{ ref('fct_touches') }} AS b\n",
        'ambiguous column "event_kind"',
        "Name its table: a.event_kind",
        at="SELECT",
    ),
    model(
        "parameter",
        "SELECT event_kind\n" + FROM + "WHERE amount > ?\n",
        "found the parameter ?, which nothing binds",
        at="amount",
    ),
    model(
        "branches of different width",
        "SELECT event_kind\n" + FROM + "UNION ALL\nSELECT event_kind, amount\n" + FROM,
        "this branch of the UNION has 2 columns, the one before it 1",
    ),
    model("comment alone", "-- nothing yet\n", "shop/marts/mine.sql", "found no SQL, expected one SELECT"),
    model("itself", "SELECT *\nFROM {{ ref('mine') }}\n", "the models refer to each other in a circle: mine -> mine"),
    Case(
        "circle",
        (
            write(f"{STACK}/marts/one.sql", "SELECT * FROM {{ ref('two') }}\n"),
            write(f"{STACK}/marts/two.sql", "SELECT * FROM {{ ref('three') }}\n"),
            write(f"{STACK}/marts/three.sql", "SELECT * FROM {{ ref('one') }}\n"),
        ),
        ("the models refer to each other in a circle: one -> two -> three -> one", "Remove one of these references."),
    ),
    Case(
        "column that a change takes away",
        (change(f"{STACK}/staging/stg_touchpoints.sql", "  event_kind,\n", ""),),
        ('shop/marts/fct_recent_{lookback}d.sql:1: unknown column "event_kind" in "stg_touchpoints"',),
    ),
)

FILES = (
    model("empty file", "\n  \n", "shop/marts/mine.sql: is empty; a model is one SELECT"),
    Case(
        "not UTF-8", (write(MINE, b"SELECT 'caf\xe9' AS x\n"),), ("shop/marts/mine.sql: is not UTF-8 text (byte 11)",)
    ),
    Case(
        "macros not in UTF-8",
        (write(f"{STACK}/macros/mine.sql", b"{# caf\xe9 #}\n"),),
        ("shop/macros/mine.sql: is not UTF-8 text (byte 6)",),
    ),
    model(
        "name in capitals",
        "SELECT 1 AS one\n",
        'shop/marts/Mine.sql: "Mine" cannot name a model',
        "Use lower case letters, digits and _",
        path=f"{STACK}/marts/Mine.sql",
    ),
    model(
        "name with a hyphen",
        "SELECT 1 AS one\n",
        'shop/marts/my-model.sql: "my-model" cannot name a model',
        path=f"{STACK}/marts/my-model.sql",
    ),
    model(
        "name of staged relations",
        "SELECT 1 AS one\n",
        'shop/marts/fct_touches__next.sql: "fct_touches__next" cannot name a model',
        "do not end in __next",
        path=f"{STACK}/marts/fct_touches__next.sql",
    ),
    model(
        "model in two layers",
        "SELECT 1 AS one\n",
        'shop/staging/fct_touches.sql: the model "fct_touches" stands already in shop/marts/fct_touches.sql',
        path=f"{STACK}/staging/fct_touches.sql",
    ),
    model(
        "name of a registry",
        "SELECT 1 AS one\n",
        'shop/marts/steps.sql: the relation name "steps" is taken already',
        path=f"{STACK}/marts/steps.sql",
    ),
    model(
        "name of an expanded model",
        "SELECT 1 AS one\n",
        'the relation name "fct_recent_7d" is taken already',
        path=f"{STACK}/marts/fct_recent_7d.sql",
    ),
    model(
        "unknown axis",
        "SELECT 1 AS one\n",
        'shop/marts/fct_{lookbak}d.sql: unknown axis "{lookbak}" in the file name',
        'Did you mean "lookback"?',
        path=f"{STACK}/marts/fct_{{lookbak}}d.sql",
    ),
    model(
        "layer that is no name",
        "SELECT 1 AS one\n",
        'shop/My Marts/mine.sql: "My Marts" cannot name a layer',
        path=f"{STACK}/My Marts/mine.sql",
    ),
    model(
        "layer of the tool",
        "SELECT 1 AS one\n",
        'shop/measure_state/mine.sql: "measure_state" cannot name a layer',
        path=f"{STACK}/measure_state/mine.sql",
    ),
    model(
        "singular audit that reads nothing",
        "SELECT 1 AS one\n",
        "shop/audits/mine.sql: a singular audit reads at least one model",
        path=f"{STACK}/audits/mine.sql",
    ),
    model(
        "singular audit of an unknown column",
        "SELECT event_kin\nFROM {{ ref('fct_touches') }}\n",
        'unknown column "event_kin"',
        'Did you mean "event_kind"?',
        path=f"{STACK}/audits/mine.sql",
        at="event_kin",
    ),
)


@pytest.mark.parametrize("case", params(*RENDERING, *SQL, *FILES))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)


def test_model_of_a_bundled_stack_is_named_with_its_file(project: Path) -> None:
    change(CONFIG, 'stack = "sql_templates/shop"', 'stack = "starter"')(project)
    (project / "registries/steps.csv").unlink()
    write("sql_templates/starter/marts/mine.sql", "SELECT event_kin\nFROM {{ ref('stg_touchpoints') }}\n")(project)
    says = ('starter/marts/mine.sql:1: unknown column "event_kin"', 'Did you mean "event_kind"?')
    assert_refused(project, Case("mine", (), says))
