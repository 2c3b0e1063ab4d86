"""The verbs of the tool as plain functions: they load, plan, execute and return what happened. Nothing here prints."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from measure_cli import __version__
from measure_cli.errors import Interrupted, NothingSelected, PlanError, ProjectError, did_you_mean
from measure_cli.events import Emit, Notice, PlanBuilt, RunFinished
from measure_cli.project import Overrides
from measure_cli.results import AuditStatus, RunResult, Shown, Status, Table
from measure_cli.types import Plan, Session, Statement

if TYPE_CHECKING:
    from measure_cli.catalog import Relation
    from measure_cli.engines.duckdb import DuckDBEngine
    from measure_cli.loading import Loaded
    from measure_cli.plan import Content
    from measure_cli.summary import Summary

PREVIEW_ROWS = 10


@dataclass(frozen=True, slots=True)
class Request:
    """What every command is asked: overrides, a selection, who listens."""

    overrides: Overrides
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    emit: Emit = lambda event: None


def utc_now() -> datetime:
    """The time of day for records, UTC without zone, as the state tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise `Interrupted` in the main thread while the block runs."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one does not disturb the clean-up
        raise Interrupted(number)

    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: the caller owns the signals
        yield
        return
    try:
        yield
    except Interrupted:  # the signals stay ignored: the process is about to end, and should end with its own code
        raise
    except BaseException:
        restore(before)
        raise
    restore(before)


def restore(handlers: Mapping[signal.Signals, Any]) -> None:
    """Put signal handlers back."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def new_run(command: str, loaded: Loaded) -> RunResult:
    """An empty result with a new identity."""
    run_id = f"{utc_now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    return RunResult(run_id, command, loaded.project.target.name, loaded.stack.name, loaded.project.as_of, "running")


@contextlib.contextmanager
def opened(loaded: Loaded, read_only: bool, with_internal: bool = False) -> Iterator[DuckDBEngine]:
    """The target's engine, closed at the end; `with_internal` where internal relations are built or compared."""
    from measure_cli.engines.duckdb import open_duckdb

    attach = with_internal and any(relation.is_internal for relation in loaded.catalog.relations.values())
    engine = open_duckdb(loaded.project, read_only, loaded.secrets, attach)
    try:
        yield engine
    finally:
        engine.close()


def read_content(engine: DuckDBEngine, stack: str) -> Content:
    """Ledger and existing relations of a target."""
    from measure_cli import state
    from measure_cli.plan import Content

    existing = engine.relations()
    if (state.SCHEMA, "batches") not in existing:
        return Content(existing=existing)
    with session_of(engine) as session:
        return Content(state.read_ledger(session, stack), existing)


@contextlib.contextmanager
def session_of(engine: DuckDBEngine) -> Iterator[Session]:
    """A session, closed at the end."""
    session = engine.session()
    try:
        yield session
    finally:
        session.close()


def load_and_tell(request: Request) -> Loaded:
    """Load the project with its secrets, and emit what the user should know about it."""
    from measure_cli.loading import load, with_secrets

    loaded = with_secrets(load(request.overrides), os.environ)
    for notice in loaded.notices:
        request.emit(Notice(notice))
    for place, finding in loaded.catalog.findings:
        request.emit(Notice(f"{place}: {finding.rule}: {finding.message} ({finding.fix})"))
    return loaded


@dataclass(frozen=True, slots=True)
class Built:
    """A build's result and, after a success, the stack's own summary of what now stands there."""

    result: RunResult
    summary: Summary | None = None


def build(request: Request, full: bool = False, with_summary: bool = False) -> Built:
    """Bring the selected relations up to date: sources, registries, models, audits; then publish what passed.

    Raises:
        ProjectError, PlanError: nothing was touched.
        TargetBusy: another process holds the target.
        Interrupted: nothing was published.
    """
    from measure_cli.loading import source_select
    from measure_cli.plan import Content, Selection, build_plan

    with signals_raise():
        loaded = load_and_tell(request)
        selection = Selection(request.select, request.exclude, full)
        if not loaded.project.target_file.exists():  # whatever is wrong with the plan shows before a file is made
            build_plan(loaded.catalog, selection, Content(), source_select)
        with opened(loaded, read_only=False, with_internal=True) as engine:
            content = read_content(engine, loaded.stack.name)
            tell_orphans(request, loaded, content)
            plan = build_plan(loaded.catalog, selection, content, source_select)
            request.emit(PlanBuilt(plan))
            result = run_plan(request, loaded, plan, engine)
            wanted = with_summary and plan.steps and not result.failed
            return Built(result, summarize(loaded, engine) if wanted else None)


