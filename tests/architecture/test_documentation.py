"""Every relation of every bundled stack is explained and audited, column by column."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from measure_cli.catalog import Relation
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.loading import load
from measure_cli.project import Overrides
from measure_cli.stack import bundled_stacks

TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module", params=bundled_stacks())
def relations(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Relation]:
    """All relations of a stack over its demo data, which configures every source."""
    folder: Path = tmp_path_factory.mktemp("stack")
    return list(load(Overrides(TODAY, folder, stack=request.param)).catalog.relations.values())


def test_nothing_is_left_out_on_demo_data(relations: list[Relation]) -> None:
    assert [relation.key for relation in relations if relation.absent] == []


def test_every_relation_has_a_description(relations: list[Relation]) -> None:
    assert [relation.key for relation in relations if not relation.description] == []


def test_every_column_has_a_description(relations: list[Relation]) -> None:
    undescribed = [
        f"{relation.key}.{column}"
        for relation in relations
        for column, _ in relation.columns
        if not column.startswith("_") and not next((doc.description for doc in relation.docs if doc.name == column), "")
    ]
    assert undescribed == []


def test_every_model_has_an_audit(relations: list[Relation]) -> None:
    models = [
        relation
        for relation in relations
        if relation.kind is RelationKind.MODEL and relation.config.materialized is not Materialization.EPHEMERAL
    ]
    assert models
    assert [relation.key for relation in models if not relation.audits] == []


def test_every_column_has_a_known_type(relations: list[Relation]) -> None:
    unknown = [
        f"{relation.key}.{column}" for relation in relations for column, kind in relation.columns if kind == "UNKNOWN"
    ]
    assert unknown == []


def test_no_template_holds_what_engines_disagree_on(tmp_path: Path) -> None:
    for stack in bundled_stacks():
        findings = load(Overrides(TODAY, tmp_path, stack=stack)).catalog.findings
        assert [f"{place}: {finding.rule}" for place, finding in findings] == []
