"""The verbs of the tool as plain functions: they load, plan, execute and return what happened. Nothing here prints."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure_cli import __version__
from measure_cli.errors import PlanError, ProjectError, did_you_mean
from measure_cli.events import Notice, RunFinished
from measure_cli.kinds import EngineKind
from measure_cli.ports import Engine
from measure_cli.project import Overrides
from measure_cli.request import Request, load_and_tell, opened, signals_raise
from measure_cli.results import AuditStatus, RunResult, Script
from measure_cli.steps import Plan

if TYPE_CHECKING:
    from measure_cli.loading import Loaded
    from measure_cli.refresh import Wishes
    from measure_cli.summary import Summary


def utc_now() -> datetime:
    """The time of day for records, UTC without zone, as the state tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_run(command: str, loaded: Loaded) -> RunResult:
    """An empty result with a new identity."""
    run_id = f"{utc_now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    return RunResult(run_id, command, loaded.project.target.name, loaded.stack.name, loaded.project.as_of, "running")


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
    from measure_cli.leasing import planned
    from measure_cli.plan import Selection

    with signals_raise():
        loaded = load_and_tell(request)
        selection, run = Selection(request.select, request.exclude, full), new_run("build", loaded)
        with planned(request, loaded, selection, None, run) as (plan, engine):
            result = run_plan(request, loaded, plan, engine, run)
            wanted = with_summary and plan.steps and not result.failed
            return Built(result, summarize(loaded, engine) if wanted else None)


def refresh(
    request: Request, wishes: Wishes, full: bool = False, attempts: int = 4, threads: int | None = None
) -> RunResult:
    """Like `build`, but of incremental models only the months that are stale, batch by batch, `threads` at once.

    Raises:
        ProjectError, PlanError: nothing was touched.
        TargetBusy: another process holds the target.
        Interrupted: nothing was published; batches that were computed are kept for the next refresh.
    """
    from measure_cli.asked import AskedInterval
    from measure_cli.leasing import planned
    from measure_cli.plan import Selection

    with signals_raise():
        loaded = load_and_tell(request)
        selection, run = Selection(request.select, request.exclude, full), new_run("refresh", loaded)
        asked = AskedInterval(wishes, request.emit)
        request = replace(request, emit=asked)
        with planned(request, loaded, selection, wishes, run) as (plan, engine):
            result = run_plan(request, loaded, plan, engine, run, attempts, threads or batch_threads(loaded))
        asked.tell()
        return result


def forecast(request: Request, wishes: Wishes, full: bool) -> list[dict[str, Any]]:
    """What a refresh would do, as plain data; nothing is touched.

    Raises:
        ProjectError, PlanError: what the refresh itself would be refused for.
    """
    from measure_cli.preview import dry_run

    return dry_run(request, wishes, full)


def run_plan(
    request: Request, loaded: Loaded, plan: Plan, engine: Engine, run: RunResult, attempts: int = 4, threads: int = 1
) -> RunResult:
    """Execute a plan; one without work leaves no trace."""
    from measure_cli.connecting import state_tables
    from measure_cli.execute import run_build
    from measure_cli.publishing import Recorder
    from measure_cli.rejects import rejected_rows
    from measure_cli.workers import Clock

    if plan.steps or plan.leftovers:
        ddl = loaded.ddl
        recorder = Recorder(
            state_tables(ddl), Clock(utc_now), __version__, ddl.is_transactional, ddl.is_swap_repeatable
        )
        result = run_build(plan, engine, run, recorder, request.emit, worker_count(loaded), attempts, threads)
        return replace(result, rejected=rejected_rows(loaded, engine, result))
    result = replace(run, status="success", models=plan.idle)
    request.emit(RunFinished(result))
    return result


def summarize(loaded: Loaded, engine: Engine) -> Summary | None:
    """The stack's own summary of what is built; None when it has none."""
    from measure_cli.summary import summary_of

    return summary_of(loaded, engine)


def worker_count(loaded: Loaded) -> int:
    """Relations built side by side. Small models gain from it; DuckDB itself uses all cores for a large one."""
    threads = loaded.project.target.settings.get("threads")
    return max(1, min(4, int(threads) if threads else os.cpu_count() or 1))


def batch_threads(loaded: Loaded) -> int:
    """Batches of one model computed side by side. An embedded engine has all cores and all memory at work for one."""
    from measure_cli.connecting import is_embedded

    return 1 if is_embedded(loaded.project) else worker_count(loaded)


