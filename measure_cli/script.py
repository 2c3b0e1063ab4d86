"""Catalog -> one SQL script that builds the selected relations on an empty database. Pure.

The same SELECTs as `build` executes, under published names, in dependency order, one statement after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from measure_cli.batches import BATCH_AS_OF, BATCH_END, BATCH_STAGE, BATCH_START, REST, month_of
from measure_cli.catalog import Catalog, Relation
from measure_cli.ddl.base import Ddl
from measure_cli.ddl.intervals import bound, within
from measure_cli.errors import PlanError, ProjectError
from measure_cli.kinds import RelationKind
from measure_cli.materialize import Names, creation, hooks, is_view, secrets_of, select_of
from measure_cli.plan import is_buildable
from measure_cli.sqltext import split_placeholders
from measure_cli.types import Batch, Statement


def month_named(text: str) -> Batch:
    """The batch of a month written as 2024-03.

    >>> month_named("2024-12").end
    datetime.datetime(2025, 1, 1, 0, 0)
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ProjectError(f"--batch {text}: expected a month such as 2024-03")
    return month_of(date(int(text[:4]), int(text[5:]), 1))


def select_of_one(catalog: Catalog, chosen: Sequence[str], ddl: Ddl, batch: Batch | None) -> str:
    """The SELECT of one model over published names; of an incremental model that of the batch, if there is one."""
    if len(chosen) != 1:
        raise PlanError(f"--select-only prints one model; {len(chosen)} are selected")
    relation = catalog.relations[chosen[0]]
    if relation.compiled is None:
        raise PlanError(
            f"{relation.key} is no model that can be built{f': {relation.absent}' if relation.absent else ''}"
        )
    names = Names(catalog.relations, frozenset(), ddl)
    if batch and relation.batched:
        return of_batch(relation, names, batch) + "\n"
    return select_of(relation.compiled, names) + "\n"


def of_batch(relation: Relation, names: Names, batch: Batch) -> str:
    """The SELECT of a batch, all stages at once, with literals in the place of what is bound; secrets stay."""
    assert relation.batched is not None
    literal = names.ddl.batches.literal
    bounds = {
        BATCH_START: literal(str(batch.start)),
        BATCH_END: literal(str(batch.end)),
        BATCH_AS_OF: literal(f"{relation.as_of} 00:00:00"),
        BATCH_STAGE: ", ".join(map(literal, (*relation.config.stages, REST))),
    }
    pieces = split_placeholders(select_of(relation.batched, names), names.ddl.escapes_by_backslash)
    return "".join(bounds.get(piece, f"${piece}") if number % 2 else piece for number, piece in enumerate(pieces))


@dataclass(frozen=True, slots=True)
class Inputs:
    """How a script reads what is not in the target: the SELECT of a source, and the Parquet file with its rows."""

    select: Callable[[Relation], str]
    file: Callable[[Relation], str]


def script_of(catalog: Catalog, chosen: Sequence[str], inputs: Inputs, ddl: Ddl, batch: Batch | None) -> str:
    """The whole script; with a batch only the incremental models, each replaced within the batch."""
    names = Names(catalog.relations, frozenset(), ddl)
    relations = [catalog.relations[key] for key in chosen if is_buildable(catalog.relations[key])]
    secrets = tuple(dict.fromkeys(name for r in relations if r.compiled for name in secrets_of(r.compiled, names)))
    if batch is not None:
        relations = [relation for relation in relations if relation.batched]
        if not relations:
            raise PlanError("--batch: none of the selected models is incremental")
        parts = [replace_interval(relation, names, batch) for relation in relations]
    else:
        parts = [f"{statement};" for statement in ddl.script_head(any(r.is_internal for r in relations), secrets)]
        parts += [f"{ddl.create_schema(place).sql};" for place in dict.fromkeys(r.place for r in relations)]
        parts += [create(relation, names, inputs) for relation in relations]
    return with_secrets_named("\n\n".join(parts) + "\n", secrets, ddl)


def create(relation: Relation, names: Names, inputs: Inputs) -> str:
    """The statements of one relation."""
    name, as_view = names.published_name(relation.key), is_view(relation, names.ddl)
    described = {column.name: column.description for column in relation.docs if column.description}
    statements = [
        *hooks(relation, relation.config.pre_hook, name, names),
        *creation_texts(relation, names, name, inputs),
        *(made.sql for made in names.ddl.comments(name, as_view, relation.description, described)),
        *hooks(relation, relation.config.post_hook, name, names),
    ]
    return f"-- {relation.kind.value} {relation.key}\n" + "\n".join(f"{statement};" for statement in statements)


def creation_texts(relation: Relation, names: Names, name: str, inputs: Inputs) -> list[str]:
    """The statements that make a relation and fill it."""
    ddl, columns = names.ddl, relation.columns
    if relation.kind is RelationKind.SOURCE:
        select = inputs.select(relation)
        if is_view(relation, ddl):
            return [ddl.view(name, columns, select).sql]
        return ddl.script_load(name, columns, select, "" if ddl.reads_files else inputs.file(relation))
    made = creation(relation, names, name, None)
    return [statement.sql for statement in made if isinstance(statement, Statement)]


def replace_interval(relation: Relation, names: Names, batch: Batch) -> str:
    """Replace exactly the rows of one interval."""
    assert relation.batched is not None
    assert relation.config.time_column is not None
    name, column, ddl = names.published_name(relation.key), relation.config.time_column, names.ddl.batches
    listed = ", ".join(ddl.column(column) for column, _ in relation.columns)
    rows = of_batch(relation, names, batch)
    select = f"SELECT {listed}\nFROM (\n{rows}\n) AS batch_rows\nWHERE {within(ddl, column, bound(ddl, batch))}"
    statements = names.ddl.replace_interval(name, relation.columns, select, column, batch)
    title = f"-- model {relation.key}, {batch.start:%Y-%m-%d} <= {column} < {batch.end:%Y-%m-%d}"
    return "\n".join([title, *(f"{statement.sql};" for statement in statements)])


def with_secrets_named(script: str, secrets: Sequence[str], ddl: Ddl) -> str:
    """The script with every secret named as the engine's own shell knows it."""
    if not secrets:
        return script
    pieces = split_placeholders(script, ddl.escapes_by_backslash)
    return "".join(ddl.script_placeholder(piece) if number % 2 else piece for number, piece in enumerate(pieces))
