"""What stands in a target -> what of it may stay although what it is made from has another fingerprint. Pure.

A fingerprint changes with everything that a relation may depend on: a file that was written again, one day of two
years. What came of that may be the same. So with each relation that is published stands its origin: what it was made
from, as that was published then. Where this is so still, and the inputs come out of a run as they are published, the
relation is what it would be built as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from measure_cli.batch_steps import RecordedBatches, published_days
from measure_cli.catalog import Relation, digest
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.materialize import Names, has_hooks, listed
from measure_cli.privacy import is_ephemeral
from measure_cli.steps import BuiltRelation, Standing, Step
from measure_cli.types import Statement

PART_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """What a published relation was made from: its columns, its definition with what it read, what its audits read."""

    columns: str
    inputs: str
    audited: str

    def __str__(self) -> str:
        return f"{self.columns}.{self.inputs}.{self.audited}"


def read_origin(text: str | None) -> Origin | None:
    """The origin that stands in a ledger; None where an earlier version kept none."""
    parts = (text or "").split(".")
    return Origin(*parts) if len(parts) == 3 else None  # its fields


class Origins:
    """The origins of relations, given the fingerprints under which all are published."""

    def __init__(self, relations: Mapping[str, Relation], published: Mapping[str, str]) -> None:
        self._relations = relations
        self._published = published
        self._shown: dict[str, str] = {}

    def of(self, relation: Relation) -> Origin:
        """What a relation is made from if it is made now."""
        inputs = [(key, self.shown(key)) for key in sorted(relation.after)]
        audited = {key for audit in relation.audits for key in audit.reads if key != relation.key}
        return Origin(
            columns=digest(relation.columns)[:PART_DIGITS],
            inputs=digest(relation.definition, inputs)[:PART_DIGITS],
            audited=digest([(key, self.shown(key)) for key in sorted(audited)])[:PART_DIGITS],
        )

    def shown(self, key: str) -> str:
        """Changes with what a relation shows: a view shows what stands below it, an ephemeral model is not published.

        What is not published at all shows nothing that stays.
        """
        if key not in self._shown:
            relation = self._relations[key]
            own = relation.definition if is_ephemeral(relation) else self._published.get(key, "")
            below = [self.shown(parent) for parent in relation.after] if is_text(relation) else []
            self._shown[key] = digest(own, below)
        return self._shown[key]


def is_text(relation: Relation) -> bool:
    """Whether a relation shows what others hold."""
    is_view = relation.config.materialized is Materialization.VIEW
    return relation.kind is RelationKind.MODEL and (is_view or is_ephemeral(relation))


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known before a run: how it names relations, what is published, and what all will have been made from.

    `kind_of` tells what stands under a relation's name; `wanted` are built whatever their inputs come out as; `record`
    is what is known of incremental models and of their inputs.
    """

    names: Names
    ledger: Mapping[str, BuiltRelation]
    kind_of: Callable[[Relation], str | None]
    before: Origins
    after: Origins
    wanted: frozenset[str]
    record: RecordedBatches


def standing_of(step: Step, relation: Relation, ground: Ground) -> Standing | None:
    """What stands of a relation; None if nothing does, if it is built in any case, or if hooks may have changed it."""
    built, kind = ground.ledger.get(relation.key), ground.kind_of(relation)
    if built is None or kind is None or relation.key in ground.wanted or has_hooks(relation):
        return None
    origin, now = read_origin(built.origin), ground.before.of(relation)
    if origin is None:
        return None
    names, columns = ground.names, [name for name, _ in relation.columns]
    staged, published = names.staged_name(relation.key), names.published_name(relation.key)
    is_made_so = origin.columns == now.columns and origin.inputs == now.inputs
    is_table = step.count is not None and kind == "table"
    content = tuple(
        Statement(names.ddl.batches.days(place, columns, None))
        for place in (staged, published)
        if is_table and origin.columns == now.columns
    )
    rows = f"SELECT {listed(relation, names.ddl.batches)} FROM {published}"
    return Standing(
        rows=built.rows,
        stays=is_made_so and relation.kind is RelationKind.MODEL and (step.batches is None or step.batches.is_whole),
        is_audited=is_made_so and origin.audited == now.audited,
        content=content,
        show=names.ddl.view(staged, relation.columns, rows),
        hide=names.ddl.drop(staged, "view"),
        days=published_days(relation, built.fingerprint, names, ground.record),
        clean=found_clean(step, ground.record.clean.get(relation.key, {})),
    )


def found_clean(step: Step, clean: Mapping[str, str]) -> frozenset[str]:
    """The audits of a step that found nothing in what is published, as far as their names tell them apart."""
    names = [audit.spec.name for audit in step.audits]
    return frozenset(name for name in clean.values() if names.count(name) == 1)


def marked(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps that know whether others read them in the run."""
    steps = tuple(steps)
    read = {key for step in steps for audit in step.audits for key in audit.reads}
    read |= {key for step in steps for key in step.after}
    return tuple(
        replace(step, standing=replace(step.standing, is_read=step.key in read)) if step.standing else step
        for step in steps
    )
