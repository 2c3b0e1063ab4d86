"""A project's own templates beside measure.toml add to a bundled stack and replace parts of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import CACHE, ROOT, Workshop

FILES = {
    "measure.toml": """\
        [project]
        name = "shop"
        stack = "starter"
        as_of = "2024-04-01"
        [sources.touchpoints]
        path = "data/touchpoints.csv"
        [sources.conversions]
        path = "data/conversions.csv"
        """,
    "data/touchpoints.csv": """\
        user_id,event_ts,event_kind
        u1,2024-03-01T10:00:00Z,Email
        u1,2024-03-02T10:00:00Z,Direct
        u2,2024-03-02T10:00:00Z,Email
        """,
    "data/conversions.csv": """\
        user_id,conversion_ts,conversion_kind,amount
        u1,2024-03-03T10:00:00Z,purchase,10
        u2,2024-03-03T10:00:00Z,purchase,20
        u3,2024-03-03T10:00:00Z,purchase,30
        """,
}
SELECTION = "+fct_attribution_30d"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundled templates, compiled once."""
    project = open_project(tmp_path_factory.mktemp("compiled"))
    project.build(SELECTION)
    return project.read(CACHE)


@pytest.fixture
def project(tmp_path: Path, cache: str) -> Workshop:
    project = open_project(tmp_path)
    project.write(CACHE, cache)
    return project


def open_project(folder: Path) -> Workshop:
    """Five rows of data for the bundled starter stack."""
    project = Workshop(folder)
    for path, text in FILES.items():
        project.write(path, text)
    project.write(
        "measure.toml",
        project.read("measure.toml") + '[targets.local]\ntype = "duckdb"\npath = "warehouse/shop.duckdb"\n',
    )
    return project


def test_a_model_of_the_project_joins_the_stack(project: Workshop) -> None:
    project.write(
        "sql_templates/starter/marts/my_channels.sql",
        "{{ config(materialized='table') }}\nSELECT event_kind, linear FROM {{ ref('fct_attribution_30d') }}\n",
    )
    project.write(
        "sql_templates/starter/marts/mine.yml",
        "models:\n  - name: my_channels\n    data_tests:\n      - row_count_between: {min_value: 1}\n",
    )
    ended = project.build("+my_channels")
    assert ended.statuses["my_channels"] == "built"
    assert ("my_channels", "row_count_between") in ended.audits
    assert project.query("SELECT event_kind, linear FROM marts.my_channels ORDER BY 1") == [
        ("(unattributed)", 1.0),
        ("Direct", 0.5),
        ("Email", 1.5),
    ]


def test_a_layer_of_the_project_is_a_schema(project: Workshop) -> None:
    project.write(
        "sql_templates/starter/reports/my_report.sql", "SELECT count(*) AS n FROM {{ ref('stg_touchpoints') }}\n"
    )
    project.build("+my_report")
    assert project.query("SELECT n FROM reports.my_report") == [(3,)]


ATTRIBUTION = "sql_templates/starter/marts/fct_attribution_{lookback}d.sql"


def test_a_model_of_the_project_replaces_that_of_the_stack(project: Workshop) -> None:
    project.build(SELECTION)
    original = (ROOT / ATTRIBUTION).read_text(encoding="utf-8")
    config, call = original.strip().splitlines()
    project.write(
        ATTRIBUTION, f"{config}\nSELECT original.*, {{{{ lookback }}}} AS days FROM (\n{call}\n) AS original\n"
    )
    ended = project.build(SELECTION)
    assert ended.having("built") == {"fct_attribution_30d"}
    assert project.query("SELECT DISTINCT days FROM marts.fct_attribution_30d") == [(30,)]
    project.remove(ATTRIBUTION)
    assert project.build(SELECTION).having("built") == {"fct_attribution_30d"}
    assert "days" not in project.query("SELECT list(column_name) FROM (DESCRIBE marts.fct_attribution_30d)")[0][0]


def test_a_replacement_keeps_the_documented_columns(project: Workshop) -> None:
    project.write(
        "sql_templates/starter/staging/stg_touchpoints_rejects.sql", "SELECT user_id FROM {{ source('touchpoints') }}\n"
    )
    ended = project.measure("build")
    assert ended.exit_code == 2
    assert "stg_touchpoints_rejects" in ended.stderr
    assert not project.database.exists()


def test_an_audit_of_the_project_replaces_that_of_the_stack(project: Workshop) -> None:
    """By name, as models do: without it nobody could switch off an audit of a bundled stack."""
    audit = "sql_templates/starter/audits/coverage_matches_conversions.sql"
    assert (ROOT / audit).is_file()
    project.write(audit, "SELECT event_kind FROM {{ ref('stg_touchpoints') }} WHERE event_kind = 'Email'\n")
    ended = project.measure("build", "+stg_touchpoints", "+fct_coverage_daily", "--json")
    named = [model for model, name in ended.audits if name == "coverage_matches_conversions"]
    assert named == ["stg_touchpoints"]


def test_a_macro_of_the_project_replaces_that_of_the_stack(project: Workshop) -> None:
    project.write("sql_templates/starter/macros/mine.sql", "{% macro answer() %}42{% endmacro %}\n")
    project.write(
        "sql_templates/starter/marts/my_answer.sql", "SELECT {{ answer() }} AS n FROM {{ ref('stg_touchpoints') }}\n"
    )
    project.build("+my_answer")
    assert project.query("SELECT DISTINCT n FROM marts.my_answer") == [(42,)]


def test_a_generic_audit_of_the_project(project: Workshop) -> None:
    project.write(
        "sql_templates/audits/never.sql",
        "SELECT * FROM {{ model }} AS audited WHERE {{ column }} = {{ literal(arg('value')) }}\n",
    )
    project.write("sql_templates/starter/marts/my_model.sql", "SELECT event_kind FROM {{ ref('stg_touchpoints') }}\n")
    project.write(
        "sql_templates/starter/marts/mine.yml",
        "models:\n  - name: my_model\n    columns:\n      - name: event_kind\n"
        "        data_tests:\n          - never: {value: Email}\n",
    )
    assert project.build("+my_model", exit_code=1).audits["my_model", "never(event_kind)"]["failures"] == 2


def test_a_registry_of_the_project_replaces_that_of_the_stack(project: Workshop) -> None:
    project.build(SELECTION)
    project.write("registries/conversion_to_event_kind.csv", "conversion_kind,event_kind\npurchase,Direct\n")
    ended = project.build(SELECTION)
    assert {"conversion_to_event_kind", "fct_attribution_30d"} <= ended.having("built")
    assert {"stg_touchpoints", "stg_conversions"} <= ended.having("unchanged")
    kinds = project.query("SELECT event_kind, linear FROM marts.fct_attribution_30d ORDER BY 1")
    assert kinds == [("(unattributed)", 1.0), ("Email", 2.0)]


def test_the_axis_of_a_variable_makes_and_unmakes_relations(project: Workshop) -> None:
    project.build("+fct_attribution_*")
    assert project.build("fct_attribution_*").having("unchanged") == {
        "fct_attribution_7d",
        "fct_attribution_30d",
        "fct_attribution_60d",
    }
    ended = project.build("+fct_attribution_*", "--var", "lookbacks=30,90")
    assert {"fct_attribution_30d", "fct_attribution_90d"} <= set(ended.statuses)
    assert "fct_attribution_7d" not in ended.statuses
    assert ended.statuses["fct_attribution_90d"] == "built"
    assert ended.statuses["stg_touchpoints"] == "unchanged"
