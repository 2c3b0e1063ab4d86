"""Neither the salt nor any value reaches what ClickHouse writes down of queries: its log and its list of processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import clickhouse_connect
import pytest

from measure_cli.connecting import open_engine, session_of
from measure_cli.engines.clickhouse_session import ClickHouseSession
from measure_cli.errors import EngineError
from measure_cli.lease import own_name
from measure_cli.ledger import insert
from measure_cli.ports import Engine
from measure_cli.secrets import PII_IPAD, salted
from measure_cli.types import Project, Statement, Target
from tests.build.workshop import process_environment
from tests.engines.bench import url_of
from tests.engines.http_bridge import LONGEST_FIELD, PASSWORD, USER, Bridge, start
from tests.engines.observed import LOG, Told, heard, live_and_fail
from tests.refresh.visits import SALT

SECRETS = salted(SALT)
SENTINEL = "only-this-run-knows-it"
FILLED = 'marts"."fct_touched__batches" ("id"'


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A server of its own: what other tests had it log is not in the way."""
    monkeypatch.setenv("MEASURE_PII_SALT", SALT)
    monkeypatch.setenv("MEASURE_LOCAL_PASSWORD", PASSWORD)
    started = start(tmp_path / "server")
    yield started
    started.stop()


@pytest.fixture
def engine(bridge: Bridge, tmp_path: Path) -> Iterator[Engine]:
    target = Target("local", "clickhouse", {"url": url_of(bridge)})
    with closing(open_engine(Project("p", tmp_path, "s", target, date.max, {}, {}), False, SECRETS)) as opened:
        yield opened


def log_of(bridge: Bridge) -> str:
    """The log of queries, and what stood in front of the bodies of requests, as a proxy may log it."""
    with closing(
        clickhouse_connect.get_client(host="127.0.0.1", port=bridge.port, username=USER, password=PASSWORD)
    ) as client:
        client.raw_query("SYSTEM FLUSH LOGS")
        return bytes(client.raw_query(LOG)).decode() + bridge.requests()


def assert_silent(log: str, told: Told) -> None:
    """The log has the statements, and nothing that was bound."""
    assert 'measure_state"."runs" ("run_id"' in log
    assert FILLED in log
    assert any(value.startswith(own_name().partition("pid")[0]) for value in told.telling()), "who holds the lease"
    assert {"refresh", "'fct_touched'", "'failed'"} <= told.telling(), "names and states count, too"
    assert told.leaked(log) == set()
    assert SECRETS.scrub(log) == log
    assert "_CAST(" not in log, "what ClickHouse writes in place of a parameter"


def test_a_life_on_a_server(bridge: Bridge, tmp_path: Path) -> None:
    with heard(ClickHouseSession) as told:
        live_and_fail(tmp_path / "shop", f'type = "clickhouse"\nurl = "{url_of(bridge)}"')
    log = log_of(bridge)
    assert_silent(log, told)
    after = [text.partition("\t")[0] for text in log.split(FILLED)[1:]]
    assert not any("2024-0" in text for text in after), "bounds of batches"


def test_a_life_on_chdb(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.engines.observed", str(tmp_path)]
    environment = process_environment({"MEASURE_PII_SALT": SALT})
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    told = Told(**json.loads((tmp_path / "told").read_text(encoding="utf-8")))
    assert_silent((tmp_path / "log").read_text(encoding="utf-8"), told)


def test_an_error_names_no_value(bridge: Bridge, engine: Engine) -> None:
    """ClickHouse quotes the expression that it could not compute, and in that the constants."""
    failing = "SELECT throwIf(number = 3 AND concat(toString(number), $value, $pii_ipad) <> '') FROM numbers(10)"
    with session_of(engine) as session, pytest.raises(EngineError, match="while executing") as failed:
        session.query(Statement(failing, {"value": SENTINEL}, (PII_IPAD,)))
    log = log_of(bridge)
    assert "throwIf" in log
    assert "while executing" in log
    assert SENTINEL[:8] not in log + failed.value.message
    assert SECRETS.scrub(log) == log


def test_a_long_statement(bridge: Bridge, engine: Engine) -> None:
    """A server takes no more than 128 KiB in a field of a form."""
    numbers = ", ".join(str(number) for number in range(LONGEST_FIELD // 6))
    with session_of(engine) as session:
        session.execute(Statement("CREATE TABLE kept ENGINE = Memory AS SELECT '' AS v, toUInt64(0) AS n"))
        insert = f"INSERT INTO kept SELECT $value, arraySum([{numbers}])"
        session.execute(Statement(insert, {"value": SENTINEL}))
        counted = f"SELECT count(*) FROM kept WHERE v = $value AND n = arraySum([{numbers}])"
        assert session.query(Statement(counted, {"value": SENTINEL})).rows == ((1,),)
    log = log_of(bridge)
    assert "INSERT INTO kept SELECT (SELECT value FROM measure_values)" in log
    assert SENTINEL not in log


def test_rows_are_data(bridge: Bridge, engine: Engine) -> None:
    row = {"name": f"it's {SENTINEL}\n\\N", "n": None, "is_it": True, "day": date(1950, 1, 1)}
    with session_of(engine) as session:
        session.execute(
            Statement("CREATE TABLE t (name String, n Nullable(Int64), is_it Bool, day Date32) ENGINE = Log")
        )
        session.execute(insert("t", row, {**row, "name": "second"}))
        assert session.query(Statement("SELECT * FROM t ORDER BY name LIMIT 1")).rows == (tuple(row.values()),)
    log = log_of(bridge)
    assert "INSERT INTO t" in log
    assert SENTINEL not in log


def test_a_running_statement_shows_no_value(engine: Engine) -> None:
    slow = "SELECT count(sleepEachRow(0.2)) FROM numbers(12) WHERE number < length($value) SETTINGS max_block_size = 1"
    with session_of(engine) as session, session_of(engine) as watching:
        work = threading.Thread(target=lambda: session.execute(Statement(slow, {"value": SENTINEL})))
        work.start()
        seen: list[str] = []
        while work.is_alive():
            rows = watching.query(Statement("SELECT toString(tuple(*)) FROM system.processes")).rows
            seen += (text for (text,) in rows if "sleepEachRow" in text)
        work.join()
    assert seen
    assert not any(SENTINEL in text for text in seen)


def test_nothing_is_left_of_values(engine: Engine) -> None:
    """Whether a statement succeeds or not, what it was given is gone after it."""
    with session_of(engine) as session:
        session.query(Statement("SELECT $value AS v", {"value": SENTINEL}))
        with pytest.raises(EngineError):
            session.query(Statement("SELECT $value AS v FROM nowhere", {"value": SENTINEL}))
        with pytest.raises(EngineError, match="measure_values"):
            session.query(Statement("SELECT value FROM measure_values"))
