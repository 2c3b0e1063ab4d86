"""Catalog -> one SQL script that builds the selected relations on an empty database. Pure.

The same SELECTs as `build` executes, under published names, in dependency order, one statement after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from measure_cli.catalog import Catalog, Relation
from measure_cli.errors import PlanError, ProjectError
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.materialize import Names, comments, hooks, is_view, ordered, registry_select, select_of
from measure_cli.plan import is_buildable
from measure_cli.sqltext import identifier, literal, table_text
from measure_cli.types import INTERNAL_FILE, Batch

DIALECTS = ("duckdb",)


def month_of(text: str) -> Batch:
    """The batch of a month written as 2024-03.

    >>> month_of("2024-12").end
    datetime.datetime(2025, 1, 1, 0, 0)
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ProjectError(f"--batch {text}: expected a month such as 2024-03")
    year, month = int(text[:4]), int(text[5:])
    return Batch(datetime(year, month, 1), datetime(year + month // 12, month % 12 + 1, 1))


def select_of_one(catalog: Catalog, chosen: Sequence[str]) -> str:
    """The SELECT of one model over published names."""
    if len(chosen) != 1:
        raise PlanError(f"--select-only prints one model; {len(chosen)} are selected")
    relation = catalog.relations[chosen[0]]
    if relation.compiled is None:
        raise PlanError(
            f"{relation.key} is no model that can be built{f': {relation.absent}' if relation.absent else ''}"
        )
    return select_of(relation.compiled, Names(catalog.relations, frozenset())) + "\n"


def script_of(
    catalog: Catalog,
    chosen: Sequence[str],
    source_select: Callable[[Relation], str],
    batch: Batch | None,
) -> str:
    """The whole script; with a batch only the incremental models, each replaced within the batch."""
    names = Names(catalog.relations, frozenset())
    relations = [catalog.relations[key] for key in chosen if is_buildable(catalog.relations[key])]
    if batch is not None:
        relations = [relation for relation in relations if relation.config.materialized is Materialization.INCREMENTAL]
        if not relations:
            raise PlanError("--batch: none of the selected models is incremental")
        return "\n\n".join(replace_interval(relation, names, batch) for relation in relations) + "\n"
    parts = ["SET TimeZone = 'UTC';"]
    if any(relation.is_internal for relation in relations):
        parts.append(f"-- internal relations stay out of the database\nATTACH ':memory:' AS {INTERNAL_FILE};")
    parts += [
        f"CREATE SCHEMA IF NOT EXISTS {table_text(place)};" for place in dict.fromkeys(r.place for r in relations)
    ]
    parts += [create(relation, names, source_select) for relation in relations]
    return "\n\n".join(parts) + "\n"


def create(relation: Relation, names: Names, source_select: Callable[[Relation], str]) -> str:
    """The statements of one relation."""
    name, as_view = names.published_name(relation.key), is_view(relation)
    if relation.compiled is not None:
        body = select_of(relation.compiled, names)
    elif relation.kind is RelationKind.REGISTRY:
        body = registry_select(relation.registry)
    else:
        body = source_select(relation)
    body = body if as_view else ordered(body, relation.config.order_by)
    statements = [
        *hooks(relation, relation.config.pre_hook, name, names),
        f"CREATE OR REPLACE {'VIEW' if as_view else 'TABLE'} {name} AS\n{body}",
        *comments(relation, name, as_view),
        *hooks(relation, relation.config.post_hook, name, names),
    ]
    return f"-- {relation.kind.value} {relation.key}\n" + "\n".join(f"{statement};" for statement in statements)


def replace_interval(relation: Relation, names: Names, batch: Batch) -> str:
    """Replace exactly the rows of one interval, in one transaction."""
    assert relation.compiled is not None
    assert relation.config.time_column is not None
    name, column = names.published_name(relation.key), identifier(relation.config.time_column)
    start, end = (f"CAST({literal(str(bound))} AS TIMESTAMP)" for bound in (batch.start, batch.end))
    return "\n".join(
        [
            f"-- model {relation.key}, {batch.start:%Y-%m-%d} <= {relation.config.time_column} < {batch.end:%Y-%m-%d}",
            "BEGIN;",
            f"DELETE FROM {name} WHERE {column} >= {start} AND {column} < {end};",
            f"INSERT INTO {name} BY NAME\n{select_of(relation.compiled, names)};",
            "COMMIT;",
        ]
    )
