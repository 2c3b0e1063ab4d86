"""The engines under test. Each is opened on an empty database; an engine is added by one entry in `BENCHES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path

from measure_cli.connecting import ddl_for, engine_kind, open_engine, session_of
from measure_cli.ddl.base import Ddl
from measure_cli.ports import Engine, Session
from measure_cli.results import Table
from measure_cli.secrets import NO_SECRETS, Secrets, salted
from measure_cli.types import Load, Project, Statement, Target, Value
from tests.engines.http_bridge import USER, Bridge, start

SALT = "a0b1c2d3e4f5061728394a5b6c7d8e9f"
SECRETS = salted(SALT)
NUMBER = count(1)
BRIDGES: dict[Path, Bridge] = {}


@dataclass(frozen=True)
class Bench:
    """One engine.

    `endless` is a query that does not come back, `hungry` one that needs more memory than 100 MB, `told` one that puts
    the secret `pii_ipad` into an error; `settings` are those of a target in an empty folder.
    """

    name: str
    kind: str
    settings: Callable[[Path], Mapping[str, Value]]
    endless: str
    hungry: str
    told: str
    shares_a_database: bool  # whether two engines in one process can be open on the same data

    def project(self, folder: Path, **settings: Value) -> Project:
        target = Target("bench", self.kind, {**self.settings(folder), **settings})
        return Project("bench", folder, "starter", target, date(2026, 7, 1), {}, {})

    @contextmanager
    def opened(
        self, folder: Path, secrets: Secrets = NO_SECRETS, read_only: bool = False, **settings: Value
    ) -> Iterator[Engine]:
        engine = open_engine(self.project(folder, **settings), read_only, secrets)
        try:
            yield engine
        finally:
            engine.close()

    def ddl(self, folder: Path) -> Ddl:
        project = self.project(folder)
        return ddl_for(engine_kind(project), project.target.settings)


@dataclass(frozen=True)
class Workplace:
    """An open engine, and a place of its own for one test."""

    bench: Bench
    engine: Engine
    session: Session
    ddl: Ddl
    folder: Path
    place: str = field(default_factory=lambda: f"place_{next(NUMBER)}")

    def name(self, name: str) -> str:
        return self.ddl.name(self.ddl.place(self.place), name)

    def written(self, name: str) -> str:
        """The name as a person writes it."""
        return f"{self.ddl.place(self.place)}.{name}"

    def run(self, *statements: Statement | Load) -> None:
        for statement in statements:
            if isinstance(statement, Load):
                self.session.load(statement)
            else:
                self.session.execute(statement)

    def query(self, sql: str, parameters: Mapping[str, Value] | None = None, secrets: tuple[str, ...] = ()) -> Table:
        return self.session.query(Statement(sql, parameters or {}, secrets))

    def rows(self, name: str, order: str = "1") -> list[tuple[object, ...]]:
        return list(self.query(f"SELECT * FROM {self.name(name)} ORDER BY {order}").rows)

    def kinds(self) -> dict[str, str]:
        """What stands in the place: name -> "table" or "view"."""
        place = self.ddl.place(self.place)
        return {name: kind for (found, name), kind in self.engine.relations().items() if found == place}


@contextmanager
def workplace(bench: Bench, engine: Engine, folder: Path) -> Iterator[Workplace]:
    with session_of(engine) as session:
        made = Workplace(bench, engine, session, bench.ddl(folder), folder)
        session.execute(made.ddl.create_schema(made.ddl.place(made.place)))
        yield made


def bridge_at(folder: Path) -> Bridge:
    """The server of a folder, started when it is asked for first."""
    if folder not in BRIDGES:
        BRIDGES[folder] = start(folder / "server")
    return BRIDGES[folder]


def url_of(bridge: Bridge, user: str = USER) -> str:
    return f"clickhouse://{user}@127.0.0.1:{bridge.port}/shop"


CLICKHOUSE: Mapping[str, str] = {
    "endless": "SELECT sum(cityHash64(number, number + 1)) FROM numbers_mt(1000000000000000)",
    "hungry": "SELECT length(arrayStringConcat(groupArray(repeat('x', 1000)))) FROM numbers(1000000)",
    "told": "SELECT throwIf(true, concat('seen ', $pii_ipad))",
}
BENCHES = (
    Bench(
        "duckdb",
        "duckdb",
        lambda folder: {"path": str(folder / "bench.duckdb")},
        endless="SELECT count(*) FROM range(1000000000) AS a, range(1000000000) AS b WHERE a.range * b.range % 7 = 3",
        hungry="SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)",
        told="SELECT error('seen ' || $pii_ipad)",
        shares_a_database=False,
    ),
    Bench(
        "chdb",
        "clickhouse",
        lambda folder: {"url": f"chdb://{folder / 'bench'}"},
        shares_a_database=True,
        **CLICKHOUSE,
    ),
    Bench(
        "clickhouse",
        "clickhouse",
        lambda folder: {"url": url_of(bridge_at(folder))},
        shares_a_database=True,
        **CLICKHOUSE,
    ),
)
