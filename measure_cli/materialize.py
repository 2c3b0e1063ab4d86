"""Relation -> Step: the statements that build it beside its published version and swap it in. Pure.

Every relation is staged as `<name>__next` in its own place. How it is made, and how it takes the place of the published
version, is up to the engine's writer of statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from measure_cli.batches import CALENDAR_START, midnight
from measure_cli.catalog import Relation, key_of
from measure_cli.ddl.base import BatchDdl, Ddl
from measure_cli.ddl.intervals import bound, within
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.steps import Step
from measure_cli.types import REF_SCHEMA, STAGED_SUFFIX, Batch, Load, Statement


@dataclass(frozen=True, slots=True)
class Names:
    """Physical names in one run: relations being rebuilt are read in their staged version."""

    relations: Mapping[str, Relation]
    staged: frozenset[str]
    ddl: Ddl

    def staged_name(self, key: str) -> str:
        """Where a step writes."""
        relation = self.relations[key]
        return self.ddl.name(relation.place, relation.name + STAGED_SUFFIX)

    def published_name(self, key: str) -> str:
        """Where readers look."""
        relation = self.relations[key]
        return self.ddl.name(relation.place, relation.name)

    def in_run(self, key: str) -> str:
        """What a step of this run reads: the staged version if there is one, an ephemeral model as a subquery."""
        return self._inline(key, self.in_run) or (
            self.staged_name(key) if key in self.staged else self.published_name(key)
        )

    def published(self, key: str) -> str:
        """What a published view, or a script, reads."""
        return self._inline(key, self.published) or self.published_name(key)

    def secrets_in(self, key: str) -> tuple[str, ...]:
        """The secrets that reading a relation in this run binds."""
        return ()

    def _inline(self, key: str, naming: Callable[[str], str]) -> str | None:
        relation = self.relations[key]
        if relation.config.materialized is not Materialization.EPHEMERAL or relation.compiled is None:
            return None
        return f"({relation.compiled.sql(by_key(naming))})"


def by_key(naming: Callable[[str], str]) -> Callable[[str], str]:
    """A naming of graph keys as a naming of compiled references."""
    return lambda reference: naming(key_of(reference))


def step_of(
    relation: Relation,
    names: Names,
    fingerprint: str,
    existing: str | None,
    select: str | None,
) -> Step:
    """The step of one relation. `existing` is what stands under its name now; `select` is the SELECT of a source."""
    key, ddl = relation.key, names.ddl
    staged, published = names.staged_name(key), names.published_name(key)
    as_view = is_view(relation, ddl)
    before = [Statement(sql) for sql in hooks(relation, relation.config.pre_hook, published, names)]
    after = [Statement(sql) for sql in hooks(relation, relation.config.post_hook, published, names)]
    if as_view:
        served = body_of(relation, names.published, select)
        publish = ddl.publish_view(staged, published, relation.columns, served, existing)
    else:
        publish = ddl.publish_table(staged, published, relation.name, existing)
    described = {column.name: column.description for column in relation.docs if column.description}
    return Step(
        key=key,
        kind=relation.kind,
        schema=relation.place,
        is_internal=relation.is_internal,
        materialized=Materialization.VIEW if as_view else relation.config.materialized,
        fingerprint=fingerprint,
        after=tuple(key for key in dict.fromkeys(run_parents(relation, names.relations)) if key in names.staged),
        create=(*before, *creation(relation, names, staged, select)),
        publish=(*publish, *ddl.comments(published, as_view, relation.description, described), *after),
        tidy=tuple(ddl.tidy(staged, as_view)),
        discard=(ddl.drop(staged, "view" if as_view else "table"),),
        count=None if as_view else Statement(f"SELECT count(*) FROM {staged}"),
    )


def body_of(relation: Relation, naming: Callable[[str], str], select: str | None) -> str:
    """The SELECT of a model under some names, or that of a source."""
    if relation.compiled is not None:
        return relation.compiled.sql(by_key(naming))
    assert select is not None
    return select


def creation(relation: Relation, names: Names, name: str, select: str | None) -> list[Statement | Load]:
    """The statements that make one relation under `name` from what this run has staged."""
    ddl, columns = names.ddl, relation.columns
    if relation.registry is not None:
        return [*ddl.rows(name, columns, relation.registry.rows)]
    body = body_of(relation, names.in_run, select)
    if relation.batched is not None:
        body = complete_days(relation, ddl.batches, body)
    if is_view(relation, ddl):
        return [ddl.view(name, columns, body)]
    if relation.compiled is None:
        return ddl.load(name, columns, body)
    return [*ddl.table(name, columns, body, relation.config, secrets_of(relation.compiled, names))]


def listed(relation: Relation, ddl: BatchDdl) -> str:
    """The columns of a relation, as they stand in a SELECT."""
    return ", ".join(ddl.column(name) for name, _ in relation.columns)


def complete_days(relation: Relation, ddl: BatchDdl, body: str) -> str:
    """The rows of an incremental model from its start to before `as_of`; those without a time stay, for the audit."""
    column = relation.config.time_column
    assert column is not None
    assert relation.as_of is not None
    interval = Batch(midnight(relation.config.start or CALENDAR_START), midnight(relation.as_of))
    condition = within(ddl, column, bound(ddl, interval))
    names = listed(relation, ddl)
    return f"SELECT {names}\nFROM (\n{body}\n) AS all_rows\nWHERE {ddl.column(column)} IS NULL OR ({condition})"


def has_hooks(relation: Relation) -> bool:
    """Whether statements of its own may change the rows of a relation, or anything else."""
    return bool(relation.config.pre_hook or relation.config.post_hook)


def hooks(relation: Relation, statements: Sequence[str], this: str, names: Names) -> list[str]:
    """The statements of a hook; `this` is the relation itself, what else it refers to goes by its published name."""
    placeholders = {f"{REF_SCHEMA}.{key}": names.published_name(key) for key in relation.after}
    placeholders[f"{REF_SCHEMA}.{relation.key}"] = this
    longest_first = sorted(placeholders, key=len, reverse=True)
    return [reduce(lambda sql, name: sql.replace(name, placeholders[name]), longest_first, sql) for sql in statements]


def secrets_of(compiled: CompiledSelect, names: Names) -> tuple[str, ...]:
    """The secrets that a SELECT binds: its own, and those of the ephemeral models that stand in it."""
    found = dict.fromkeys(compiled.secrets)
    for reference in compiled.relations:
        parent = names.relations[key_of(reference)]
        if parent.config.materialized is Materialization.EPHEMERAL and parent.compiled is not None:
            found |= dict.fromkeys(secrets_of(parent.compiled, names))
    return tuple(found)


def is_view(relation: Relation, ddl: Ddl) -> bool:
    """Whether a relation is stored as a view: view models, and sources that the engine reads in place."""
    if relation.kind is RelationKind.SOURCE and relation.source:
        source, shape = relation.source[1], relation.source[2]
        is_parquet = all(file.lower().endswith((".parquet", ".pq")) for file in shape.files)
        return source.table is not None or (ddl.reads_files and is_parquet)
    return relation.kind is RelationKind.MODEL and relation.config.materialized is Materialization.VIEW


def run_parents(relation: Relation, relations: Mapping[str, Relation]) -> Sequence[str]:
    """Keys a relation reads, looking through ephemeral models."""
    return [parent for key in relation.after for parent in stored(key, relations)]


def stored(key: str, relations: Mapping[str, Relation]) -> Sequence[str]:
    """The relation itself, or what an ephemeral model reads in its place."""
    relation = relations[key]
    is_ephemeral = relation.config.materialized is Materialization.EPHEMERAL and relation.kind is RelationKind.MODEL
    return run_parents(relation, relations) if is_ephemeral else [key]


def select_of(compiled: CompiledSelect, names: Names) -> str:
    """A model's SELECT over published names."""
    return compiled.sql(by_key(names.published))


def tables_served(relation: Relation, names: Names) -> tuple[str, ...]:
    """The tables of this run whose rows a published view shows, looking through views and ephemeral models."""
    found: dict[str, None] = {}
    stack = list(relation.after)
    while stack:
        parent = names.relations[stack.pop()]
        if is_view(parent, names.ddl) or parent.config.materialized is Materialization.EPHEMERAL:
            stack += parent.after
        elif parent.key in names.staged and parent.kind is RelationKind.MODEL:
            found[parent.key] = None
    return tuple(found)
