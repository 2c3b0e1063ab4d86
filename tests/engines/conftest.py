"""Every test of this folder that asks for a `workplace` runs on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from measure_cli.ports import Engine
from tests.engines.bench import BENCHES, BRIDGES, SECRETS, Bench, Workplace, workplace
from tests.engines.http_bridge import PASSWORD


@pytest.fixture(scope="session")
def bench_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for all tests: chDB takes one folder a process. Servers that were started for it end with it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MEASURE_BENCH_PASSWORD", PASSWORD)
        yield tmp_path_factory.mktemp("bench")
    for bridge in BRIDGES.values():
        bridge.stop()


@pytest.fixture(scope="module", params=BENCHES, ids=[bench.name for bench in BENCHES])
def bench(request: pytest.FixtureRequest) -> Bench:
    chosen: Bench = request.param
    return chosen


@pytest.fixture(scope="module")
def engine(bench: Bench, bench_folder: Path) -> Iterator[Engine]:
    with bench.opened(bench_folder, SECRETS) as opened:
        yield opened


@pytest.fixture
def place(bench: Bench, engine: Engine, bench_folder: Path) -> Iterator[Workplace]:
    with workplace(bench, engine, bench_folder) as made:
        yield made