def tell_orphans(request: Request, loaded: Loaded, content: Content) -> None:
    """Name what was built once and is no longer part of the stack: it stays in the target as it is."""
    if orphans := sorted(content.ledger.keys() - loaded.catalog.relations.keys()):
        request.emit(Notice(f"no longer part of the stack, but still in the target: {', '.join(orphans)}"))


def run_plan(request: Request, loaded: Loaded, plan: Plan, engine: DuckDBEngine) -> RunResult:
    """Execute a plan; one without work leaves no trace."""
    from measure_cli.execute import run_build
    from measure_cli.workers import Clock

    run = new_run("build", loaded)
    if plan.steps or plan.leftovers:
        return run_build(plan, engine, run, Clock(utc_now), request.emit, worker_count(loaded), __version__)
    result = replace(run, status="success", models=plan.idle)
    request.emit(RunFinished(result))
    return result


def summarize(loaded: Loaded, engine: DuckDBEngine) -> Summary | None:
    """The stack's own summary of what is built; None when it has none."""
    from measure_cli.summary import summary_of

    return summary_of(loaded, engine)


def worker_count(loaded: Loaded) -> int:
    """Relations built side by side. Small models gain from it; DuckDB itself uses all cores for a large one."""
    threads = loaded.project.target.settings.get("threads")
    return max(1, min(4, int(threads) if threads else os.cpu_count() or 1))


def load_quietly(request: Request) -> Loaded:
    """Load the project without notices."""
    from measure_cli.loading import load

    return load(request.overrides)


def audit(request: Request) -> RunResult:
    """Run every audit of the selected models over what is published, and record the results.

    Raises:
        PlanError: a selected model is not built.
    """
    from measure_cli.auditing import run_audits
    from measure_cli.plan import Selection, audit_plan
    from measure_cli.workers import Clock

    with signals_raise():
        loaded = load_and_tell(request)
        need_target(loaded)
        run, clock = new_run("audit", loaded), Clock(utc_now)
        began = clock.seconds()
        with opened(loaded, read_only=False, with_internal=True) as engine:
            content = read_content(engine, loaded.stack.name)
            audits = audit_plan(loaded.catalog, Selection(request.select, request.exclude), content)
            results = run_audits(audits, engine, clock, request.emit, worker_count(loaded))
            bad = any(result.status in (AuditStatus.FAIL, AuditStatus.ERROR) for result in results)
            status = "failed" if bad else "success"
            finished = replace(run, status=status, audits=results, seconds=clock.seconds() - began)
            record_audits(engine, finished)
        request.emit(RunFinished(finished))
        return finished


def record_audits(engine: DuckDBEngine, run: RunResult) -> None:
    """Add an audit run to the state tables."""
    from measure_cli import state

    now = utc_now()
    rows = [*state.run_started(run, now, __version__), *state.audit_rows(run, run.audits, now)]
    with session_of(engine) as session:
        session.transaction([*state.create_tables(), *rows, state.run_finished(run, now)])


def need_target(loaded: Loaded) -> None:
    """The target's file exists."""
    if not loaded.project.target_file.exists():
        raise PlanError(f"{loaded.project.target.settings['path']} does not exist yet", "Build it: measure build")


def listing(request: Request) -> list[dict[str, Any]]:
    """The selected relations as plain data."""
    loaded = load_quietly(request)
    chosen = (loaded.catalog.relations[key] for key in chosen_by(request, loaded))
    return [relation_facts(relation) for relation in chosen if not relation.is_internal]


def chosen_by(request: Request, loaded: Loaded) -> tuple[str, ...]:
    """Names that the request selects; the target is only looked at when the selection asks what has changed."""
    from measure_cli.plan import Content, Selection, asks_for_changes, choose

    selection = Selection(request.select, request.exclude)
    if not asks_for_changes(selection) or not loaded.project.target_file.exists():
        return choose(loaded.catalog, selection, Content())
    with opened(loaded, read_only=True, with_internal=True) as engine:
        return choose(loaded.catalog, selection, read_content(engine, loaded.stack.name))


