"""Lineage as people and programs see it: both directions, models and columns, nothing internal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from measure_cli.errors import NothingSelected
from measure_cli.lineage import lineage_of
from tests.build.workshop import invoke
from tests.privacy.project import load_project, write_project

TABLE = "{{ config(materialized='table') }}\n"
FILES: Mapping[str, str] = {
    "marts/eph.sql": "{{ config(materialized='ephemeral') }}\nSELECT amount, day FROM {{ ref('fct_swaps') }}",
    "marts/fct_total.sql": TABLE + "SELECT sum(amount) AS total FROM {{ ref('eph') }} WHERE day > DATE '2025-01-01'",
    "marts/fct_who.sql": TABLE + "SELECT pseudonymize(taker) AS who, 1 AS one FROM {{ source('swaps') }}",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("lineage"), FILES)


def told(branches: list[dict[str, Any]]) -> dict[str, Any]:
    """A tree in short: name -> what is below it; `*` marks what is spelled out elsewhere, `#` pseudonyms."""
    return {
        ".".join(filter(None, (branch["name"], branch.get("column"))))
        + ("#" if branch.get("pseudonymized") else "")
        + ("*" if branch.get("repeated") else ""): told(branch.get("branches", []))
        for branch in branches
    }


def trees(project: Path, asked: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = lineage_of(load_project(project, FILES), asked)
    return told(found["upstream"]), told(found["downstream"])


def test_of_a_model_bridges_are_looked_through(project: Path) -> None:
    up, down = trees(project, "fct_swaps")
    assert up == {"source.swaps": {}, "source.users": {}}
    assert down == {"eph": {"fct_total": {}}, "v_daily": {}}


def test_of_a_source(project: Path) -> None:
    up, down = trees(project, "source.users")
    assert up == {}
    assert down == {"fct_swaps": {"eph": {"fct_total": {}}, "v_daily": {}}}


def test_of_a_column(project: Path) -> None:
    found = lineage_of(load_project(project, FILES), "fct_total.total")
    assert (found["name"], found["column"]) == ("fct_total", "total")
    assert told(found["upstream"]) == {"eph.amount": {"fct_swaps.amount": {"source.swaps.amount": {}}}}
    assert found["downstream"] == []
    assert found["deciding"] == ["eph.day"]


def test_of_a_pseudonym(project: Path) -> None:
    assert trees(project, "v_daily.user_pseudonym") == ({"fct_swaps.user_pseudonym": {"source.users.address#": {}}}, {})
    assert trees(project, "source.users.address") == ({}, {"fct_swaps.user_pseudonym#": {"v_daily.user_pseudonym": {}}})
    assert trees(project, "fct_who.who") == ({"source.swaps.taker#": {}}, {})


def test_of_a_constant(project: Path) -> None:
    assert trees(project, "fct_who.one") == ({}, {})


def test_deciding_columns_of_bridges_are_left_out(project: Path) -> None:
    found = lineage_of(load_project(project, FILES), "fct_swaps.amount")
    assert found["deciding"] == ["source.swaps.taker"]


def test_what_is_read_twice_is_spelled_out_once(tmp_path: Path) -> None:
    files = {
        "marts/fct_a.sql": TABLE + "SELECT amount FROM {{ ref('fct_swaps') }}",
        "marts/fct_b.sql": TABLE + "SELECT a.amount + s.amount AS both_amounts "
        "FROM {{ ref('fct_a') }} AS a, {{ ref('fct_swaps') }} AS s",
    }
    catalog = load_project(tmp_path, files)
    spelled_out: dict[str, Any] = {"fct_swaps": {"source.swaps": {}, "source.users": {}}}
    assert told(lineage_of(catalog, "fct_b")["upstream"]) == {"fct_a": spelled_out, "fct_swaps*": {}}
    assert told(lineage_of(catalog, "fct_b.both_amounts")["upstream"]) == {
        "fct_a.amount": {"fct_swaps.amount": {"source.swaps.amount": {}}},
        "fct_swaps.amount*": {},
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("fct_swap", 'Did you mean "fct_swaps"?'),
        ("fct_swaps.amuont", 'Did you mean "amount"?'),
        ("bridge", 'there is no relation "bridge"'),
        ("bridge.address", 'there is no relation "bridge"'),
        ("nothing.at.all", "there is no relation"),
        ("", "there is no relation"),
    ],
)
def test_what_is_not_there(asked: str, words: str, project: Path) -> None:
    with pytest.raises(NothingSelected) as caught:
        lineage_of(load_project(project, FILES), asked)
    assert words in str(caught.value)
    assert "bridge" not in str(caught.value.hint)


def test_the_command(project: Path) -> None:
    ended = invoke("lineage", "--project-dir", str(project), "v_daily.user_pseudonym")
    assert ended.exit_code == 0, ended.stderr
    assert [line.rstrip() for line in ended.stdout.splitlines()] == [
        "v_daily.user_pseudonym",
        "",
        "upstream",
        "  fct_swaps.user_pseudonym",
        "    source.users.address (pseudonymized)",
        "",
        "downstream",
        "  nothing",
        "",
        "rows are decided by",
        "  fct_swaps.day",
        "  fct_swaps.user_pseudonym",
    ]
    assert invoke("lineage", "--project-dir", str(project), "bridge").exit_code == 4


@pytest.mark.parametrize("asked", ["fct_swaps", "source.users", "fct_swaps.user_pseudonym", "source.users.address"])
def test_nothing_tells_of_internal_relations(asked: str, project: Path) -> None:
    for arguments in ([], ["--json"]):
        ended = invoke("lineage", "--project-dir", str(project), asked, *arguments)
        assert "bridge" not in ended.stdout + ended.stderr
    assert ended.json["name"]
