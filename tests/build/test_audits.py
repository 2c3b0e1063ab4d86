"""What an audit may say: severity, thresholds, where, limit, stored failures; singular audits; across relations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from tests.build.workshop import Ended, Workshop

BIG = "my_stack/marts/fct_big.sql"
BIG_SCHEMA = "my_stack/marts/big.yml"


def audited(shop: Workshop, audit: str, model: str = "SELECT id, city, amount FROM {{ ref('stg_orders') }}\n") -> None:
    """A table of the six orders with one audit of its column `amount`."""
    shop.write(BIG, "{{ config(materialized='table') }}\n" + model)
    shop.write(
        BIG_SCHEMA,
        f"models:\n  - name: fct_big\n    columns:\n      - name: amount\n        data_tests:\n          - {audit}\n",
    )


def result(shop: Workshop, exit_code: int) -> Ended:
    return shop.build("+fct_big", exit_code=exit_code)


THRESHOLDS = [
    # (severity, warn_if, error_if) -> verdict for 0, 1, 2, 3 offending rows
    ("error", None, None, "pass fail fail fail"),
    ("warn", None, None, "pass warn warn warn"),
    ("error", None, "> 2", "pass warn warn fail"),
    ("error", "> 1", "> 2", "pass pass warn fail"),
    ("error", "= 1", ">= 3", "pass warn pass fail"),
    ("warn", ">= 2", "> 0", "pass pass warn warn"),
    ("error", "> 100", "!= 2", "fail fail pass fail"),
]


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=[f"{row[0]} {row[1]} {row[2]}" for row in THRESHOLDS])
def test_severity_and_thresholds_decide(shop: Workshop, threshold: tuple[str, str | None, str | None, str]) -> None:
    """Four tables with 0 to 3 offending rows, built together."""
    severity, warn_if, error_if, verdicts = threshold
    given = {"severity": severity, "warn_if": warn_if, "error_if": error_if}
    extra = "".join(f", {key}: '{value}'" for key, value in given.items() if value)
    for failures in range(4):
        shop.write(
            f"my_stack/marts/fct_off_{failures}.sql",
            "{{ config(materialized='table') }}\n"
            f"SELECT CASE WHEN id <= {failures} THEN -1 ELSE 1 END AS sign FROM {{{{ ref('stg_orders') }}}}\n",
        )
    shop.write(
        "my_stack/marts/off.yml",
        "models:\n" + "".join(
            f"  - name: fct_off_{n}\n    columns:\n      - name: sign\n        data_tests:\n"
            f"          - accepted_range: {{min_value: 0{extra}}}\n"
            for n in range(4)
        ),
    )  # fmt: skip
    ended = shop.measure("build", "stg_orders", "fct_off_*", "--json")
    for failures, verdict in enumerate(verdicts.split()):
        audit = ended.audits[f"fct_off_{failures}", "accepted_range(sign)"]
        assert (audit["status"], audit["failures"], audit["severity"]) == (verdict, failures, severity)
        published = f"marts.fct_off_{failures}" in shop.relations()
        assert published == (verdict != "fail")
    assert ended.exit_code == (1 if "fail" in verdicts else 0)


def test_a_warning_publishes_and_is_told(shop: Workshop) -> None:
    audited(shop, "accepted_range: {max_value: 80, severity: warn}")
    ended = shop.measure("build", "+fct_big")
    assert ended.exit_code == 0
    assert "warn" in ended.stderr
    assert "1 offending row" in ended.stderr
    assert "marts.fct_big" in shop.relations()


def test_where_narrows_what_is_audited(shop: Workshop) -> None:
    audited(shop, "accepted_range: {max_value: 80, where: \"city <> 'Rome'\"}")
    assert result(shop, 0).audits["fct_big", "accepted_range(amount)"]["failures"] == 0
    audited(shop, "accepted_range: {max_value: 60, where: \"city <> 'Rome'\"}")
    assert result(shop, 1).audits["fct_big", "accepted_range(amount)"]["failures"] == 1


def test_limit_caps_the_count(shop: Workshop) -> None:
    audited(shop, "accepted_range: {max_value: 2, limit: 3}")
    assert result(shop, 1).audits["fct_big", "accepted_range(amount)"]["failures"] == 3
    audited(shop, "accepted_range: {max_value: 2, limit: 3, error_if: '> 3'}")
    assert result(shop, 0).audits["fct_big", "accepted_range(amount)"]["status"] == "warn"


def test_a_changed_limit_changes_the_verdict(shop: Workshop) -> None:
    audited(shop, "accepted_range: {max_value: 2, limit: 3, error_if: '> 3'}")
    result(shop, 0)
    audited(shop, "accepted_range: {max_value: 2, limit: 4, error_if: '> 3'}")
    result(shop, 1)


def test_failures_are_stored_for_a_closer_look(shop: Workshop) -> None:
    audited(shop, "accepted_range: {max_value: 60, store_failures: true}")
    result(shop, 1)
    stored = shop.query(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'measure_state' AND table_name LIKE 'failures%'"
    )
    assert len(stored) == 1
    assert "fct_big" in stored[0][0]
    assert shop.query(f'SELECT id FROM measure_state."{stored[0][0]}" ORDER BY id') == [(3,), (5,)]
    shop.replace("data/orders.csv", "70.00", "7.00")
    result(shop, 1)
    assert shop.query(f'SELECT id FROM measure_state."{stored[0][0]}"') == [(5,)]


def test_two_audits_of_one_kind_on_one_column_store_apart(shop: Workshop) -> None:
    audited(
        shop,
        "accepted_range: {max_value: 60, store_failures: true, where: id < 4}\n"
        "          - accepted_range: {max_value: 60, store_failures: true, where: id >= 4}",
    )
    result(shop, 1)
    tables = shop.query("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'failures%'")
    kept = sorted(row for (name,) in tables for row in shop.query(f'SELECT id FROM measure_state."{name}"'))
    assert kept == [(3,), (5,)]


def test_an_audit_may_have_a_name_of_its_own(shop: Workshop) -> None:
    audited(shop, "accepted_range: {max_value: 60, name: no order is huge}")
    assert ("fct_big", "no order is huge") in result(shop, 1).audits


def test_an_audit_that_the_database_refuses_fails_its_model(shop: Workshop) -> None:
    audited(shop, "expression_is_true: {expression: CAST(city AS INTEGER) > 0}")
    ended = result(shop, 1)
    audit = next(iter(ended.audits.values()))
    assert audit["status"] == "error"
    assert "Could not convert" in audit["message"]
    assert ended.statuses["fct_big"] == "failed"


# -- singular audits -------------------------------------------------------------------------------------------------

SINGULAR = "my_stack/audits/amounts_add_up.sql"


@pytest.mark.parametrize(("severity", "exit_code"), [("error", 1), ("warn", 0)])
def test_a_singular_audit_belongs_to_the_last_model_it_reads(shop: Workshop, severity: str, exit_code: int) -> None:
    shop.write(
        SINGULAR,
        f"{{{{ config(severity='{severity}') }}}}\n"
        "SELECT days.day FROM {{ ref('fct_day') }} AS days\n"
        "INNER JOIN {{ ref('stg_orders') }} AS orders ON orders.day = days.day WHERE orders.amount > 50\n",
    )
    ended = shop.build(exit_code=exit_code)
    assert ended.audits["fct_day", "amounts_add_up"]["failures"] == 2
    assert ended.unusual == ({"fct_day": "failed"} if exit_code else {})


def test_a_singular_audit_that_reads_an_absent_relation_is_left_out(shop: Workshop) -> None:
    shop.write(SINGULAR, "SELECT id FROM {{ ref('stg_refunds') }}\n")
    assert not any(name == "amounts_add_up" for _, name in shop.build().audits)


def test_a_singular_audit_that_reads_no_model_is_refused(shop: Workshop) -> None:
    shop.write(SINGULAR, "SELECT city FROM {{ ref('cities') }}\n")
    ended = shop.measure("build")
    assert ended.exit_code == 2
    assert "amounts_add_up.sql" in ended.stderr


# -- audits across relations: what one says of another that is built in the same run, in whatever order ------------

PAID = "my_stack/marts/fct_paid.sql"
PAID_SCHEMA = """\
models:
  - name: fct_paid
    columns:
      - name: region
        data_tests:
          - relationships: {to: fct_region, field: region}
