"""Two processes want one target: the second ends at once, says who is there, and touches nothing."""

from __future__ import annotations

import signal

import pytest

from tests.build.test_interruption import SLOW, SLOW_VARIABLE, wait_for
from tests.build.workshop import Workshop

COMMANDS = pytest.mark.parametrize("command", ["build", "refresh", "audit"])


@pytest.fixture
def slow(shop: Workshop) -> Workshop:
    """The built shop with a model that takes minutes if it is told to."""
    shop.append("my_stack/stack.yml", SLOW_VARIABLE)
    shop.write("my_stack/marts/fct_slow.sql", SLOW)
    shop.build()
    return shop


@COMMANDS
def test_the_second_of_two_runs_ends_at_once(slow: Workshop, command: str) -> None:
    first = slow.start("build", "--var", "slow=true", "--full")
    try:
        wait_for(first, "fct_day")
        second = slow.run(command)
        assert second.exit_code == 3
        assert second.stdout == ""
        assert "warehouse/shop.duckdb is open in another process" in second.stderr
        assert f"PID {first.pid}" in second.stderr
        first.send_signal(signal.SIGINT)
        first.communicate()
    finally:
        first.kill()
    assert first.returncode == 130
    assert slow.build().having("failed") == set()


@COMMANDS
def test_a_run_leaves_no_lease_behind(slow: Workshop, command: str) -> None:
    assert slow.run(command, "--full" if command != "audit" else "fct_day").exit_code == 0
    rows = slow.query(
        "SELECT command, holder, heartbeat_at, expires_at <= now() AT TIME ZONE 'UTC' FROM measure_state.lease"
    )
    ((ran, holder, heartbeat_at, is_over),) = rows
    assert (ran, heartbeat_at, is_over) == (command, None, True)
    assert " pid " in holder


def test_a_run_without_work_takes_no_lease(slow: Workshop) -> None:
    before = slow.query("SELECT run_id FROM measure_state.lease")
    assert slow.build().having("built") == set()
    assert slow.query("SELECT run_id FROM measure_state.lease") == before


def test_the_lease_of_a_killed_run_delays_nobody(slow: Workshop) -> None:
    """A file of DuckDB that can be opened has no other writer: nothing to wait for."""
    process = slow.start("build", "--var", "slow=true", "--full")
    wait_for(process, "fct_day")
    process.kill()
    process.communicate()
    ((expires_in,),) = slow.query(
        "SELECT date_diff('second', now() AT TIME ZONE 'UTC', expires_at) FROM measure_state.lease"
    )
    assert expires_in > 0, "the killed run still has its lease"
    ended = slow.measure("build")
    assert ended.exit_code == 0
    assert f"pid {process.pid} " in ended.stderr
    assert "taken over" in ended.stderr
