"""Relation -> Step: the statements that build it beside its published version, audit it and swap it in. Pure.

Every relation is staged as `<name>__next` in its own schema. Publishing drops the old one and renames, for all good
steps of a run in one transaction, so that readers see the whole run or nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from measure_cli.catalog import Audit, Relation, digest, key_of
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.privacy import reads_internal
from measure_cli.sqltext import identifier, literal, relation_text
from measure_cli.types import REF_SCHEMA, STAGED_SUFFIX, AuditStep, Registry, Statement, Step

SAMPLE_ROWS = 5


@dataclass(frozen=True, slots=True)
class Names:
    """Physical names in one run: relations being rebuilt are read in their staged version."""

    relations: Mapping[str, Relation]
    staged: frozenset[str]

    def staged_name(self, key: str) -> str:
        """Where a step writes."""
        relation = self.relations[key]
        return relation_text(relation.place, relation.name + STAGED_SUFFIX)

    def published_name(self, key: str) -> str:
        """Where readers look."""
        relation = self.relations[key]
        return relation_text(relation.place, relation.name)

    def in_run(self, key: str) -> str:
        """What a step of this run reads: the staged version if there is one, an ephemeral model as a subquery."""
        return self._inline(key, self.in_run) or (
            self.staged_name(key) if key in self.staged else self.published_name(key)
        )

    def published(self, key: str) -> str:
        """What a published view, or a script, reads."""
        return self._inline(key, self.published) or self.published_name(key)

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
    key = relation.key
    staged, published = names.staged_name(key), names.published_name(key)
    as_view = is_view(relation)
    if relation.compiled is not None:
        body, served = relation.compiled.sql(by_key(names.in_run)), relation.compiled.sql(by_key(names.published))
    else:
        body = served = select or registry_select(relation.registry)
    drop = drop_statements(existing, as_view, published)
    if as_view:
        create = f"CREATE OR REPLACE VIEW {staged} AS\n{body}"
        publish = [f"DROP VIEW IF EXISTS {staged}", *drop, f"CREATE OR REPLACE VIEW {published} AS\n{served}"]
    else:
        create = f"CREATE OR REPLACE TABLE {staged} AS\n{ordered(body, relation.config.order_by)}"
        publish = [*drop, f"ALTER TABLE {staged} RENAME TO {identifier(relation.name)}"]
    secrets = secrets_of(relation.compiled, names) if relation.compiled else ()
    before = hooks(relation, relation.config.pre_hook, published, names)
    created = [*map(Statement, before), Statement(create, secrets=secrets)]
    publish += [*comments(relation, published, as_view), *hooks(relation, relation.config.post_hook, published, names)]
    return Step(
        key=key,
        kind=relation.kind,
        schema=relation.place,
        is_internal=relation.is_internal,
        materialized=Materialization.VIEW if as_view else relation.config.materialized,
        fingerprint=fingerprint,
        after=tuple(dict.fromkeys(parent for parent in run_parents(relation, names) if parent in names.staged)),
        create=tuple(created),
        publish=tuple(map(Statement, publish)),
        discard=(Statement(f"DROP {'VIEW' if as_view else 'TABLE'} IF EXISTS {staged}"),),
        count=None if as_view else Statement(f"SELECT count(*) FROM {staged}"),
        audits=tuple(audit_step(key, audit, names, names.in_run) for audit in relation.audits),
    )


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


def is_view(relation: Relation) -> bool:
    """Whether a relation is stored as a view: view models, and sources that the engine reads in place."""
    if relation.kind is RelationKind.SOURCE and relation.source:
        source, shape = relation.source[1], relation.source[2]
        return source.table is not None or all(file.lower().endswith((".parquet", ".pq")) for file in shape.files)
    return relation.kind is RelationKind.MODEL and relation.config.materialized is Materialization.VIEW


def run_parents(relation: Relation, names: Names) -> Sequence[str]:
    """Keys a relation reads, looking through ephemeral models."""
    parents: list[str] = []
    for key in relation.after:
        parent = names.relations[key]
        if parent.config.materialized is Materialization.EPHEMERAL and parent.kind is RelationKind.MODEL:
            parents += run_parents(parent, names)
        else:
            parents.append(key)
    return parents


def drop_statements(existing: str | None, as_view: bool, published: str) -> list[str]:
    """Make room under the published name, whatever stands there."""
    if existing == "view" and not as_view:
        return [f"DROP VIEW {published}"]
    if existing == "table":
        return [f"DROP TABLE {published}"]
    return []


def ordered(body: str, order_by: Sequence[str]) -> str:
    """The SELECT of a table, sorted as configured so that the engine can skip blocks."""
    return f"SELECT * FROM (\n{body}\n) ORDER BY {', '.join(map(identifier, order_by))}" if order_by else body


def comments(relation: Relation, name: str, as_view: bool) -> list[str]:
    """The description as a comment of the relation."""
    if not relation.description:
        return []
    return [f"COMMENT ON {'VIEW' if as_view else 'TABLE'} {name} IS {literal(relation.description)}"]


def registry_select(registry: Registry | None) -> str:
    """The rows of a registry as a typed SELECT."""
    assert registry is not None
    columns = [(column.name, (column.data_type or "varchar").upper()) for column in registry.spec.columns]
    typed = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in columns)
    names = ", ".join(identifier(name) for name, _ in columns)
    if not registry.rows:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns)
        return f"SELECT {nulls} WHERE false"
    rows = ",\n  ".join("(" + ", ".join(literal(row[name]) for name, _ in columns) + ")" for row in registry.rows)
    return f"SELECT {typed}\nFROM (VALUES\n  {rows}\n) AS registry({names})"


def audit_step(model: str, audit: Audit, names: Names, naming: Callable[[str], str]) -> AuditStep:
    """The statements of one audit: count the offending rows, show some, keep them if asked."""
    rows, secrets = audit.compiled.sql(by_key(naming)), secrets_of(audit.compiled, names)
    if audit.spec.limit is not None:
        rows = f"SELECT * FROM (\n{rows}\n) LIMIT {audit.spec.limit}"
    keep, hidden = None, reads_internal(audit.compiled, names.relations)
    if audit.spec.store_failures:
        mark = digest(sorted(audit.spec.arguments.items()), audit.spec.where)[:6]
        table = relation_text("measure_state", f"failures_{model}_{safe(audit.spec.name)}"[:110] + f"_{mark}")
        keep = Statement(f"CREATE OR REPLACE TABLE {table} AS\n{rows}", secrets=secrets)
    return AuditStep(
        model=model,
        spec=audit.spec,
        count=Statement(f"SELECT count(*) FROM (\n{rows}\n)", secrets=secrets),
        sample=None if hidden else Statement(f"SELECT * FROM (\n{rows}\n) LIMIT {SAMPLE_ROWS}", secrets=secrets),
        keep=keep,
        reads=tuple(key for key in audit.reads if key != model),
    )


def safe(name: str) -> str:
    """A name with everything but letters, digits and _ replaced."""
    return "".join(char if char.isalnum() else "_" for char in name.lower())


def select_of(compiled: CompiledSelect, names: Names) -> str:
    """A model's SELECT over published names."""
    return compiled.sql(by_key(names.published))


def tables_served(relation: Relation, relations: Mapping[str, Relation], staged: Collection[str]) -> tuple[str, ...]:
    """The tables of this run whose rows a published view shows, looking through views and ephemeral models."""
    found: dict[str, None] = {}
    stack = list(relation.after)
    while stack:
        parent = relations[stack.pop()]
        if is_view(parent) or parent.config.materialized is Materialization.EPHEMERAL:
            stack += parent.after
        elif parent.key in staged and parent.kind is RelationKind.MODEL:
            found[parent.key] = None
    return tuple(found)
