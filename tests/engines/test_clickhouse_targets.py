"""Targets on ClickHouse: what measure.toml may say, and what keeps one from being opened."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from measure_cli.connecting import open_engine, session_of
from measure_cli.engines.clickhouse import embedded_folder
from measure_cli.engines.clickhouse_connect import connection_settings, session_settings
from measure_cli.errors import EngineError, MeasureError, ProjectError, TargetBusy, Transient
from measure_cli.ports import Engine
from measure_cli.project import Overrides, load_project
from measure_cli.types import Project, Statement, Target, Value
from tests.build.workshop import process_environment
from tests.engines.bench import SECRETS, bridge_at, url_of
from tests.engines.http_bridge import BREAK, PASSWORD, Bridge
from tests.engines.other_servers import self_signed, web_server

TARGET = """
[targets.my-ch]
type = "clickhouse"
"""
HOLD = """
import sys, clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""
OTHER_PROCESS = """
import sys
from pathlib import Path
from datetime import date
from measure_cli.errors import MeasureError
from measure_cli.connecting import open_engine
from measure_cli.types import Project, Target
for name in sys.argv[2:]:
    sys.modules[name] = None
target = Target("ch", "clickhouse", {"url": sys.argv[1]})
try:
    open_engine(Project("p", Path(), "starter", target, date.max, {}, {}), False)
except MeasureError as error:
    print(type(error).__name__, error.exit_code, error)
"""


def project_of(folder: Path, **settings: Value) -> Project:
    return Project("p", folder, "starter", Target("bench", "clickhouse", settings), date(2026, 7, 1), {}, {})


@pytest.fixture
def bridge(bench_folder: Path) -> Bridge:
    return bridge_at(bench_folder)


@pytest.fixture
def engine(bridge: Bridge, bench_folder: Path) -> Iterator[Engine]:
    opened = open_engine(project_of(bench_folder, url=url_of(bridge)), False, SECRETS)
    yield opened
    opened.close()


@pytest.fixture
def web_port() -> Iterator[int]:
    with web_server() as port:
        yield port


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    with web_server(self_signed(tmp_path / "certificate.pem")) as port:
        yield port


# -- measure.toml ------------------------------------------------------------------------------------------------------


def read(folder: Path, target: str) -> Project:
    (folder / "measure.toml").write_text(TARGET + target, encoding="utf-8")
    return load_project(Overrides(date(2026, 7, 1), folder))


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("", "url"),
        ('url = "clickhouse"', "clickhouses://user@host:8443/database"),
        ('url = "chdb://"', "chdb:///path"),
        ('url = "postgres://db/x"', "found"),
        ('url = "clickhouse://db/shop?user=ann"', "clickhouse://user@host:8123/database"),
        ('url = "clickhouse://db:eighty/shop"', "clickhouse://user@host:8123/database"),
        ('url = "clickhouse://db/shop/marts"', "clickhouse://user@host:8123/database"),
        ('url = "clickhouse://ann:secret@db/shop"', "MEASURE_MY_CH_PASSWORD"),
        ('url = "chdb:///a"\npassword = "x"', "holds a secret"),
        ('url = "chdb:///a"\nmemory_limit = "50%"', "4GB"),
        ('url = "chdb:///a"\nthreads = 0', "at least 1"),
        ('url = "chdb:///a"\nclutser = "prod"', "cluster"),
        ('url = "chdb:///a"\ntemp_directory = "/a"', "temp_directory"),
    ],
)
def test_a_target_that_means_nothing(tmp_path: Path, target: str, told: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, target)
    assert told in str(caught.value)
    assert "measure.toml" in str(caught.value)
    assert "ann:secret" not in str(caught.value)


def test_what_a_target_may_say(tmp_path: Path) -> None:
    given = 'url = "clickhouses://ann%40home@db.example/shop"\ncluster = "prod"\nmemory_limit = "1.5 GB"\nthreads = 3\n'
    project = read(tmp_path, given)
    connection = connection_settings(project, {"MEASURE_MY_CH_PASSWORD": "p"})
    assert {**connection, "autogenerate_session_id": None} == {
        "interface": "https", "host": "db.example", "port": 8443, "username": "ann@home", "password": "p",
        "verify": True, "autogenerate_session_id": None,
    }  # fmt: skip
    settings = session_settings(project.target)
    assert (settings["max_memory_usage"], settings["max_threads"]) == (1_500_000_000, 3)
    assert settings["distributed_product_mode"] == "global"
    plain = connection_settings(project_of(tmp_path, url="clickhouse://db/shop"), {})
    assert (plain["interface"], plain["port"], plain["username"], plain["password"]) == ("http", 8123, "default", "")


@pytest.mark.parametrize(
    ("url", "folder"),
    [("chdb:///data/acme", "/data/acme"), ("chdb://data/acme", "{root}/data/acme"), ("chdb://a%20b", "{root}/a b")],
)
def test_where_an_embedded_target_stands(tmp_path: Path, url: str, folder: str) -> None:
    assert embedded_folder(project_of(tmp_path, url=url)) == Path(folder.format(root=tmp_path))


# -- opening -----------------------------------------------------------------------------------------------------------