def relation_facts(relation: Relation) -> dict[str, Any]:
    """What `list` says of a relation."""
    return {
        "name": relation.key,
        "kind": relation.kind.value,
        "layer": relation.schema,
        "materialized": relation.config.materialized.value if relation.compiled else None,
        "tags": list(relation.config.tags),
        "reads": list(relation.after),
        "audits": len(relation.audits),
        "description": relation.description,
        "left_out": relation.absent,
    }


def show(request: Request, name: str, limit: int = PREVIEW_ROWS) -> Shown:
    """Everything about one relation, with its first rows if it is built.

    Raises:
        NothingSelected: there is no such relation.
    """
    loaded = load_quietly(request)
    chosen = loaded.catalog.graph.select([name])
    if len(chosen) != 1:
        raise PlanError(f'"{name}" names {len(chosen)} relations; show takes one', f"Matches: {', '.join(chosen[:8])}.")
    relation = loaded.catalog.relations[chosen[0]]
    if relation.is_internal:
        raise NothingSelected(f"{relation.key} is internal: it holds identifiers, and is there only for building")
    described = {column.name: column.description for column in relation.docs}
    columns = tuple((column, kind, described.get(column, "")) for column, kind in relation.columns)
    audits = tuple(f"{audit.spec.name} ({audit.spec.severity})" for audit in relation.audits)
    return Shown(relation_facts(relation), columns, audits, preview(loaded, relation, limit))


def lineage(request: Request, asked: str) -> dict[str, Any]:
    """What `MODEL` or `MODEL.COLUMN` is made from and what is made from it, as plain data.

    Raises:
        NothingSelected: there is no such relation or column.
    """
    from measure_cli.lineage import lineage_of

    return lineage_of(load_quietly(request).catalog, asked)


def preview(loaded: Loaded, relation: Relation, limit: int) -> Table | None:
    """The first rows of a relation, sorted, if it is built."""
    from measure_cli.sqltext import relation_text

    if not loaded.project.target_file.exists():
        return None
    with opened(loaded, read_only=True) as engine:
        if (relation.schema, relation.name) not in engine.relations():
            return None
        with session_of(engine) as session:
            name = relation_text(relation.schema, relation.name)
            return session.query(Statement(f"SELECT * FROM {name} ORDER BY ALL LIMIT {limit}"))


def status(request: Request) -> Status:
    """Last run, what is built, audits that did not pass."""
    from measure_cli import state

    loaded = load_quietly(request)
    path = str(loaded.project.target.settings["path"])
    if not loaded.project.target_file.exists():
        return Status(path, None, None, None)
    with opened(loaded, read_only=True) as engine:
        if (state.SCHEMA, "runs") not in engine.relations():
            return Status(path, None, None, None)
        with session_of(engine) as session:
            run = state.read_last_run(session, loaded.stack.name)
            audits = state.read_last_audits(session, run["run_id"]) if run else None
            return Status(path, run, state.read_built(session, loaded.stack.name), audits)


def script(request: Request, dialect: str, select_only: bool, batch: str | None) -> str:
    """A runnable SQL script of the selected relations; with `select_only` one model's SELECT.

    Raises:
        PlanError: unknown dialect, or `select_only` for anything but one model.
    """
    from measure_cli.loading import load, source_select
    from measure_cli.script import DIALECTS, month_of, script_of, select_of_one

    if dialect not in DIALECTS:
        raise PlanError(f'unknown dialect "{dialect}"', did_you_mean(dialect, DIALECTS))
    interval = month_of(batch) if batch else None
    loaded = load(request.overrides, interval)
    chosen = chosen_by(request, loaded)
    if select_only:
        return select_of_one(loaded.catalog, chosen)
    return script_of(loaded.catalog, chosen, source_select, interval)


def demo(request: Request, folder: Path | None, scale: float, seed: int | None) -> dict[str, Path]:
    """Write a stack's demo inputs and say where."""
    from measure_cli.loading import generate_demo
    from measure_cli.project import demo_as_of, load_project

    project = load_project(request.overrides)
    if not 0.1 <= scale <= 100:
        raise ProjectError(f"--scale {scale:g}: must be between 0.1 and 100")
    return generate_demo(
        project.stack, folder or project.root / "demo" / project.stack, demo_as_of(request.overrides), scale, seed
    )


def init(folder: Path, stack: str, overrides: Overrides) -> list[Path]:
    """A project that builds at once; returns the files written."""
    from measure_cli.scaffold import scaffold

    return scaffold(folder, stack, overrides)
