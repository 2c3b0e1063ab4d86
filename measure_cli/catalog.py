"""Sources, registries and rendered models -> relations: compiled, with columns, dependencies and identity. Pure.

A relation's `definition` is a hash of everything that decides its content except its inputs; together with the
identity of what it reads it makes the fingerprint by which a later run knows that nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from typing import Any, Protocol

from measure_cli.audit_render import RenderedAudit, RenderedParts
from measure_cli.batches import CALENDAR_END
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.errors import PlanError, did_you_mean
from measure_cli.graph import Graph, Node, sort_topologically
from measure_cli.incremental import (
    PLACEHOLDERS,
    check_batched,
    placeholders_of,
    windows_of,
    with_origins_of,
)
from measure_cli.ingest import declared_schema
from measure_cli.kinds import EngineKind, Materialization, PseudonymHash, RelationKind
from measure_cli.models import RenderedModel
from measure_cli.render import Rendered
from measure_cli.types import (
    REF_SCHEMA,
    SOURCE_SCHEMA,
    AuditSpec,
    Column,
    InputShape,
    ModelConfig,
    Registry,
    SourceInput,
    SourceSpec,
)

COMPILER_VERSION = "3 " + version("sqlglot")
SOURCES, REGISTRIES = "sources", "registries"


class Memory(Protocol):
    """Remembers results of slow pure work by content hash."""

    def get(self, key: str) -> Any:
        """The value of a key, or None."""

    def put(self, key: str, value: Any) -> None:
        """Remember a JSON value."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A compiled audit: a SELECT of offending rows, and the relations it reads; `part` is that of one interval."""

    spec: AuditSpec
    compiled: CompiledSelect
    reads: tuple[str, ...]
    parts: RenderedParts | None = None
    part: CompiledSelect | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """One node of the graph. `key` is the name, for a source `source.<name>`; `absent` says why it cannot be built.

    `place` is where its schema stands in the target. `batched` is the SELECT of one interval of an incremental model,
    `batch_definition` the hash of what decides the content of its batches.
    """

    key: str
    name: str
    kind: RelationKind
    schema: str
    definition: str
    config: ModelConfig = field(default_factory=ModelConfig)
    description: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    docs: tuple[Column, ...] = ()
    after: tuple[str, ...] = ()
    compiled: CompiledSelect | None = None
    batched: CompiledSelect | None = None
    batch_definition: str = ""
    as_of: date | None = None
    audits: tuple[Audit, ...] = ()
    registry: Registry | None = None
    source: tuple[SourceSpec, SourceInput, InputShape] | None = None
    sql: str = ""
    absent: str | None = None
    place: str = ""

    @property
    def is_internal(self) -> bool:
        """Whether only models may read it: a model that says so, or a source with identifiers."""
        if self.kind is RelationKind.SOURCE:
            return any(column.identifier for column in self.docs)
        return self.config.internal_only


@dataclass(frozen=True, slots=True)
class Catalog:
    """All relations of a stack by key, and their graph."""

    stack: str
    relations: Mapping[str, Relation]
    graph: Graph
    findings: tuple[tuple[str, Any], ...] = ()


def key_of(reference: str) -> str:
    """Graph key of a compiled reference: `measure_ref.x` -> `x`, `measure_source.s` -> `source.s`."""
    schema, _, name = reference.partition(".")
    return name if schema == REF_SCHEMA else f"source.{name}"