"""


@pytest.fixture
def paid(shop: Workshop) -> Workshop:
    """fct_paid does not read fct_region, but its audit does."""
    shop.write(
        PAID,
        "{{ config(materialized='table') }}\n"
        "SELECT DISTINCT region, {{ literal(var('label')) }} AS label FROM {{ ref('cities') }}\n",
    )
    shop.write("my_stack/marts/paid.yml", PAID_SCHEMA)
    return shop


def test_an_audit_reads_the_new_version_of_the_other_relation(paid: Workshop) -> None:
    paid.build()
    paid.append("my_stack/registries/cities.csv", "Kyiv,east\n")
    paid.append("data/orders.csv", "10,2024-03-05,Kyiv,4.00\n")
    ended = paid.build()
    assert ended.audits["fct_paid", "relationships(region)"]["status"] == "pass"


def test_an_audit_is_due_again_when_only_the_other_relation_changes(paid: Workshop) -> None:
    """The orders of one region are withdrawn: fct_paid is as it was, and refers to a region that is no longer there."""
    paid.build()
    assert paid.build().having("built") == set()
    paid.replace("data/orders.csv", "4,2024-02-29,Bonn,5.25\n", "")
    for _ in range(2):
        ended = paid.build(exit_code=1)
        assert ended.statuses["fct_paid"] == "failed", "it does not heal by being built twice"


def test_an_audit_across_relations_that_fails(paid: Workshop) -> None:
    paid.build()
    before = paid.content()
    paid.append("my_stack/registries/cities.csv", "Kyiv,east\n")
    ended = paid.build(exit_code=1)
    assert ended.unusual == {"fct_paid": "failed"}
    assert paid.content()["marts.fct_paid"] == before["marts.fct_paid"]
    assert paid.leftovers() == []


def test_dependants_of_a_relation_that_fails_an_audit_across_are_held_back(paid: Workshop) -> None:
    paid.write(
        "my_stack/marts/fct_after.sql", "{{ config(materialized='table') }}\nSELECT region FROM {{ ref('fct_paid') }}\n"
    )
    paid.build()
    before = paid.content()
    paid.append("my_stack/registries/cities.csv", "Kyiv,east\n")
    ended = paid.build(exit_code=1)
    assert ended.statuses["fct_paid"] == "failed"
    assert ended.statuses["fct_after"] in ("held", "skipped")
    assert paid.content()["marts.fct_after"] == before["marts.fct_after"]


@pytest.mark.parametrize("failure", ["audit", "statement"])
def test_a_relation_is_not_published_on_the_word_of_one_that_is_not(paid: Workshop, failure: str) -> None:
    """The new fct_paid fits the new fct_region, which fails; next to the old one, which stays, it would not fit."""
    paid.build()
    paid.append("my_stack/registries/cities.csv", "Kyiv,east\n")
    paid.append("data/orders.csv", "10,2024-03-05,Kyiv,4.00\n")
    if failure == "audit":
        paid.replace("my_stack/marts/schema.yml", "min_value: 0", "max_value: 1")
    else:
        paid.replace("my_stack/marts/fct_region.sql", "count(*)", "sum(CAST(region AS INTEGER))")
    ended = paid.build(exit_code=1)
    assert ended.statuses["fct_region"] == "failed"
    assert ended.statuses["fct_paid"] in ("held", "skipped")
    dangling = "SELECT region FROM marts.fct_paid EXCEPT SELECT region FROM marts.fct_region"
    assert paid.query(dangling) == []


def test_an_audit_of_an_unbuilt_relation_is_put_off(paid: Workshop) -> None:
    """Building one side alone is no failure; the audit runs once both sides are there."""
    assert paid.build("+fct_paid").audits == {}
    assert (
        paid.build("+fct_region", "fct_paid", "--full").audits["fct_paid", "relationships(region)"]["status"] == "pass"
    )


@pytest.mark.parametrize(("left", "right"), [("aa_left", "zz_right"), ("zz_left", "aa_right")])
def test_audits_that_look_at_each_other(shop: Workshop, left: str, right: str) -> None:
    """Two relations that have to agree: when one fails, neither is published."""
    for name, other in ((left, right), (right, left)):
        shop.write(
            f"my_stack/marts/{name}.sql", "{{ config(materialized='table') }}\nSELECT id FROM {{ ref('stg_orders') }}\n"
        )
        shop.write(
            f"my_stack/marts/{name}.yml",
            f"models:\n  - name: {name}\n    columns:\n      - name: id\n        data_tests:\n"
            f"          - relationships: {{to: {other}, field: id}}\n",
        )
    assert shop.build().statuses[left] == "built"
    shop.replace(f"my_stack/marts/{right}.sql", "SELECT id", "SELECT id + 100 AS id")
    ended = shop.build(exit_code=1)
    assert ended.statuses[right] == "failed"
    assert shop.query(f"SELECT min(id) FROM marts.{right}") == [(1,)]
    assert shop.query(f"SELECT min(id) FROM marts.{left}") == [(1,)]


# -- `measure audit`: the same over what is published ----------------------------------------------------------------


def test_audit_finds_what_was_changed_behind_the_tool(built: Workshop) -> None:
    assert built.measure("audit", "--json").exit_code == 0
    built.execute("UPDATE marts.fct_region SET gross = -1 WHERE region = 'north'")
    ended = built.measure("audit", "--json")
    assert ended.exit_code == 1
    assert ended.json["command"] == "audit"
    assert ended.audits["fct_region", "accepted_range(gross)"]["failures"] == 1
    assert built.measure("audit", "fct_day", "--json").exit_code == 0


def test_audit_does_not_change_data(built: Workshop) -> None:
    before = built.content()
    built.measure("audit")
    assert built.content() == before


def test_audit_of_what_is_not_built(shop: Workshop) -> None:
    assert shop.measure("audit").exit_code == 2
    assert not shop.database.exists()
    shop.build("+fct_day", "fct_monthly")
    ended = shop.measure("audit")
    assert ended.exit_code == 2
    assert "fct_region" in ended.stderr


def test_a_singular_audit_of_the_project_replaces_that_of_the_stack(tmp_path: Path) -> None:
    """As with models, the later folder wins by name: the audit runs once."""
    file = tmp_path / "sql_templates/starter/audits/funnel_entries_are_unique.sql"
    file.parent.mkdir(parents=True)
    file.write_text("SELECT level FROM {{ ref('fct_funnel_daily') }} WHERE level < 0\n", encoding="utf-8")
    ended = CliRunner().invoke(app, ["build", "--project-dir", str(tmp_path), "--json"])
    assert ended.exit_code == 0, ended.stderr
    names = [audit["name"] for audit in json.loads(ended.stdout)["audits"]]
    assert names.count("funnel_entries_are_unique") == 1
