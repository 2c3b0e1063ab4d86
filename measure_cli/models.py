"""A stack's templates -> rendered models and audits: axes expanded, one relation per combination of values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from measure_cli.audit_render import RenderedAudit, Timed, render_audit, render_singular
from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.kinds import Materialization
from measure_cli.render import Inputs, Rendered, Renderer
from measure_cli.types import AuditSpec, Axis, ModelDoc, Place, Stack, Template

AXIS = re.compile(r"\{([a-z_]+)\}")
NOT_NULL = "not_null"


@dataclass(frozen=True, slots=True)
class RenderedModel:
    """One relation to be: its template, SQL, documentation and audits; `batched` is the SQL of an interval of it."""

    name: str
    layer: str
    rendered: Rendered
    batched: Rendered | None
    doc: ModelDoc | None
    audits: tuple[RenderedAudit, ...]


def expand(stack: Stack, template: Template, variables: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(relation name, axis values) for every combination of the axes in a template's name.

    Raises:
        ProjectError: the name holds an axis that the stack does not declare.
    """
    axes = AXIS.findall(template.name)
    for axis in axes:
        if axis not in stack.axes:
            raise ProjectError(
                f'{template.label}: unknown axis "{{{axis}}}" in the file name', did_you_mean(axis, stack.axes)
            )
    choices = [values_of(stack.axes[axis], variables) for axis in axes]
    for values in itertools.product(*choices):
        chosen = dict(zip(axes, values, strict=True))
        yield fill(template.name, chosen), chosen


def values_of(axis: Axis, variables: Mapping[str, Any]) -> list[Any]:
    """The values an axis takes, in order."""
    return sorted(variables[axis]) if isinstance(axis, str) else list(axis)


def fill(text: str, axes: Mapping[str, Any]) -> str:
    """Put axis values into a text: `fct_journeys_{lookback}d` -> `fct_journeys_30d`."""
    return AXIS.sub(lambda found: str(axes.get(found.group(1), found.group(0))), text)


def filled(value: Any, axes: Mapping[str, Any]) -> Any:
    """An argument with axis values put into its texts."""
    if isinstance(value, str):
        return fill(value, axes)
    if isinstance(value, list):
        return [filled(item, axes) for item in value]
    if isinstance(value, Mapping):
        return {key: filled(item, axes) for key, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class RenderedStack:
    """Every model by name, and the singular audits."""

    models: dict[str, RenderedModel]
    singular: tuple[RenderedAudit, ...]
    renderer: Renderer


def render_stack(inputs: Inputs, compiled_folder: Path | None) -> RenderedStack:
    """Every model and audit of a stack, rendered.

    Raises:
        ProjectError: a template fails, or two relations share a name.
    """
    stack = inputs.stack
    wanted = [(template, *pair) for template in stack.templates for pair in expand(stack, template, inputs.variables)]
    names = [name for _, name, _ in wanted]
    for template, name, _ in wanted:
        if name in stack.registries or names.count(name) > 1:
            raise ProjectError(f'{template.label}: the relation name "{name}" is taken already')
    renderer = Renderer(inputs, [*names, *stack.registries], compiled_folder)
    rendered = {name: renderer.render(template, name, axes) for template, name, axes in wanted}
    models, timed = {}, {}
    for template, name, axes in wanted:
        batched = None
        if rendered[name].config.materialized is Materialization.INCREMENTAL:
            batched = renderer.render(template, name, axes, batched=True)
            timed[name] = timed_of(name, rendered, batched, inputs.as_of)
        doc = fill_doc(stack.docs.get(template.name), name, axes)
        audits = tuple(
            render_audit(renderer, stack, spec, (name, axes), filled(spec.arguments, axes), timed.get(name))
            for spec in (*audits_of(doc), *audits_of_batches(rendered[name], doc))
        )
        models[name] = RenderedModel(name, template.layer, rendered[name], batched, doc, audits)
    singular = tuple(render_singular(renderer, audit, timed) for audit in stack.singular_audits)
    return RenderedStack(models, singular, renderer)


def timed_of(name: str, models: Mapping[str, Rendered], batched: Rendered, as_of: date) -> Timed:
    """What is known of time in an incremental model and in what it reads, looking through ephemeral models.

    Raises:
        ProjectError: `lookback` or `lookahead` name what the model does not read.
    """
    dated, known = {}, set[str]()
    pending, inputs = [models[name], batched], set[str]()
    while pending:
        reader = pending.pop()
        inputs |= {f"source.{source}" for source in reader.sources}
        for parent in set(reader.refs) - known:
            known.add(parent)
            if parent in models and models[parent].config.materialized is Materialization.EPHEMERAL:
                pending.append(models[parent])
                continue
            inputs.add(parent)
            if parent in models and (column := models[parent].config.time_column):
                dated[parent] = column
    config = models[name].config
    assert config.time_column is not None
    for key, reach in (("lookback", config.lookback), ("lookahead", config.lookahead)):
        if unknown := next((one for one in reach.of if one not in inputs), None):
            raise ProjectError(
                f'{models[name].place_of(key)}: {key} names "{unknown}", which {name} does not read',
                did_you_mean(unknown, inputs) or f"It reads {', '.join(sorted(inputs))}.",
            )
    return Timed(name, config.time_column, config.lookback, config.lookahead, as_of, dated)


def fill_doc(doc: ModelDoc | None, name: str, axes: Mapping[str, Any]) -> ModelDoc | None:
    """Documentation of one relation of a template."""
    return doc and ModelDoc(name, doc.place, fill(doc.description, axes), doc.columns, doc.audits)


def audits_of(doc: ModelDoc | None) -> tuple[AuditSpec, ...]:
    """All audits of a model: of its columns, then its own."""
    if doc is None:
        return ()
    return (*(audit for column in doc.columns if not column.optional for audit in column.audits), *doc.audits)


def audits_of_batches(rendered: Rendered, doc: ModelDoc | None) -> tuple[AuditSpec, ...]:
    """A row without a time belongs to no batch, so an incremental model must have none."""
    config = rendered.config
    declared = any(spec.kind == NOT_NULL and spec.column == config.time_column for spec in audits_of(doc))
    if config.materialized is not Materialization.INCREMENTAL or declared:
        return ()
    return (AuditSpec(NOT_NULL, {}, Place(rendered.template.label), column=config.time_column),)
