"""Everything a command needs before it can plan: project, stack, inputs, registries, rendered models, catalog.

Reads files and inputs; writes nothing but the cache and, for the bundled demo, the demo's files.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from measure_cli import ingest
from measure_cli.cache import Cache
from measure_cli.catalog import (
    Catalog,
    Relation,
    build_catalog,
    keyed,
    registry_relation,
    secrets_needed,
    source_relation,
)
from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.models import render_stack
from measure_cli.privacy import check_privacy
from measure_cli.project import Overrides, load_project
from measure_cli.registry import load_registries
from measure_cli.render import Inputs, Renderer
from measure_cli.secrets import NO_SECRETS, Secrets, read_secrets
from measure_cli.sources import inspect_files, inspect_table, reader_sql
from measure_cli.sqltext import table_text
from measure_cli.stack import bundled_stacks, load_stack
from measure_cli.types import Batch, InputShape, Place, Project, SourceInput, Stack
from measure_cli.variables import resolve_variables

CACHE_FOLDER = ".measure"
DEMO_FOLDER = "warehouse/demo"
PUBLIC_SALT = "the pseudonyms of this demo are made with a public salt; data of real people needs a salt of its own"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project that is ready to be planned."""

    project: Project
    stack: Stack
    catalog: Catalog
    renderer: Renderer
    notices: tuple[str, ...]
    secrets: Secrets = NO_SECRETS


def load(overrides: Overrides, batch: Batch | None = None) -> Loaded:
    """Read, check, render and compile the project.

    Raises:
        ProjectError, PlanError: something does not fit; nothing was touched.
    """
    project = load_project(overrides)
    stack = load_stack(project)
    if project.is_demo:
        project = replace(project, sources=demo_sources(project))
    cache = Cache(project.root / CACHE_FOLDER)
    shapes, distinct = inspect_inputs(project, stack, cache)
    variables = resolve_variables(stack.variables, project.variables, project.variable_texts)
    matched = {
        name: frozenset(ingest.match_columns(stack.sources[name], source, shape))
        for name, (source, shape) in shapes.items()
    }
    registries = load_registries(stack, project.root, distinct)
    inputs = Inputs(stack, project.as_of, variables, registries, matched)
    rendered = render_stack(inputs, batch, cache.folder / "templates")
    relations = [source_relation(spec, shapes.get(name)) for name, spec in stack.sources.items()]
    relations += [registry_relation(registry) for registry in registries.values()]
    catalog = build_catalog(stack.name, relations, rendered.models, rendered.singular, cache)
    cache.save()
    check_privacy(catalog)
    missing = [name for name in stack.sources if name not in shapes]
    notices = (f"left out, because there is no source for them: models on {', '.join(missing)}",) if missing else ()
    return Loaded(project, stack, catalog, rendered.renderer, notices)


def with_secrets(loaded: Loaded, environment: Mapping[str, str]) -> Loaded:
    """The project with the secrets that its models bind.

    Raises:
        ProjectError: one is missing or malformed.
    """
    needed, salt = secrets_needed(loaded.catalog), demo_salt(loaded.project)
    if needed and salt:
        loaded = replace(loaded, notices=(*loaded.notices, PUBLIC_SALT))
    secrets = read_secrets(environment, needed, salt)
    return replace(loaded, secrets=secrets, catalog=keyed(loaded.catalog, secrets.identity))


def demo_salt(project: Project) -> str | None:
    """The public salt of a bundled stack's demo data, which holds pseudonyms made with it; None for anybody's data."""
    if not project.is_demo:
        return None
    salt: str | None = getattr(importlib.import_module(f"measure_cli.demo.{project.stack}"), "DEMO_SALT", None)
    return salt


def demo_sources(project: Project) -> dict[str, SourceInput]:
    """The demo inputs of a bundled stack, generated once per day of reference."""
    folder = project.root / DEMO_FOLDER / f"{project.stack}-{project.as_of.isoformat()}"
    files = {file.stem: file for file in folder.glob("*.csv")} if (folder / "complete").exists() else {}
    if not files:
        files = generate_demo(project.stack, folder, project.as_of, 1.0, None)
        (folder / "complete").write_text("", encoding="utf-8")
    return {
        name: SourceInput(name, Place(f"demo data of {project.stack}"), file.relative_to(project.root).as_posix())
        for name, file in sorted(files.items())
    }


def generate_demo(stack: str, folder: Path, as_of: date, scale: float, seed: int | None) -> dict[str, Path]:
    """Write the demo inputs of a bundled stack: source name -> file.

    Raises:
        ProjectError: there is no such stack, or the folder cannot be written.
    """
    if stack not in bundled_stacks():
        raise ProjectError(f'there is no demo data for the stack "{stack}"', did_you_mean(stack, bundled_stacks()))
    module = importlib.import_module(f"measure_cli.demo.{stack}")
    options = {} if seed is None else {"seed": seed}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written: dict[str, Path] = module.generate(folder, as_of=as_of, scale=scale, **options)
    except OSError as error:
        raise ProjectError(f"{folder}: the demo data cannot be written: {error.strerror}") from None
    return written


def inspect_inputs(
    project: Project, stack: Stack, cache: Cache
) -> tuple[dict[str, tuple[SourceInput, InputShape]], dict[tuple[str, str], list[str]]]:
    """Shape of every configured source, and the distinct values that derived registries are made of."""
    for name, source in project.sources.items():
        if name not in stack.sources:
            raise ProjectError(
                f'{source.place}: the stack {stack.name} has no source "{name}"', did_you_mean(name, stack.sources)
            )
    shapes: dict[str, tuple[SourceInput, InputShape]] = {}
    distinct: dict[tuple[str, str], list[str]] = {}
    wanted = {pair for spec in stack.registries.values() for pair in (*spec.distinct, *spec.excluding)}
    for name, spec in stack.sources.items():
        given = project.sources.get(name)
        if given is None:
            if spec.required:
                raise ProjectError(
                    f"measure.toml: the stack {stack.name} needs the source {name}: {spec.description}",
                    f'Add [sources.{name}] with path = "..." or table = "...".',
                )
            continue
        columns = tuple(sorted(column for source_name, column in wanted if source_name == name))
        look = inspect_files if given.path is not None else inspect_table
        shape, values = look(given, project, cache, columns)
        shapes[name] = (given, shape)
        distinct |= {(name, column): found for column, found in values.items()}
    return shapes, distinct


def source_select(relation: Relation) -> str:
    """The typed SELECT of a source over its files or its table."""
    assert relation.source is not None
    spec, source, shape = relation.source
    reader = table_text(source.table) if source.table else reader_sql(shape.files, shape.columns)
    return ingest.source_select(spec, source, shape, reader)