def audit(request: Request) -> RunResult:
    """Run every audit of the selected models over what is published, and record the results.

    Raises:
        PlanError: a selected model is not built.
    """
    from measure_cli.auditing import run_audits
    from measure_cli.connecting import need_target, read_content
    from measure_cli.leasing import leased
    from measure_cli.plan import Selection, audit_plan
    from measure_cli.workers import Clock

    with signals_raise():
        loaded = load_and_tell(request)
        need_target(loaded.project)
        run, clock = new_run("audit", loaded), Clock(utc_now)
        began = clock.seconds()
        with opened(loaded, read_only=False, with_internal=True) as engine:
            content = read_content(engine, loaded.ddl, loaded.stack.name)
            audits = audit_plan(loaded.catalog, Selection(request.select, request.exclude), content, loaded.ddl)
            with leased(loaded, engine, run, request.emit) as fenced:
                results = run_audits(audits, fenced, clock, request.emit, worker_count(loaded))
                bad = any(result.status in (AuditStatus.FAIL, AuditStatus.ERROR) for result in results)
                status = "failed" if bad else "success"
                finished = replace(run, status=status, audits=results, seconds=clock.seconds() - began)
                record_audits(loaded, fenced, finished)
        request.emit(RunFinished(finished))
        return finished


def record_audits(loaded: Loaded, engine: Engine, run: RunResult) -> None:
    """Add an audit run to the state tables."""
    from measure_cli.connecting import session_of, state_tables

    now, tables = utc_now(), state_tables(loaded.ddl)
    rows = [*tables.run_started(run, now, __version__), *tables.audit_rows(run, run.audits, now)]
    with session_of(engine) as session:
        session.transaction([*tables.create, *rows, tables.run_finished(run, now)])


def script(request: Request, dialect: str | None, select_only: bool, batch: str | None) -> Script:
    """A runnable SQL script of the selected relations; with `select_only` one model's SELECT.

    Raises:
        PlanError: unknown dialect, or `select_only` for anything but one model.
    """
    from measure_cli.inspection import chosen_by
    from measure_cli.loading import load, typed_file
    from measure_cli.script import Inputs, month_named, script_of, select_of_one

    if dialect is not None and dialect not in list(EngineKind):
        return translated_script(request, dialect, select_only)
    interval = month_named(batch) if batch else None
    loaded = load(request.overrides, EngineKind(dialect) if dialect else None)
    chosen = chosen_by(request, loaded)
    if select_only:
        return Script(select_of_one(loaded.catalog, chosen, loaded.ddl, interval))
    inputs = Inputs(loaded.source_select, partial(typed_file, loaded))
    return Script(script_of(loaded.catalog, chosen, inputs, loaded.ddl, interval))


def translated_script(request: Request, dialect: str, select_only: bool) -> Script:
    """A script for an engine that the tool does not run on, as well as sqlglot can write it.

    Raises:
        PlanError: unknown dialect.
    """
    from measure_cli.catalog import placed
    from measure_cli.ddl.other import OtherDdl
    from measure_cli.dialects.other import other_dialects, statements_of, translate
    from measure_cli.inspection import chosen_by
    from measure_cli.loading import load, typed_file
    from measure_cli.script import Inputs, script_of, select_of_one

    if dialect not in other_dialects():
        raise PlanError(
            f'unknown dialect "{dialect}"',
            did_you_mean(dialect, other_dialects()) or "Known: duckdb, clickhouse, snowflake, and those of sqlglot.",
        )
    loaded = load(request.overrides, EngineKind.DUCKDB)
    chosen, ddl = chosen_by(request, loaded), OtherDdl()
    catalog = placed(loaded.catalog, ddl.place)
    inputs = Inputs(loaded.source_select, partial(typed_file, loaded))
    text = select_of_one(catalog, chosen, ddl, None) if select_only else script_of(catalog, chosen, inputs, ddl, None)
    translated = translate(statements_of(text), dialect)
    request.emit(Notice(f"{dialect}: a translation that nobody has executed; look at it before you rely on it"))
    for trouble in translated.lacking:
        request.emit(Notice(f"{dialect}: {trouble}"))
    return Script(translated.text, translated.failed)


def script_secrets(request: Request) -> dict[str, str]:
    """The secrets that a script of the project needs, by the variable of the environment in which it looks for them.

    Raises:
        PlanError: the project's models bind none.
    """
    from measure_cli.catalog import secrets_needed

    loaded = load_and_tell(request)
    needed = secrets_needed(loaded.catalog)
    if not needed:
        raise PlanError(f"no model of {loaded.stack.name} calls pseudonymize(): its scripts need no secrets")
    return {name.upper(): value for name, value in loaded.secrets.bound(needed).items()}


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
