"""The contract of engines on Snowflake: the same tests as for every other engine, on the emulator and on an account.

`pytest -m snowflake_account` runs them on a real account: see docs/snowflake.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from measure_cli.ports import Engine
from measure_cli.snowflake_text import snowflake_name
from measure_cli.types import Statement
from tests.engines import (
    test_interruption,
    test_intervals,
    test_names,
    test_parameters,
    test_publication,
    test_secrets,
    test_state,
    test_types,
    test_unload,
)
from tests.engines.bench import SECRETS, Bench, Workplace, workplace
from tests.snowflake.benches import ACCOUNT, EMULATOR, HAS_ACCOUNT
from tests.snowflake.emulator import emulated

MODULES = (
    *(test_types, test_names, test_parameters, test_publication, test_secrets, test_state, test_intervals),
    *(test_interruption, test_unload),
)
OF_OTHERS = ("test_too_much_memory_has_an_error_of_its_own",)  # an account has no limit of memory to set
globals().update(
    {
        name: test
        for module in MODULES
        for name, test in vars(module).items()
        if name.startswith("test_") and name not in OF_OTHERS
    }
)
# What the emulator does wrong: test -> fault.
WIDE = "has whole numbers of 64 bits only"
DOLLARS = "looks for variables of the session in literals and comments, too"
FAULTS = {
    **dict.fromkeys(("test_files", "test_a_select_over_a_table", "test_many_columns", "test_values_and_types"), WIDE),
    **dict.fromkeys(
        (
            "test_literals",
            "test_texts_hold_no_placeholders",
            "test_a_statement_without_parameters_is_left_alone",
            "test_descriptions_are_kept_by_the_engine",
            "test_secrets_and_parameters_together",
        ),
        DOLLARS,
    ),
    "test_a_statement_sees_the_value": "counts the placeholder of LENGTH(?) three times",
    "test_a_statement_is_stopped": "cannot cancel a statement",
    "test_a_stage_becomes_the_table[emulator-view]": "refuses, as Snowflake does, DROP VIEW of a table",
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(EMULATOR, id="emulator"),
        pytest.param(
            ACCOUNT,
            id="account",
            marks=[
                pytest.mark.snowflake_account,
                pytest.mark.skipif(not HAS_ACCOUNT, reason="MEASURE_TEST_SNOWFLAKE_ACCOUNT is not set"),
            ],
        ),
    ],
)
def bench(request: pytest.FixtureRequest) -> Bench:
    chosen: Bench = request.param
    return chosen


@pytest.fixture(scope="module")
def bench_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def engine(bench: Bench, bench_folder: Path) -> Iterator[Engine]:
    with emulated("BENCH") if bench is EMULATOR else nullcontext(), bench.opened(bench_folder, SECRETS) as opened:
        yield opened


@pytest.fixture
def place(request: pytest.FixtureRequest, bench: Bench, engine: Engine, bench_folder: Path) -> Iterator[Workplace]:
    name = request.node.name.split("[")[0]
    if bench is EMULATOR and (fault := FAULTS.get(request.node.name) or FAULTS.get(name)):
        request.applymarker(pytest.mark.xfail(reason=f"the emulator {fault}"))
    with workplace(bench, engine, bench_folder) as made:
        yield made
        written = snowflake_name(made.ddl.place(made.place))
        made.session.execute(Statement(f"DROP SCHEMA IF EXISTS {written} CASCADE"))