def refused(project: Project) -> MeasureError:
    with pytest.raises(ProjectError) as caught:
        open_engine(project, False)
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_a_wrong_password(bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_BENCH_PASSWORD", "something else")
    error = refused(project_of(tmp_path, url=url_of(bridge)))
    assert "refuses the user or the password" in error.message
    assert "MEASURE_BENCH_PASSWORD" in str(error.hint)
    assert "something else" not in str(error)


def test_another_user(bridge: Bridge, tmp_path: Path) -> None:
    assert "refuses the user" in refused(project_of(tmp_path, url=url_of(bridge, "bob"))).message


def test_a_server_that_is_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = refused(project_of(tmp_path, url=f"clickhouse://ann@127.0.0.1:{port}/shop"))
    assert error.message == (
        f"clickhouse://127.0.0.1:{port}, target bench: 127.0.0.1:{port} refuses connections: nothing listens there"
    )
    assert error.hint == "Check host and port, and that the server is running."
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_host_that_does_not_exist(tmp_path: Path) -> None:
    error = refused(project_of(tmp_path, url="clickhouse://ann@no-such-host.invalid/shop"))
    assert "target bench: the host of no-such-host.invalid:8123 is not known here: " in error.message


def test_tls_where_there_is_none(bridge: Bridge, tmp_path: Path) -> None:
    error = refused(project_of(tmp_path, url=f"clickhouses://ann@127.0.0.1:{bridge.port}/shop"))
    assert f"127.0.0.1:{bridge.port} does not speak TLS as expected: " in error.message
    assert error.hint == "The port may be one without TLS."


def test_a_certificate_of_nobody(tls_port: int, tmp_path: Path) -> None:
    error = refused(project_of(tmp_path, url=f"clickhouses://ann@127.0.0.1:{tls_port}/shop"))
    assert f"the certificate of 127.0.0.1:{tls_port} is not accepted: self" in error.message
    assert "that this computer trusts" in str(error.hint)


def test_no_tls_where_there_is_some(tls_port: int, tmp_path: Path) -> None:
    error = refused(project_of(tmp_path, url=f"clickhouse://ann@127.0.0.1:{tls_port}/shop"))
    assert f"127.0.0.1:{tls_port} closed the connection without an answer" in error.message
    assert "It may expect TLS." in str(error.hint)


def test_another_server(web_port: int, tmp_path: Path) -> None:
    error = refused(project_of(tmp_path, url=f"clickhouse://ann@127.0.0.1:{web_port}/shop"))
    assert "HTTP status 501" in error.message
    assert "ClickHouse's HTTP interface" in str(error.hint)


def run_elsewhere(url: str, *without: str) -> str:
    command = [sys.executable, "-c", OTHER_PROCESS, url, *without]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=process_environment())
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize("package", ["clickhouse_connect", "chdb"])
def test_a_missing_package(tmp_path: Path, package: str) -> None:
    told = run_elsewhere(f"chdb://{tmp_path}/data", package)
    assert told.startswith("ProjectError 2")
    assert package in told
    assert "pip install 'measure[clickhouse]'" in told
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_process_holds(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = run_elsewhere(f"chdb://{folder}")
        holder.kill()
    assert told.startswith(f"{TargetBusy.__name__} 3 chdb://{folder} is open in another process (PID: {holder.pid})")
    assert run_elsewhere(f"chdb://{folder}") == ""


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run_elsewhere(f"chdb://{tmp_path}/file/below/data").startswith("ProjectError 2")
    assert run_elsewhere(f"chdb://{tmp_path}/file").startswith("ProjectError 2")


# -- an open server ----------------------------------------------------------------------------------------------------


def test_a_broken_connection_is_worth_another_try(engine: Engine) -> None:
    with session_of(engine) as session:
        with pytest.raises(Transient):
            session.execute(Statement(f"CREATE DATABASE `{BREAK}`"))
        assert session.query(Statement("SELECT 1 AS n")).rows == ((1,),)


def test_reading_only(bridge: Bridge, bench_folder: Path) -> None:
    for url in (url_of(bridge), f"chdb://{bench_folder}/bench"):
        opened = open_engine(project_of(bench_folder, url=url), True)
        with session_of(opened) as session, pytest.raises(EngineError, match="readonly"):
            session.execute(Statement("CREATE DATABASE written"))
        opened.close()


def test_sessions_do_as_the_settings_say(bridge: Bridge, bench_folder: Path) -> None:
    for url in (url_of(bridge), f"chdb://{bench_folder}/bench"):
        opened = open_engine(project_of(bench_folder, url=url, memory_limit="3GB", threads=2), False)
        names = ("max_memory_usage", "max_threads", "join_use_nulls", "session_timezone", "date_time_input_format")
        sql = "SELECT " + ", ".join(f"getSetting('{name}') AS {name}" for name in names)
        with session_of(opened) as session:
            assert session.query(Statement(sql)).rows == ((3_000_000_000, 2, True, "UTC", "basic"),)
        opened.close()


def test_types_that_tables_of_others_may_have(bridge: Bridge, engine: Engine) -> None:
    types = {
        "a": ("LowCardinality(Nullable(String))", "VARCHAR"),
        "b": ("FixedString(3)", "VARCHAR"),
        "c": ("UInt8", "UTINYINT"),
        "d": ("Date", "DATE"),
        "e": ("DateTime('Europe/Rome')", "TIMESTAMP"),
        "f": ("DateTime64(3)", "TIMESTAMP"),
        "g": ("Decimal(9, 4)", "DECIMAL(9,4)"),
        "h": ("Nullable(Float32)", "FLOAT"),
        "i": ("UInt64", "UBIGINT"),
        "j": ("Enum8('x' = 1)", "VARCHAR"),
        "k": ("UUID", "VARCHAR"),
        "l": ("Array(String)", "VARCHAR"),
        "m": ("Bool", "BOOLEAN"),
        "n": ("UInt256", "HUGEINT"),
    }
    columns = ", ".join(f"{name} {found}" for name, (found, _) in types.items())
    with session_of(engine) as session:
        session.execute(Statement(f"CREATE OR REPLACE TABLE theirs ({columns}) ENGINE = Memory"))
    assert engine.columns("theirs") == {name: ours for name, (_, ours) in types.items()}
