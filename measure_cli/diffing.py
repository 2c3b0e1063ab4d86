"""The verb diff: which two targets, which of their relations, opened and compared one by one. Nothing here prints.

What relations there are, and their keys, is told by the project where a side is one of its targets, else by the files.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from measure_cli.connecting import ddl_for, engine_kind, need_target, open_engine, session_of, state_tables
from measure_cli.differences import Comparison, Pair, RelationDiff, Stored
from measure_cli.errors import NothingSelected, PlanError, ProjectError, did_you_mean
from measure_cli.events import ComparisonBegun, Notice, RelationCompared, StepStarted
from measure_cli.inspection import chosen_by
from measure_cli.kinds import EngineKind
from measure_cli.ports import Engine
from measure_cli.project import Overrides, known_targets, load_project
from measure_cli.request import Request, signals_raise
from measure_cli.types import (
    INTERNAL_ENDING,
    INTERNAL_FILE,
    STAGED_SUFFIX,
    STATE_SCHEMA,
    Project,
    Statement,
    Target,
)
from measure_cli.workers import join, join_or_stop

if TYPE_CHECKING:
    from measure_cli.catalog import Relation
    from measure_cli.ddl.base import Ddl
    from measure_cli.loading import Loaded

FILE_ENDINGS = (".duckdb", ".db")
FILE_MEMORY_LIMIT = "1GB"  # a target of the project has a limit of its own
UNIQUE, UNIQUE_TOGETHER = "unique", "unique_combination_of_columns"  # audits that declare a key
Content = Mapping[tuple[str, str], str]  # what `relations()` of an engine tells


@dataclass(frozen=True, slots=True)
class Side:
    """A or B: what the user calls it, and the target that it is."""

    name: str
    project: Project
    ddl: Ddl
    is_file: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A relation as the stack or the files know it, wherever it stands."""

    key: str
    name: str
    schema: str
    is_internal: bool
    keys: tuple[tuple[str, ...], ...] = ()


def diff(request: Request, a: str, b: str, tolerance: float) -> Comparison:
    """Compare the selected relations of two targets or files.

    Raises:
        ProjectError, PlanError: a side is unknown or not built, or nothing is selected; nothing was compared.
    """
    began = time.monotonic()
    if not 0 <= tolerance < 1:
        raise ProjectError(f"--tolerance {tolerance:g}: expected a part of the value, at least 0 and less than 1")
    sides = (side_of(request.overrides, "A", a), side_of(request.overrides, "B", b))
    for side in sides:
        need_target(side.project)
    loaded, chosen = declared_by_project(request, sides)
    with signals_raise(), contextlib.ExitStack() as stack:
        engines = open_sides(stack, sides)
        contents = [engine.relations() for engine in engines]
        known = declared(loaded) if loaded else found_in(contents)
        need_content(sides, contents, known)
        chosen = chosen if loaded else chosen_in_files(request, known)
        pairs = [pair for key in chosen if (pair := pair_of(known[key], sides, contents))]
        if not pairs:
            raise NothingSelected(f"nothing of what is selected is built in {a} or {b}")
        notes = run_notes(sides, engines, contents, loaded.stack.name if loaded else None)
        for note in notes:
            request.emit(Notice(note))
        compared = compare_all(request, engines, pairs, tolerance, sides[0].ddl.kind is sides[1].ddl.kind)
    return Comparison(a, b, tolerance, compared, notes, time.monotonic() - began)


def side_of(overrides: Overrides, letter: str, text: str) -> Side:
    """A target of the project by its name, or a DuckDB file, relative to the working directory.

    Raises:
        ProjectError: it is neither, or a file that is not to be compared by itself.
    """
    targets = known_targets(overrides)
    if text in targets:
        project = load_project(replace(overrides, target=text))
        return Side(text, project, ddl_for(engine_kind(project), project.target.settings), is_file=False)
    file = Path(text).expanduser()
    if text.endswith(INTERNAL_ENDING):
        raise ProjectError(
            f"{letter}: {text} holds internal relations, whose values are not shown",
            f"Compare {text.removesuffix(INTERNAL_ENDING)}.duckdb: its internal relations are counted along with it.",
        )
    if not file.is_file():
        if text.endswith(FILE_ENDINGS) or len(file.parts) > 1:
            raise ProjectError(f"{letter}: there is no file {text}", "Name a DuckDB file or a target of measure.toml.")
        raise ProjectError(
            f'{letter}: there is no target "{text}", and no file of that name', did_you_mean(text, targets)
        )
    target = Target(text, EngineKind.DUCKDB, {"path": text, "memory_limit": FILE_MEMORY_LIMIT})
    project = Project(text, Path.cwd(), "", target, overrides.today, {}, {})
    return Side(text, project, ddl_for(EngineKind.DUCKDB, target.settings), is_file=True)


def declared_by_project(request: Request, sides: Sequence[Side]) -> tuple[Loaded | None, tuple[str, ...]]:
    """The project and the relations selected in it, if a side is one of its targets."""
    names = [side.name for side in sides if not side.is_file]
    if not names:
        return None, ()
    from measure_cli.loading import load

    loaded = load(replace(request.overrides, target=names[0]))
    return loaded, chosen_by(request, loaded)


def declared(loaded: Loaded) -> dict[str, Named]:
    """The relations of a stack by key."""
    return {
        key: Named(key, relation.name, relation.schema, relation.is_internal, declared_keys(relation))
        for key, relation in loaded.catalog.relations.items()
    }


