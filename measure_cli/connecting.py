"""Target -> engine: which adapter, which writer of statements, which state tables. Drivers are loaded here, lazily."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from measure_cli.errors import PlanError
from measure_cli.kinds import EngineKind
from measure_cli.ports import Engine, Session
from measure_cli.secrets import NO_SECRETS, Secrets
from measure_cli.types import STATE_SCHEMA, Project, Value

if TYPE_CHECKING:
    from measure_cli.ddl.base import Ddl
    from measure_cli.plan import Content
    from measure_cli.state import StateTables


def engine_kind(project: Project) -> EngineKind:
    """The engine of a project's target."""
    return EngineKind(project.target.type)


def ddl_for(kind: EngineKind, settings: Mapping[str, Value]) -> Ddl:
    """The writer of statements for an engine, with the settings of a target."""
    match kind:
        case EngineKind.CLICKHOUSE:
            from measure_cli.ddl.clickhouse import ClickHouseDdl

            return ClickHouseDdl.of(settings)
        case EngineKind.SNOWFLAKE:
            from measure_cli.ddl.snowflake import SnowflakeDdl

            return SnowflakeDdl.of(settings)
        case EngineKind.DUCKDB:
            from measure_cli.ddl.duckdb import DuckDBDdl

            return DuckDBDdl()


def open_engine(
    project: Project, read_only: bool, secrets: Secrets = NO_SECRETS, with_internal: bool = False
) -> Engine:
    """Connect to a project's target; `with_internal` where internal relations stand in a file of their own.

    Raises:
        ProjectError: a package or a setting is missing, or the target refuses; nothing was touched.
        TargetBusy: another process holds the target.
    """
    match engine_kind(project):
        case EngineKind.CLICKHOUSE:
            from measure_cli.engines.clickhouse import open_clickhouse

            return open_clickhouse(project, read_only, secrets)
        case EngineKind.SNOWFLAKE:
            from measure_cli.engines.snowflake import open_snowflake

            return open_snowflake(project, read_only, secrets)
        case EngineKind.DUCKDB:
            from measure_cli.engines.duckdb import open_duckdb

            return open_duckdb(project, read_only, secrets, with_internal)


def is_there(project: Project) -> bool:
    """Whether the target exists: an embedded one has files, a server has to be asked."""
    match engine_kind(project):
        case EngineKind.DUCKDB:
            return project.target_file.exists()
        case EngineKind.CLICKHOUSE:
            from measure_cli.engines.clickhouse import embedded_folder

            folder = embedded_folder(project)
            return folder is None or folder.exists()
        case EngineKind.SNOWFLAKE:
            return True


def is_embedded(project: Project) -> bool:
    """Whether the target is a database inside of this process, which lets no other process in."""
    match engine_kind(project):
        case EngineKind.DUCKDB:
            return True
        case EngineKind.CLICKHOUSE:
            from measure_cli.engines.clickhouse import embedded_folder

            return embedded_folder(project) is not None
        case EngineKind.SNOWFLAKE:
            return False


def target_text(project: Project) -> str:
    """What a user calls the target."""
    settings = project.target.settings
    return str(settings.get("path") or settings.get("url") or settings.get("account") or project.target.name)


def need_target(project: Project) -> None:
    """The target exists.

    Raises:
        PlanError: it does not.
    """
    if not is_there(project):
        option = f" --target {project.target.name}" if len(project.targets) > 1 else ""
        raise PlanError(f"{target_text(project)} does not exist yet", f"Build it: measure build{option}")


def state_tables(ddl: Ddl) -> StateTables:
    """The state tables of a target."""
    from measure_cli.state import ADDED, TABLES, StateTables

    place = ddl.place(STATE_SCHEMA)
    names = {table: ddl.name(place, table) for table in TABLES}
    made = [ddl.state_table(names[table], columns) for table, columns in TABLES.items()]
    made += [ddl.batches.add_text(names[table], column) for table, column in ADDED]
    return StateTables(**names, create=(ddl.create_schema(place), *made))


def read_content(engine: Engine, ddl: Ddl, stack: str) -> Content:
    """Ledger and existing relations of a target."""
    from measure_cli.batch_steps import RecordedBatches
    from measure_cli.plan import Content

    existing = engine.relations()
    if (ddl.place(STATE_SCHEMA), "batches") not in existing:
        return Content(existing=existing)
    with session_of(engine) as session:
        tables, waiting = state_tables(ddl).ledger, state_tables(ddl).waiting
        ledger = tables.read_ledger(session, stack)
        if any((ddl.place(STATE_SCHEMA), name) not in existing for name in ("staged", "days")):
            return Content(ledger, existing)
        months, staged = tables.read_months(session, stack), waiting.read(session, stack)
        has_clean = (ddl.place(STATE_SCHEMA), "clean") in existing
        clean = tables.read_clean(session, stack) if has_clean else {}
        return Content(ledger, existing, RecordedBatches(months, staged, tables.read_seen(session, stack), clean))


@contextlib.contextmanager
def session_of(engine: Engine) -> Iterator[Session]:
    """A session, closed at the end."""
    session = engine.session()
    try:
        yield session
    finally:
        session.close()
