"""Everything a command needs before it can plan: project, stack, inputs, registries, rendered models, catalog.

Reads files and inputs; writes nothing but the cache and, for the bundled demo, the demo's files.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from measure_cli import ingest
from measure_cli.cache import Cache
from measure_cli.catalog import (
    Catalog,
    Relation,
    build_catalog,
    keyed,
    placed,
    registry_relation,
    secrets_needed,
    source_relation,
)
from measure_cli.connecting import ddl_for, engine_kind
from measure_cli.errors import PlanError, ProjectError, did_you_mean
from measure_cli.inputs import inspect_inputs, source_select
from measure_cli.kinds import EngineKind, SaltOrigin
from measure_cli.models import render_stack
from measure_cli.privacy import check_privacy
from measure_cli.project import Overrides, load_project
from measure_cli.registry import load_registries
from measure_cli.render import Inputs, Renderer
from measure_cli.secrets import NO_SECRETS, SALT_VARIABLE, Secrets, read_secrets
from measure_cli.stack import bundled_stacks, load_stack
from measure_cli.types import Load, Place, Project, SourceInput, Stack, Value
from measure_cli.variables import resolve_variables

CACHE_FOLDER = ".measure"
DEMO_FOLDER = "warehouse/demo"
PUBLIC_SALT = "pseudonyms are made with the public salt of the demo data; data of real people needs a salt of its own"


if TYPE_CHECKING:
    from measure_cli.ddl.base import Ddl


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project that is ready to be planned."""

    project: Project
    stack: Stack
    catalog: Catalog
    renderer: Renderer
    notices: tuple[str, ...]
    ddl: Ddl
    secrets: Secrets = NO_SECRETS
    warnings: tuple[str, ...] = ()

    def source_select(self, relation: Relation) -> str:
        """The typed SELECT of a source."""
        return source_select(relation, self.ddl.kind)


def load(
    overrides: Overrides, dialect: EngineKind | None = None, tell: Callable[[str], None] = lambda text: None
) -> Loaded:
    """Read, check, render and compile the project for its target, or for another engine's dialect.

    What takes its time is told before it begins.

    Raises:
        ProjectError, PlanError: something does not fit; nothing was touched.
    """
    project = load_project(overrides)
    engine = dialect or engine_kind(project)
    ddl = ddl_for(engine, settings_for(engine, project))
    stack = load_stack(project)
    demo_salt(project)  # refused before anything else is done
    if project.is_demo:
        project = replace(project, sources=demo_sources(project, tell))
    cache = Cache(project.root / CACHE_FOLDER)
    if cache.is_new:
        tell(f"reading the inputs and compiling {len(stack.templates)} templates; later runs find it in {CACHE_FOLDER}")
    shapes, distinct = inspect_inputs(project, stack, cache)
    variables = resolve_variables(stack.variables, project.variables, project.variable_texts)
    matched = {
        name: frozenset(ingest.match_columns(stack.sources[name], source, shape))
        for name, (source, shape) in shapes.items()
    }
    registries = load_registries(stack, project.root, distinct)
    inputs = Inputs(stack, project.as_of, variables, registries, matched)
    rendered = render_stack(inputs, cache.folder / "templates")
    relations = [source_relation(spec, shapes.get(name)) for name, spec in stack.sources.items()]
    relations += [registry_relation(registry) for registry in registries.values()]
    catalog = build_catalog(
        stack.name,
        relations,
        rendered.models,
        rendered.singular,
        cache,
        engine=engine,
        pseudonym_hash=project.privacy.hash,
        as_of=project.as_of,
    )
    cache.save()
    check_privacy(catalog)
    refuse_findings(catalog, engine)
    missing = [name for name in stack.sources if name not in shapes]
    notices = (f"left out, because there is no source for them: models on {', '.join(missing)}",) if missing else ()
    return Loaded(project, stack, placed(catalog, ddl.place), rendered.renderer, notices, ddl)


def settings_for(engine: EngineKind, project: Project) -> Mapping[str, Value]:
    """The settings of the target, or of the first one that is of the engine; none when no target is."""
    declared = (project.target, *project.targets.values())
    return next((target.settings for target in declared if target.type == engine), {})


def refuse_findings(catalog: Catalog, engine: EngineKind) -> None:
    """What engines disagree on only draws a warning on DuckDB, in whose dialect it is written.

    Raises:
        PlanError: there is such a thing, and the target is another engine.
    """
    if engine is EngineKind.DUCKDB or not catalog.findings:
        return
    told = [f"{place}: {finding.rule}: {finding.message} ({finding.fix})" for place, finding in catalog.findings]
    raise PlanError(f"{told[0]}", "\n".join(["On this target it would give other rows.", *told[1:]]))


def with_secrets(loaded: Loaded, environment: Mapping[str, str]) -> Loaded:
    """The project with the secrets that its models bind.

    Raises:
        ProjectError: one is missing or malformed.
    """
    project, needed = loaded.project, secrets_needed(loaded.catalog)
    salt = demo_salt(project)
    if needed and salt:
        where = "" if project.is_demo else f"{project.privacy.place}: "
        loaded = replace(loaded, warnings=(where + PUBLIC_SALT,))
    secrets = read_secrets(environment, needed, salt)
    return replace(loaded, secrets=secrets, catalog=keyed(loaded.catalog, secrets.identity))


def demo_salt(project: Project) -> str | None:
    """The public salt of a bundled stack's demo data, which holds pseudonyms made with it; None for anybody's data.

    Raises:
        ProjectError: the project asks for it, and the stack has none.
    """
    if not project.is_demo and project.privacy.salt is not SaltOrigin.DEMO:
        return None
    salt = public_salt(project.stack)
    if salt is None and not project.is_demo:
        raise ProjectError(
            f'{project.privacy.place}: salt = "demo" in [privacy], but the stack {project.stack} has no demo salt',
            f"Leave the key out; the salt then comes from {SALT_VARIABLE}.",
        )
    return salt


def public_salt(stack: str) -> str | None:
    """The salt that comes with the demo data of a stack; None where there is no such data, or it needs no salt."""
    if stack not in bundled_stacks():
        return None
    salt: str | None = getattr(importlib.import_module(f"measure_cli.demo.{stack}"), "DEMO_SALT", None)
    return salt


def demo_sources(project: Project, tell: Callable[[str], None]) -> dict[str, SourceInput]:
    """The demo inputs of a bundled stack, generated once per day of reference."""
    folder = project.root / DEMO_FOLDER / f"{project.stack}-{project.as_of.isoformat()}"
    files = {file.stem: file for file in folder.glob("*.csv")} if (folder / "complete").exists() else {}
    if not files:
        tell(f"generating the demo data of {project.stack} in {folder.relative_to(project.root)}")
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


def typed_file(loaded: Loaded, relation: Relation) -> str:
    """The rows of a source as a Parquet file beside the cache, for scripts of engines that do not read the input."""
    from measure_cli.engines.parquet import typed_parquet

    folder = loaded.project.root / CACHE_FOLDER / "inputs"
    load = Load(relation.name, relation.columns, loaded.source_select(relation))
    return str(typed_parquet(load, folder / f"{relation.name}-{relation.definition[:12]}.parquet"))
