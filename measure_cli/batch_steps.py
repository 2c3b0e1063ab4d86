"""An incremental model -> the statements that build it by intervals, with what is stale left open until a run knows.

What a run finds in the model's inputs goes into `refresh.plan_batches`; what comes out of it is written here. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from measure_cli.batches import (
    BATCH_AS_OF,
    BATCH_END,
    BATCH_STAGE,
    BATCH_START,
    BatchPlan,
    Day,
    DayQueries,
    Days,
    Seen,
    StagedBatch,
)
from measure_cli.catalog import Relation, digest, key_of
from measure_cli.ddl.base import Ddl
from measure_cli.ddl.intervals import bound, in_stage, placeholders, within
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.materialize import Names, is_view, listed, run_parents, secrets_of
from measure_cli.overlay import BatchOverlay
from measure_cli.refresh import Subject, Wishes, plan_batches
from measure_cli.sqltext import split_placeholders
from measure_cli.types import BATCHES_SUFFIX, Batch, Statement, Value

WHOLE = "whole"  # the part that is all of a relation
PART_DIGITS = 24


@dataclass(frozen=True, slots=True)
class RecordedBatches:
    """What the state tables say of incremental models, by relation.

    `months`: first moment of a published month -> fingerprint; `staged`: what waits for publication; `seen`: the
    inputs, day by day, as a run saw them last; `clean`: by what audits the published rows are known to be clean,
    identity -> name.
    """

    months: Mapping[str, Mapping[datetime, str]] = field(default_factory=dict)
    staged: Mapping[str, Sequence[StagedBatch]] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    clean: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parent:
    """An input of an incremental model: its days, or how to find them."""

    relation: str
    version: str
    days: Days | None = None
    queries: DayQueries | None = None


@dataclass(frozen=True, slots=True)
class BatchSteps:
    """Writes the batches of one model; a `BatchWriter`.

    `existing` is what stands under its name now, `days` are those that it holds, as far as they are on record.
    """

    relation: Relation
    names: Names
    subject: Subject
    parents: tuple[Parent, ...]
    is_whole: bool
    existing: str | None
    days: Days | None

    @property
    def stage(self) -> str:
        """The table in which batches wait."""
        return stage_name(self.relation, self.names)

    @property
    def _time_column(self) -> str:
        assert self.relation.config.time_column is not None
        return self.relation.config.time_column

    def day_queries(self) -> Mapping[str, DayQueries]:
        """The queries of those inputs whose days are not on record."""
        return {parent.relation: parent.queries for parent in self.parents if parent.queries}

    def plan(self, days: Mapping[str, Days]) -> BatchPlan:
        """What is stale; `seen` of the plan is what the queries found."""
        seen = [
            Seen(parent.relation, parent.version, days[parent.relation] if parent.days is None else parent.days)
            for parent in self.parents
        ]
        queried = tuple(one for one, parent in zip(seen, self.parents, strict=True) if parent.queries)
        return replace(plan_batches(self.subject, seen), seen=queried)

    def open(self, plan: BatchPlan) -> Sequence[Statement]:
        """Keep what was computed before a run was stopped; otherwise begin with an empty table."""
        ddl, relation = self.names.ddl, self.relation
        if not plan.months and not plan.is_full:
            return ()
        if not plan.done:
            return ddl.create_table(self.stage, relation.columns, relation.config)
        waits = " OR ".join(f"({self._holds(one.batch)})" for one in plan.done)
        return ddl.batches.delete(self.stage, f"NOT ({waits})")

    def insert(self, batch: Batch, replaces: bool) -> Sequence[Statement]:
        """Whatever the SELECT gives, only rows of the interval and of the stage are written."""
        ddl, relation, names = self.names.ddl.batches, self.relation, self.names
        assert relation.batched is not None
        body = relation.batched.sql(lambda reference: names.in_run(key_of(reference)))
        condition = within(ddl, self._time_column, placeholders(ddl))
        values = {BATCH_START: str(batch.start), BATCH_END: str(batch.end), **bound_as_of(relation, body, names.ddl)}
        if batch.stage is not None:
            condition += f" AND {self._in_stage(None)}"
            values[BATCH_STAGE] = batch.stage
        select = (
            f"SELECT {listed(relation, self.names.ddl.batches)}\nFROM (\n{body}\n) AS batch_rows\nWHERE {condition}"
        )
        filled = Statement(
            ddl.insert(self.stage, relation.columns, select, relation.config),
            values,
            secrets_of(relation.batched, names),
        )
        return [*(ddl.delete(self.stage, self._holds(batch)) if replaces else []), filled]

    def count(self, batch: Batch) -> Statement:
        """Rows of a batch in the stage."""
        return Statement(f"SELECT count(*) FROM {self.stage} WHERE {self._holds(batch)}")

    def _holds(self, batch: Batch) -> str:
        """The condition that a row belongs to a batch."""
        ddl = self.names.ddl.batches
        condition = within(ddl, self._time_column, bound(ddl, batch))
        return condition if batch.stage is None else f"{condition} AND {self._in_stage(batch.stage)}"

    def _in_stage(self, stage: str | None) -> str:
        config = self.relation.config
        assert config.stage_by is not None
        return in_stage(self.names.ddl.batches, config.stage_by, config.stages, stage)

    def overlay(self, plan: BatchPlan) -> BatchOverlay:
        """What the batches of a plan make of the relation."""
        columns = columns_seen(self.names.relations).get(self.relation.key, ())
        return BatchOverlay(self.relation, self.names, plan, self.stage, self.existing, self.days, columns)


def bound_as_of(relation: Relation, sql: str, ddl: Ddl) -> dict[str, Value]:
    """The value of the `as_of` of a batch, where the text has a place for it."""
    has_place = BATCH_AS_OF in split_placeholders(sql, ddl.escapes_by_backslash)[1::2]
    return {BATCH_AS_OF: f"{relation.as_of} 00:00:00"} if has_place else {}


def stage_name(relation: Relation, names: Names) -> str:
    """The qualified name of the table in which the batches of a model wait."""
    return names.ddl.name(relation.place, relation.name + BATCHES_SUFFIX)


def parents_of(
    relation: Relation,
    names: Names,
    versions: Mapping[str, str],
    record: RecordedBatches,
    source_select: Callable[[Relation], str],
) -> tuple[Parent, ...]:
    """The inputs of an incremental model. `versions` are the fingerprints of all relations as this run reads them."""
    columns = columns_seen(names.relations)
    found = []
    for key in dict.fromkeys(run_parents(relation, names.relations)):
        parent = names.relations[key]
        day_column = parent.config.time_column
        if parent.kind is not RelationKind.MODEL and not day_column:
            found.append(Parent(key, versions[key], {None: Day(0, versions[key])}))
            continue
        version = digest(versions[key], columns[key], day_column)
        days = recorded_days(key, version, record)
        if days is not None:
            found.append(Parent(key, version, days))
        elif has_like_files(parent, names):
            found.append(Parent(key, version, None, days_by_file(parent, names, columns[key], record, source_select)))
        else:
            query = names.ddl.batches.days(names.in_run(key), columns[key], day_column)
            queries = DayQueries({WHOLE: Statement(query, secrets=names.secrets_in(key))})
            found.append(Parent(key, version, None, queries))
    return tuple(found)


def has_like_files(relation: Relation, names: Names) -> bool:
    """Whether a relation is several files with the same columns, which the engine reads in place."""
    if relation.source is None or not is_view(relation, names.ddl):
        return False
    shape = relation.source[2]
    return len(shape.files) > 1 and shape.is_uniform


def days_by_file(
    relation: Relation,
    names: Names,
    columns: Sequence[str],
    record: RecordedBatches,
    source_select: Callable[[Relation], str],
) -> DayQueries:
    """The days of a source, file by file: those that are what they were when they were seen last are not read."""
    assert relation.source is not None
    spec, source, shape = relation.source
    seen = record.seen[relation.key].parts if relation.key in record.seen else {}
    known: dict[str, Days] = {}
    asked: dict[str, Statement] = {}
    for file, stamp in zip(shape.files, shape.stamps, strict=True):
        select = source_select(replace(relation, source=(spec, source, replace(shape, files=(file,)))))
        query = names.ddl.batches.days(f"({select})", columns, relation.config.time_column)
        part = digest(query, stamp)[:PART_DIGITS]
        if part in seen:
            known[part] = seen[part]
        else:
            asked[part] = Statement(query)
    return DayQueries(asked, known, are_files=True)


def recorded_days(key: str, version: str, record: RecordedBatches) -> Days | None:
    """The days of a relation, if they were recorded of exactly this version."""
    known = record.seen.get(key)
    return known.days if known and known.version == version else None


def published_days(relation: Relation, fingerprint: str, names: Names, record: RecordedBatches) -> Days | None:
    """The days of a relation as it is published under a fingerprint, if they were recorded."""
    columns = columns_seen(names.relations).get(relation.key, ())
    return recorded_days(relation.key, digest(fingerprint, columns, relation.config.time_column), record)


def columns_seen(relations: Mapping[str, Relation]) -> dict[str, tuple[str, ...]]:
    """For every relation that incremental models read the columns that any of them names."""
    named: dict[str, set[str]] = {}
    pending = [relation.batched for relation in relations.values() if relation.batched]
    while pending:
        for reference, columns in pending.pop().reads:
            parent = relations[key_of(reference)]
            if parent.config.materialized is Materialization.EPHEMERAL and parent.compiled:
                pending.append(parent.compiled)
            named.setdefault(parent.key, set()).update(columns)
    return {key: tuple(name for name, _ in relations[key].columns if name in found) for key, found in named.items()}


def definition_of(relation: Relation, relations: Mapping[str, Relation]) -> str:
    """What decides the content of batches besides inputs: the model itself, and the ephemeral models inside of it."""
    inlined = [
        definition_of(parent, relations)
        for parent in (relations[key] for key in relation.after)
        if parent.kind is RelationKind.MODEL and parent.config.materialized is Materialization.EPHEMERAL
    ]
    return digest(relation.batch_definition or relation.definition, inlined)


def has_days(relation: Relation, relations: Mapping[str, Relation]) -> bool:
    """Whether any input of a model says when its rows are; otherwise the model can only be built whole."""
    return any(relations[key].config.time_column for key in run_parents(relation, relations))


def batch_steps(
    relation: Relation,
    names: Names,
    versions: Mapping[str, str],
    record: RecordedBatches,
    *,
    source_select: Callable[[Relation], str],
    existing: str | None,
    published: str | None,
    has_stage: bool,
    wishes: Wishes | None,
    full: bool,
) -> BatchSteps:
    """The writer of one incremental model; without `wishes` it is built whole, and its months are recorded.

    `published` is the fingerprint of what stands under its name now.
    """
    assert relation.as_of is not None
    is_whole = wishes is None or not has_days(relation, names.relations)
    subject = Subject(
        relation=relation.key,
        definition=definition_of(relation, names.relations),
        as_of=relation.as_of,
        lookback=relation.config.lookback,
        lookahead=relation.config.lookahead,
        undated=relation.config.undated,
        start=relation.config.start,
        stage_by=relation.config.stage_by,
        stages=relation.config.stages,
        months=record.months.get(relation.key, {}),
        staged=record.staged.get(relation.key, ()) if has_stage else (),
        before={key: seen.days for key, seen in record.seen.items()},
        dayless=frozenset(key for key, one in names.relations.items() if not one.config.time_column),
        has_table=existing == "table" and not is_whole,
        is_full=full and not is_whole,
        wishes=wishes or Wishes(),
    )
    days = published_days(relation, published, names, record) if published and not is_whole else None
    parents = parents_of(relation, names, versions, record, source_select)
    return BatchSteps(relation, names, subject, parents, is_whole, existing, days)
