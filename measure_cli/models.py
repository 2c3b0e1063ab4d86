"""A stack's templates -> rendered models and audits: axes expanded, one relation per combination of values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.kinds import Materialization
from measure_cli.render import Inputs, Rendered, Renderer
from measure_cli.textfile import read_text
from measure_cli.types import REF_SCHEMA, AuditSpec, Axis, ModelDoc, Place, Stack, Template

AXIS = re.compile(r"\{([a-z_]+)\}")
NOTHING = object()
NOT_NULL = "not_null"


@dataclass(frozen=True, slots=True)
class RenderedAudit:
    """One audit of one model with its SQL."""

    spec: AuditSpec
    rendered: Rendered


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
    models = {}
    for template, name, axes in wanted:
        rendered = renderer.render(template, name, axes)
        is_incremental = rendered.config.materialized is Materialization.INCREMENTAL
        batched = renderer.render(template, name, axes, batched=True) if is_incremental else None
        doc = fill_doc(stack.docs.get(template.name), name, axes)
        specs = (*audits_of(doc), *audits_of_batches(rendered, doc))
        audits = tuple(render_audit(renderer, stack, spec, name, axes) for spec in specs)
        models[name] = RenderedModel(name, template.layer, rendered, batched, doc, audits)
    return RenderedStack(models, tuple(render_singular(renderer, stack)), renderer)


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


def render_audit(
    renderer: Renderer, stack: Stack, spec: AuditSpec, model: str, axes: Mapping[str, Any]
) -> RenderedAudit:
    """The SQL of one audit, with its arguments."""
    if spec.kind not in stack.audit_files:
        raise ProjectError(f'{spec.place}: unknown audit "{spec.kind}"', did_you_mean(spec.kind, stack.audit_files))
    file = stack.audit_files[spec.kind]
    label = f"audits/{file.name}"
    template = Template(spec.kind, "audits", file, label, read_text(file, label))
    arguments = {key: filled(value, axes) for key, value in spec.arguments.items()}
    used: set[str] = set()

    def arg(name: str, default: Any = NOTHING) -> Any:
        used.add(name)
        if name not in arguments and default is NOTHING:
            raise ProjectError(f'needs the argument "{name}"')
        return arguments.get(name, default)

    relation = f"{REF_SCHEMA}.{model}"
    target = f"(SELECT * FROM {relation} WHERE {spec.where})" if spec.where else relation
    extra = {"model": target, "model_name": model, "arg": arg, **({"column": spec.column} if spec.column else {})}
    try:
        rendered = renderer.render(template, model, axes, extra)
        for key in arguments:
            if key not in used:
                raise ProjectError(f'takes no argument "{key}"', did_you_mean(key, used))
    except ProjectError as error:
        raise error.at(f"{spec.place}: audit {spec.kind} on {model}") from None
    return RenderedAudit(spec, rendered)


def filled(value: Any, axes: Mapping[str, Any]) -> Any:
    """An argument with axis values put into its texts."""
    if isinstance(value, str):
        return fill(value, axes)
    if isinstance(value, list):
        return [filled(item, axes) for item in value]
    if isinstance(value, Mapping):
        return {key: filled(item, axes) for key, item in value.items()}
    return value


def render_singular(renderer: Renderer, stack: Stack) -> Iterator[RenderedAudit]:
    """The singular audits of a stack: SQL files whose rows are failures."""
    for template in stack.singular_audits:
        rendered = renderer.render(template, template.name, {})
        spec = AuditSpec(template.name, {}, Place(template.label), severity=rendered.config.severity)
        yield RenderedAudit(spec, rendered)