def declared_keys(relation: Relation) -> tuple[tuple[str, ...], ...]:
    """The unique keys that a relation is configured with or audited for."""
    keys = [relation.config.unique_key, relation.registry.spec.key if relation.registry else ()]
    for spec in (audit.spec for audit in relation.audits if not audit.spec.where):
        if spec.kind == UNIQUE:
            keys.append((str(spec.column or spec.arguments.get("column")),))
        elif spec.kind == UNIQUE_TOGETHER:
            keys.append(tuple(map(str, spec.arguments.get("columns", ()))))
    return tuple(key for key in keys if key)


def found_in(contents: Sequence[Content]) -> dict[str, Named]:
    """The relations of two DuckDB files by key; a schema stands before a name that several schemas have."""
    from measure_cli.catalog import SOURCES

    apart = f"{INTERNAL_FILE}."
    found = {
        (place.removeprefix(apart), name, place.startswith(apart)): None
        for content in contents
        for place, name in sorted(content)
        if place.removeprefix(apart) != STATE_SCHEMA and not name.endswith(STAGED_SUFFIX)
    }
    keys = {(schema, name): f"source.{name}" if schema == SOURCES else name for schema, name, _ in found}
    repeated = {key for key, count in Counter(keys.values()).items() if count > 1}
    relations = {}
    for schema, name, is_internal in found:
        short = keys[schema, name]
        key = f"{schema}.{name}" if short in repeated else short
        relations[key] = Named(key, name, schema, is_internal)
    return relations


def chosen_in_files(request: Request, known: Mapping[str, Named]) -> tuple[str, ...]:
    """The selected relations of files; they have names and layers, but no tags and no ancestors."""
    from measure_cli.graph import Graph, Node

    graph = Graph(Node(relation.key, relation.schema, (), ()) for relation in known.values())
    return graph.select(request.select, request.exclude)


def open_sides(stack: contextlib.ExitStack, sides: Sequence[Side]) -> list[Engine]:
    """The engines of both sides, closed with the stack; one where both are the same target."""
    opened: dict[object, Engine] = {}
    engines = []
    for side in sides:
        project = side.project
        is_duckdb = side.ddl.kind is EngineKind.DUCKDB
        identity = project.target_file.resolve() if is_duckdb else tuple(sorted(project.target.settings.items()))
        if identity not in opened:
            has_internal = is_duckdb and project.internal_file.exists()
            engine = open_engine(project, read_only=True, with_internal=has_internal)
            opened[identity] = engine
            stack.callback(engine.close)
        engines.append(opened[identity])
    return engines


def need_content(sides: Sequence[Side], contents: Sequence[Content], known: Mapping[str, Named]) -> None:
    """Something is built on either side.

    Raises:
        PlanError: a side is empty.
    """
    for side, content in zip(sides, contents, strict=True):
        if not any(stored(relation, side, content) for relation in known.values()):
            hint = None if side.is_file else f"Build it: measure build --target {side.name}"
            raise PlanError(f"nothing is built in {side.name}", hint)


def pair_of(relation: Named, sides: Sequence[Side], contents: Sequence[Content]) -> Pair | None:
    """A relation as it stands on both sides; None when it is on neither."""
    a, b = (stored(relation, side, content) for side, content in zip(sides, contents, strict=True))
    return Pair(relation.key, relation.is_internal, a, b, relation.keys) if a or b else None


def stored(relation: Named, side: Side, content: Content) -> Stored | None:
    """A relation as it stands on one side; None when it is not built there."""
    place = side.ddl.place(relation.schema, relation.is_internal)
    if (place, relation.name) not in content:
        return None
    select = Statement(f"SELECT * FROM {side.ddl.name(place, relation.name)}")
    return Stored(f"{place}.{relation.name}", select)


def run_notes(
    sides: Sequence[Side], engines: Sequence[Engine], contents: Sequence[Content], stack: str | None
) -> tuple[str, ...]:
    """Why the sides may differ: other stacks, other days of reference. A `stack` leaves those beside it out."""
    days = []
    for side, engine, content in zip(sides, engines, contents, strict=True):
        if (side.ddl.place(STATE_SCHEMA), "runs") not in content:
            return (f"{side.name} keeps no record of runs",)
        with session_of(engine) as session:
            found = state_tables(side.ddl).read_stacks(session)
        days.append({name: day for name, day in found.items() if stack in (None, name)})
    a, b = (side.name for side in sides)
    notes = []
    for name in sorted(days[0].keys() | days[1].keys()):
        day_a, day_b = days[0].get(name), days[1].get(name)
        if day_a is None or day_b is None:
            notes.append(f"there was no run of the stack {name} in {a if day_a is None else b}")
        elif day_a != day_b:
            notes.append(f"{a} is as of {day_a}, {b} as of {day_b} (stack {name})")
    return tuple(notes)


def compare_all(
    request: Request, engines: Sequence[Engine], pairs: Sequence[Pair], tolerance: float, is_strict: bool
) -> tuple[RelationDiff, ...]:
    """Compare relation by relation; the listener hears of each."""
    from measure_cli.compare import Comparer

    request.emit(ComparisonBegun(len(pairs)))
    found = []
    with ThreadPoolExecutor(1, thread_name_prefix="measure") as pool:  # a thread, so that a signal is seen at once
        comparer = join(pool.submit(Comparer, engines[0], engines[1], tolerance, is_strict))
        with contextlib.closing(comparer):
            for pair in pairs:
                request.emit(StepStarted(pair.name))
                found.append(join_or_stop(pool.submit(comparer.compare, pair), comparer.interrupt))
                request.emit(RelationCompared(pair.name))
    return tuple(found)
