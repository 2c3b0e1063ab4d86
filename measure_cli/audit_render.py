"""Audits as SQL: over all rows of their relation and, if they say that this proves something, over a part of it.

A part is an interval of an incremental relation. In it a template sees in place of the relation only its rows of the
interval, and it may ask for less of what it compares them with: see `Part`. Over all rows the same words mean all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.kinds import Scope
from measure_cli.render import Rendered, Renderer, batch_bounds
from measure_cli.sqltext import identifier
from measure_cli.textfile import read_text
from measure_cli.types import REF_SCHEMA, SOURCE_SCHEMA, AuditSpec, Place, Reach, Stack, Template

NOTHING = object()


@dataclass(frozen=True, slots=True)
class Timed:
    """An incremental model, and the time columns of those models among its inputs that have one."""

    name: str
    time_column: str
    lookback: Reach
    lookahead: Reach
    as_of: date
    dated: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RenderedParts:
    """An audit for one interval. Of relations in `visible` it reads the days around it, in `same_days` its own.

    `keys` tell apart the groups that it judges; `by_row`: each row is judged next to what it can see by itself.
    """

    rendered: Rendered
    scope: Scope
    keys: tuple[str, ...]
    visible: tuple[str, ...]
    same_days: tuple[str, ...]
    by_row: bool = False


@dataclass(frozen=True, slots=True)
class RenderedAudit:
    """One audit of one model with its SQL."""

    spec: AuditSpec
    rendered: Rendered
    parts: RenderedParts | None = None


@dataclass(slots=True)
class Part:
    """What templates may say of an interval of a model, and what they have said."""

    timed: Timed
    asked_visible: dict[str, bool] = field(default_factory=dict)
    asked_same_days: dict[str, None] = field(default_factory=dict)
    is_impossible: bool = False

    def inside(self, relation: str, column: str) -> str:
        """The rows of the interval."""
        return f"(SELECT * FROM {relation} WHERE {self._between(column)})"

    def outside(self, relation: str) -> str:
        """The rows of the model before and after the interval."""
        start, end, _ = self._bounds
        column = identifier(self.timed.time_column)
        return f"(SELECT * FROM {relation} WHERE {column} < {start} OR {column} >= {end})"

    def visible(self, relation: str, by_row: bool = False) -> str:
        """Of what is only looked up: the days that the interval can see, or all where days are not known.

        `by_row`: the verdict on a row depends on no days but those that the row itself can see.
        """
        name = name_of(relation)
        column = self.timed.dated.get(name)
        if column is None:
            return relation
        self.asked_visible[name] = by_row and self.asked_visible.get(name, True)
        back, ahead = self.timed.lookback.into(name), self.timed.lookahead.into(name)
        start, end, as_of = self._bounds
        start = f"{start} - INTERVAL {back} DAY" if back else start
        seen = f"{identifier(column)} >= {start} AND {identifier(column)} < {end}"
        if ahead:  # what is not complete yet is seen by no interval
            seen += f" + INTERVAL {ahead} DAY AND {identifier(column)} < {as_of}"
        return f"(SELECT * FROM {relation} WHERE {seen})"

    def same_days(self, relation: str) -> str:
        """The rows of the interval of the model itself, or of one of its inputs, which has to have days."""
        name = name_of(relation)
        column = self.timed.time_column if name == self.timed.name else self.timed.dated.get(name)
        if column is None:
            self.is_impossible = True
            return relation
        self.asked_same_days[name] = None
        return self.inside(relation, column)

    @property
    def _bounds(self) -> tuple[str, str, str]:
        bounds = batch_bounds(True, self.timed.as_of)
        return bounds["start"], bounds["end"], bounds["as_of"]

    def _between(self, column: str) -> str:
        start, end, _ = self._bounds
        return f"{identifier(column)} >= {start} AND {identifier(column)} < {end}"


def name_of(relation: str) -> str:
    """The name in a reference that `ref` wrote."""
    return relation.rpartition(".")[2]


def all_rows(relation: str, by_row: bool = False) -> str:
    """What is looked up where all rows are audited."""
    del by_row
    return relation


def words(part: Part | None, relation: str | None) -> dict[str, Any]:
    """The vocabulary of audits, of a part or of all rows. `relation` is what is audited."""
    if part is None:
        return {"outside": None, "time_column": None, "visible": all_rows, "same_days": str}
    return {
        "outside": part.outside(relation) if relation else None,
        "time_column": part.timed.time_column,
        "visible": part.visible,
        "same_days": part.same_days,
    }


def render_audit(
    renderer: Renderer,
    stack: Stack,
    spec: AuditSpec,
    model: tuple[str, Mapping[str, Any]],
    arguments: Mapping[str, Any],
    timed: Timed | None,
) -> RenderedAudit:
    """The SQL of one audit of a model, which is given by name and axes."""
    if spec.kind not in stack.audit_files:
        raise ProjectError(f'{spec.place}: unknown audit "{spec.kind}"', did_you_mean(spec.kind, stack.audit_files))
    file, (name, axes) = stack.audit_files[spec.kind], model
    label = f"audits/{file.name}"
    template = Template(spec.kind, "audits", file, label, read_text(file, label))
    relation = f"{REF_SCHEMA}.{name}"
    target = f"(SELECT * FROM {relation} WHERE {spec.where})" if spec.where else relation
    used: set[str] = set()

    def arg(key: str, default: Any = NOTHING) -> Any:
        used.add(key)
        if key not in arguments and default is NOTHING:
            raise ProjectError(f'needs the argument "{key}"')
        return arguments.get(key, default)

    common = {"model_name": name, "arg": arg, **({"column": spec.column} if spec.column else {})}
    try:
        rendered = renderer.render(template, name, axes, {**common, "model": target, **words(None, None)})
        for key in arguments:
            if key not in used:
                raise ProjectError(f'takes no argument "{key}"', did_you_mean(key, used))
        if timed is None or rendered.config.scope is None or names_relations((spec.where, arguments)):
            return RenderedAudit(spec, rendered)
        part = Part(timed)
        inside = {"model": part.inside(target, timed.time_column), **words(part, target)}
        return RenderedAudit(
            spec, rendered, parts_of(part, renderer.render(template, name, axes, {**common, **inside}))
        )
    except ProjectError as error:
        raise error.at(f"{spec.place}: audit {spec.kind} on {name}") from None


def render_singular(renderer: Renderer, template: Template, timed: Mapping[str, Timed]) -> RenderedAudit:
    """A singular audit of a stack: a SQL file whose rows are failures. Only one that reads a single model has parts."""
    rendered = renderer.render(template, template.name, {}, words(None, None))
    spec = AuditSpec(template.name, {}, Place(template.label), severity=rendered.config.severity)
    name = next(iter(rendered.refs), "")
    if rendered.config.scope is None or len(rendered.refs) > 1 or rendered.sources or name not in timed:
        return RenderedAudit(spec, rendered)
    part = Part(timed[name])
    extra = words(part, f"{REF_SCHEMA}.{name}")
    return RenderedAudit(spec, rendered, parts_of(part, renderer.render(template, template.name, {}, extra)))


def parts_of(part: Part, rendered: Rendered) -> RenderedParts | None:
    """What a template has said of an interval; None where it needs days that nobody knows."""
    config, visible, scope = rendered.config, part.asked_visible, rendered.config.scope
    if part.is_impossible or scope is None:
        return None
    compared = tuple(name for name in part.asked_same_days if name != part.timed.name)
    by_row = scope is Scope.ROWS and not compared and bool(visible) and all(visible.values())
    return RenderedParts(rendered, scope, config.keys, tuple(visible), compared, by_row)


def names_relations(value: Any) -> bool:
    """Whether SQL in the arguments of an audit reads relations by itself: of those nobody could take a part."""
    if isinstance(value, str):
        return any(schema in value.casefold() for schema in (REF_SCHEMA, SOURCE_SCHEMA))
    if isinstance(value, Mapping):
        return any(map(names_relations, value.values()))
    return isinstance(value, list | tuple) and any(map(names_relations, value))
