"""Every relation of every bundled stack is explained and audited, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pytest

from measure_cli.catalog import Relation
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.loading import load
from measure_cli.project import Overrides
from measure_cli.stack import bundled_stacks
from tests.handed_on import hand_on

TODAY = date(2026, 7, 1)


def gaps(relations: Iterable[Relation]) -> Iterator[str]:
    """What is missing, relation by relation."""
    for relation in relations:
        if relation.absent:
            yield f"{relation.key}: left out on demo data, which configures every source"
        if not relation.description:
            yield f"{relation.key}: no description"
        described = {doc.name for doc in relation.docs if doc.description}
        for column, kind in relation.columns:
            if column not in described and not column.startswith("_"):
                yield f"{relation.key}.{column}: no description"
            if kind == "UNKNOWN":
                yield f"{relation.key}.{column}: the type is not known"
        stored = relation.config.materialized is not Materialization.EPHEMERAL
        if relation.kind is RelationKind.MODEL and stored and not relation.audits:
            yield f"{relation.key}: no audit"


@pytest.mark.parametrize("stack", bundled_stacks())
def test_every_relation_is_described_typed_audited_and_portable(stack: str, tmp_path: Path) -> None:
    catalog = load(Overrides(TODAY, hand_on(stack, tmp_path), stack=stack)).catalog
    assert len(catalog.relations) > 10
    assert list(gaps(catalog.relations.values())) == []
    assert [f"{place}: {finding.rule}" for place, finding in catalog.findings] == []