def digest(*facts: Any) -> str:
    """A short content hash of JSON-like facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def source_relation(spec: SourceSpec, found: tuple[SourceInput, InputShape] | None) -> Relation:
    """The node of a source; absent when the project does not configure it."""
    columns = tuple(declared_schema(spec).items())
    base = {"key": f"source.{spec.name}", "name": spec.name, "kind": RelationKind.SOURCE, "schema": SOURCES}
    config = ModelConfig(time_column=spec.time_column)
    common = {"description": spec.description, "docs": spec.columns, "columns": columns, "config": config}
    if found is None:
        return Relation(**base, **common, definition="", absent=f"no source {spec.name}")  # type: ignore[arg-type]
    source, shape = found
    facts = digest(
        columns,
        sorted(source.renames.items()),
        source.where,
        source.path,
        source.table,
        shape.columns,
        shape.fingerprint,
    )
    return Relation(**base, **common, definition=facts, source=(spec, source, shape))  # type: ignore[arg-type]


def registry_relation(registry: Registry) -> Relation:
    """The node of a registry."""
    spec = registry.spec
    columns = tuple((column.name, (column.data_type or "varchar").upper()) for column in spec.columns)
    return Relation(
        key=spec.name,
        name=spec.name,
        kind=RelationKind.REGISTRY,
        schema=REGISTRIES,
        definition=digest(columns, registry.fingerprint),
        description=spec.description,
        columns=columns,
        docs=spec.columns,
        registry=registry,
    )


def build_catalog(
    stack: str,
    inputs: Iterable[Relation],
    models: Mapping[str, RenderedModel],
    singular: Iterable[RenderedAudit],
    memory: Memory,
    *,
    engine: EngineKind = EngineKind.DUCKDB,
    pseudonym_hash: PseudonymHash = PseudonymHash.HMAC_SHA256,
    as_of: date,
) -> Catalog:
    """Compile every model for an engine, in dependency order, and put all relations into one graph.

    Raises:
        PlanError: circular references, SQL that does not fit what it reads, documentation of columns that do not exist.
    """
    relations = {relation.key: relation for relation in inputs}
    after = {name: dependencies(model.rendered, model.batched) for name, model in models.items()}
    compiler = Compiler(relations, memory, engine, pseudonym_hash, as_of)
    for name in sort_topologically({**dict.fromkeys(relations, ()), **after}):
        if name in models:
            relations[name] = compiler.model(models[name], after[name])
    order = list(relations)
    for audit in singular:
        compiler.attach_singular(audit, order)
    for name, model in models.items():
        compiler.attach(name, model.audits)
    nodes = [
        Node(relation.key, relation.schema, relation.config.tags, relation.after) for relation in relations.values()
    ]
    return Catalog(stack, relations, Graph(nodes), tuple(compiler.findings))


def keyed(catalog: Catalog, identity: str) -> Catalog:
    """The catalog with the identity of the secrets in whatever binds them: with another salt it is rebuilt."""
    relations = {
        key: replace(
            relation,
            definition=digest(relation.definition, identity),
            batch_definition=digest(relation.batch_definition, identity),
        )
        if relation.compiled and relation.compiled.secrets
        else relation
        for key, relation in catalog.relations.items()
    }
    return replace(catalog, relations=relations)


def placed(catalog: Catalog, place: Callable[[str, bool], str]) -> Catalog:
    """The catalog with the place of every relation in a target."""
    relations = {
        key: replace(relation, place=place(relation.schema, relation.is_internal))
        for key, relation in catalog.relations.items()
    }
    return replace(catalog, relations=relations)


def secrets_needed(catalog: Catalog) -> tuple[str, ...]:
    """The names of all secrets that models and audits bind."""
    selects = [relation.compiled for relation in catalog.relations.values() if relation.compiled]
    selects += [audit.compiled for relation in catalog.relations.values() for audit in relation.audits]
    return tuple(dict.fromkeys(name for select in selects for name in select.secrets))


def dependencies(*renderings: Rendered | None) -> tuple[str, ...]:
    """Keys of what a template refers to, in any of its renderings."""
    rendered = [one for one in renderings if one]
    refs = [name for one in rendered for name in one.refs]
    sources = [f"source.{name}" for one in rendered for name in one.sources]
    return tuple(dict.fromkeys((*refs, *sources)))


class Compiler:
    """Compiles rendered SQL against the columns of what it reads; results are remembered by content."""

    def __init__(
        self,
        relations: dict[str, Relation],
        memory: Memory,
        engine: EngineKind,
        pseudonym_hash: PseudonymHash,
        as_of: date,
    ) -> None:
        self._relations = relations
        self._memory = memory
        self._engine = engine
        self._pseudonym_hash = pseudonym_hash
        self._as_of = as_of
        self.findings: list[tuple[str, Any]] = []

    def model(self, model: RenderedModel, after: tuple[str, ...]) -> Relation:
        """The relation of one model."""
        rendered = model.rendered
        docs, description = (model.doc.columns, model.doc.description) if model.doc else ((), "")
        common: dict[str, Any] = {
            "key": model.name, "name": model.name, "kind": RelationKind.MODEL, "schema": model.layer, "after": after,
            "config": rendered.config, "description": description, "docs": docs, "sql": rendered.sql,
        }  # fmt: skip
        reason = next((self._relations[key].absent for key in after if self._relations[key].absent), None)
        if reason:
            return Relation(**common, definition="", absent=reason)
        compiled = self.compile(rendered)
        check_columns(model, compiled)
        common["docs"] = tuple(doc for name, _ in compiled.columns if (doc := doc_of(name, docs)))
        config = rendered.config
        definition = digest(
            compiled.parts, compiled.columns, config.materialized, config.order_by, config.pre_hook, config.post_hook,
            description, config.internal_only,
        )  # fmt: skip
        made = Relation(**common, definition=definition, compiled=compiled, columns=compiled.columns)
        return self._with_batches(made, model.batched) if model.batched else made

    def _with_batches(self, relation: Relation, rendered: Rendered) -> Relation:
        """The incremental relation with the SELECT of one interval. Its content ends before `as_of`, or never."""
        assert relation.compiled is not None
        config = relation.config
        batched = self.compile(rendered, placeholders_of(config))
        check_batched(rendered, relation.compiled, batched)
        as_of = self._as_of if config.complete_days else CALENDAR_END
        return replace(
            relation,
            compiled=with_origins_of(relation.compiled, batched),
            batched=batched,
            definition=digest(relation.definition, batched.parts, windows_of(config), as_of),
            batch_definition=digest(batched.parts, batched.columns, config.order_by, windows_of(config)),
            as_of=as_of,
        )

    def attach(self, name: str, audits: Iterable[RenderedAudit]) -> None:
        """Compile the audits of one model and add them to its relation and its identity."""
        relation = self._relations[name]
        if relation.absent:
            return
        compiled = [made for audit in audits if (made := self.audit(audit))]
        if compiled and relation.config.materialized is Materialization.EPHEMERAL:
            raise PlanError(f"{relation.name}: an ephemeral model has no rows of its own to audit", "Make it a view.")
        self._relations[name] = with_audits(relation, compiled)

    def attach_singular(self, audit: RenderedAudit, order: list[str]) -> None:
        """Give a singular audit to the last model it reads."""
        if compiled := self.audit(audit):
            models = [key for key in compiled.reads if self._relations[key].kind is RelationKind.MODEL]
            if not models:
                raise PlanError(f"{audit.spec.place}: a singular audit reads at least one model")
            owner = max(models, key=order.index)
            self._relations[owner] = with_audits(self._relations[owner], [compiled])

    def audit(self, audit: RenderedAudit) -> Audit | None:
        """One audit; None when it reads something absent."""
        keys = dependencies(audit.rendered)
        if any(self._relations[key].absent for key in keys):
            return None
        try:
            compiled, parts = self.compile(audit.rendered), audit.parts
            part = self._compiled(parts.rendered, PLACEHOLDERS) if parts else None
        except PlanError as error:
            raise error.at(f"{audit.spec.place}: audit {audit.spec.kind} on {audit.rendered.name}") from None
        return Audit(audit.spec, compiled, tuple(key_of(reference) for reference in compiled.relations), parts, part)

    def compile(self, rendered: Rendered, placeholders: tuple[str, ...] = ()) -> CompiledSelect:
        """The compiled SELECT of a model or audit; its findings are kept with their places."""
        compiled = self._compiled(rendered, placeholders)
        told = {(place, finding.rule) for place, finding in self.findings} if placeholders else ()
        found = [(rendered.locate(finding.line or 0), finding) for finding in compiled.findings]
        self.findings += [(place, finding) for place, finding in found if (place, finding.rule) not in told]
        return compiled

    def _compiled(self, rendered: Rendered, placeholders: tuple[str, ...]) -> CompiledSelect:
        """Parse, lint, qualify and type one SELECT, or remember having done so."""
        read = {
            f"{SOURCE_SCHEMA if one.kind is RelationKind.SOURCE else REF_SCHEMA}.{one.name}": dict(one.columns)
            for one in self._relations.values()
            if one.name in rendered.sql
        }
        key = "sql:" + digest(COMPILER_VERSION, self._engine, self._pseudonym_hash, rendered.sql, read, placeholders)
        if found := self._memory.get(key):
            return CompiledSelect.from_json(found)
        from measure_cli.dialects.compile import compile_select  # sqlglot is only needed when something changed

        compiled = compile_select(
            rendered.sql,
            read,
            locate=rendered.locate,
            engine=self._engine,
            pseudonym_hash=self._pseudonym_hash,
            placeholders=placeholders,
        )
        self._memory.put(key, compiled.to_json())
        return compiled


def with_audits(relation: Relation, audits: list[Audit]) -> Relation:
    """The relation with more audits; they are part of what a rebuild depends on."""
    facts = [
        (a.compiled.parts, spec.name, spec.severity, spec.warn_if, spec.error_if, spec.limit, spec.store_failures)
        for a in audits
        for spec in (a.spec,)
    ]
    return replace(relation, audits=(*relation.audits, *audits), definition=digest(relation.definition, facts))


def doc_of(name: str, docs: Iterable[Column]) -> Column | None:
    """The documentation of a column: its own, or that of its family such as `n_touches_{lookback}d`."""
    for doc in docs:
        if doc.name == name:
            return doc
    for doc in docs:
        pattern = re.sub(r"\\\{[a-z_]+\\\}", ".+", re.escape(doc.name))
        if pattern != re.escape(doc.name) and re.fullmatch(pattern, name):
            return replace(doc, name=name)
    return None


def check_columns(model: RenderedModel, compiled: CompiledSelect) -> None:
    """Documented columns and configured columns exist."""
    names = [name for name, _ in compiled.columns]
    for column in model.doc.columns if model.doc else ():
        if column.name not in names and not column.optional:
            assert model.doc is not None
            raise PlanError(
                f'{model.doc.place}: "{column.name}" is documented, but {model.name} has no such column',
                did_you_mean(column.name, names),
            )
    config = model.rendered.config
    for column_name in (*config.unique_key, *config.order_by, *([config.time_column] if config.time_column else [])):
        if column_name not in names:
            raise PlanError(
                f'{model.rendered.template.label}: config names the column "{column_name}", which {model.name} has not',
                did_you_mean(column_name, names),
            )
