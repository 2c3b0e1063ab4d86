"""Statements that try to reach more than public relations: through the command line, and on the locked connection.

Nothing may be read (identifiers, salt, files, environment), nothing written, no setting changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from measure_cli.cli import app
from measure_cli.demo.gnosis import DEMO_SALT
from measure_cli.engines.duckdb_query import DuckDBReader, locked_connection
from measure_cli.errors import MeasureError
from measure_cli.project import Overrides, load_project
from measure_cli.secrets import PII_IPAD, PII_OPAD, PII_SIPHASH_KEY, salted
from measure_cli.types import Project
from tests.gnosis.project import AS_OF, build
from tests.privacy.project import write_project

MARKER = "a-text-of-another-file"
ADDRESS = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
SECRET_TEXTS = (MARKER, DEMO_SALT, *salted(DEMO_SALT).bound((PII_IPAD, PII_OPAD, PII_SIPHASH_KEY)).values())
ENVIRONMENT = {"MEASURE_PII_SALT": DEMO_SALT, "MARKER": MARKER}

# {folder} stands for the project's folder. All of these fail on the connection, whoever sends them.
HOSTILE: Mapping[str, str] = {
    "internal file attached": "ATTACH '{folder}/gnosis.internal.duckdb' AS i (READ_ONLY)",
    "internal file attached under its name": "ATTACH '{folder}/gnosis.internal.duckdb' AS measure_internal (READ_ONLY)",
    "internal file read": "SELECT * FROM read_duckdb('{folder}/gnosis.internal.duckdb', table_name = 'gpay_wallets')",
    "internal file as bytes": "SELECT * FROM read_blob('{folder}/gnosis.internal.duckdb')",
    "internal file by name": "SELECT * FROM '{folder}/gnosis.internal.duckdb'",
    "internal source": "SELECT * FROM measure_internal.sources.gpay_wallets",
    "internal schema": "SELECT * FROM internal.int_execution_gpay_identity_bridge",
    "source with identifiers": "SELECT * FROM sources.gpay_wallets",
    "public file as bytes": "SELECT * FROM read_blob('{folder}/gnosis.duckdb')",
    "log of the public file": "SELECT * FROM read_blob('{folder}/gnosis.duckdb.wal')",
    "public file again": "ATTACH '{folder}/gnosis.duckdb' AS again",
    "input of the project": "SELECT * FROM read_csv('{folder}/data/gpay_wallets.csv')",
    "input by its name": "SELECT * FROM '{folder}/data/gpay_wallets.csv'",
    "input in several steps": "WITH r AS (SELECT * FROM query('FROM read_text(''{folder}/private.txt'')')) FROM r",
    "text file": "SELECT content FROM read_text('{folder}/private.txt')",
    "json file": "SELECT * FROM read_json('{folder}/private.txt')",
    "parquet file": "SELECT * FROM read_parquet('{folder}/data/*.parquet')",
    "look at a csv file": "SELECT * FROM sniff_csv('{folder}/private.txt')",
    "list of files": "SELECT * FROM glob('{folder}/*')",
    "file of the system": "SELECT * FROM read_text('/etc/hostname')",
    "file behind ..": "SELECT * FROM read_text('{folder}/gnosis.duckdb.tmp/../private.txt')",
    "leftover temporary files": "SELECT * FROM read_text('{folder}/gnosis.duckdb.tmp/leftover.txt')",
    "environment as a file": "SELECT * FROM read_text('/proc/self/environ')",
    "environment": "SELECT getenv('MEASURE_PII_SALT')",
    "network": "SELECT * FROM read_csv('https://example.org/x.csv')",
    "bucket": "SELECT * FROM 's3://bucket/x.parquet'",
    "serialized statement": (
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql("
        "'SELECT * FROM read_text(''{folder}/private.txt'')'))"
    ),
    "python variable": "SELECT * FROM rows_of_python",
    "copy out": "COPY (SELECT 1) TO '{folder}/out.csv'",
    "copy over the database": "COPY (SELECT 1) TO '{folder}/gnosis.duckdb' (FORMAT csv, USE_TMP_FILE false)",
    "copy over the internal file": "COPY (SELECT 1) TO '{folder}/gnosis.internal.duckdb' (FORMAT csv)",
    "copy over the log": "COPY (SELECT 1) TO '{folder}/gnosis.duckdb.wal' (FORMAT csv, USE_TMP_FILE false)",
    "copy into the temporary folder": "COPY (SELECT 1) TO '{folder}/gnosis.duckdb.tmp/out.csv'",
    "copy while explaining": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/gnosis.duckdb' (FORMAT csv, USE_TMP_FILE 0)",
    "copy in": "COPY registries.mta_conversion_kinds FROM '{folder}/private.txt'",
    "export": "EXPORT DATABASE '{folder}/out'",
    "import": "IMPORT DATABASE '{folder}/out'",
    "install": "INSTALL httpfs",
    "newer extensions": "UPDATE EXTENSIONS",
    "load": "LOAD httpfs",
    "load a library": "LOAD '{folder}/x.duckdb_extension'",
    "allow files again": "SET enable_external_access = true",
    "enable the file system": "SET disabled_filesystems = ''",
    "reset the file system": "RESET disabled_filesystems",
    "allow a path": "SET allowed_directories = ['{folder}']",
    "unlock": "SET lock_configuration = false",
    "more memory": "SET memory_limit = '100GB'",
    "more memory by pragma": "PRAGMA memory_limit = '100GB'",
    "a folder for temporary files": "SET temp_directory = '{folder}/spill'",
    "profile to a file": "PRAGMA profiling_output = '{folder}/profile.json'",
    "log to a file": "CALL enable_logging(storage = 'file', storage_config = {{'path': '{folder}/log'}})",
    "extensions by themselves": "SET autoload_known_extensions = true",
    "secret": "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "create": "CREATE TABLE marts.x AS SELECT 1 AS a",
    "create a view on a file": "CREATE VIEW marts.x AS SELECT * FROM read_text('{folder}/private.txt')",
    "insert": "INSERT INTO measure_state.runs DEFAULT VALUES",
    "update": "UPDATE measure_state.batches SET relation = 'x'",
    "delete": "DELETE FROM measure_state.audits",
    "delete in a WITH": "WITH gone AS (DELETE FROM measure_state.runs RETURNING *) SELECT * FROM gone",
    "truncate": "TRUNCATE measure_state.runs",
    "drop": "DROP SCHEMA marts CASCADE",
    "alter": "ALTER TABLE measure_state.runs ADD COLUMN x INTEGER",
    "comment": "COMMENT ON TABLE measure_state.runs IS 'x'",
    "two statements": "SELECT 1; COPY (SELECT 1) TO '{folder}/gnosis.duckdb' (FORMAT csv, USE_TMP_FILE false)",
    "statement behind a comment": "SELECT 1 --\n; DROP SCHEMA marts CASCADE",
    "statement behind a quote": "SELECT ';'; ATTACH '{folder}/gnosis.internal.duckdb'",
    "detach": "DETACH gnosis",
}
# These change nothing but the connection that the program closes; the reader refuses them all the same.
OF_NO_USE: Mapping[str, str] = {
    "variable": "SET VARIABLE x = 1",
    "other schema": "USE gnosis.measure_state",
    "temporary table": "CREATE TEMP TABLE x AS SELECT 1",
    "temporary macro": "CREATE TEMP MACRO read_text(x) AS 1",
    "prepare": "PREPARE x AS SELECT 1",
    "transaction": "BEGIN",
    "checkpoint": "CHECKPOINT",
    "vacuum": "VACUUM",
    "pragma": "PRAGMA database_list",
    "call": "CALL pragma_version()",
    "explain": "EXPLAIN ANALYZE SELECT 1",
    "parameter": "SELECT $pii_ipad",
}
# These may look; there is nothing to be seen.
LOOKING: Mapping[str, str] = {
    "databases": "SELECT * EXCLUDE (path) FROM duckdb_databases()",
    "secrets": "SELECT * FROM duckdb_secrets()",
    "settings": "SELECT name, value FROM duckdb_settings()",
    "variables": "SELECT * FROM duckdb_variables()",
    "salt as a variable": "SELECT getvariable('pii_ipad'), getvariable('pii_opad')",
    "relations": "SHOW ALL TABLES",
    "views and their text": "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal",
    "record of runs": "SELECT * FROM measure_state.runs",
    "record of relations": "SELECT * FROM measure_state.batches",
    "record of audits": "SELECT * FROM measure_state.audits",
    "log": "SELECT * FROM duckdb_logs()",
    "temporary files": "SELECT * FROM duckdb_temporary_files()",
    "files in memory": "SELECT * FROM duckdb_external_file_cache()",
    "blocks of a table": "SELECT * FROM pragma_storage_info('staging.stg_gpay_activity')",
    "statistics of a table": "SUMMARIZE staging.stg_gpay_activity",
}


@dataclass(frozen=True)
class Demo:
    """A built project, beside it what nobody should reach."""

    folder: Path

    @property
    def project(self) -> Project:
        return load_project(Overrides(AS_OF, self.folder))

    def files(self) -> dict[str, str]:
        return {
            str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in self.folder.rglob("*")
            if file.is_file()
        }

    def query(self, sql: str, *options: str) -> Result:
        arguments = ["query", sql.format(folder=self.folder), "--project-dir", str(self.folder), *options]
        ended = CliRunner(env=ENVIRONMENT).invoke(app, arguments)
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return ended


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("hostile")
    build(folder).connection.close()
    assert (folder / "gnosis.internal.duckdb").exists()
    for name in ("private.txt", "gnosis.duckdb.tmp/leftover.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"a,b\n1,{MARKER}\n", encoding="utf-8")
    return Demo(folder)


REACHING = (
    "internal file read", "input of the project", "input in several steps", "text file", "leftover temporary files",
    "serialized statement", "python variable",
)  # fmt: skip


@pytest.mark.parametrize("name", REACHING)
def test_without_the_lock_there_is_something_to_be_reached(demo: Demo, name: str) -> None:
    rows_of_python = np.array([[MARKER]])
    with duckdb.connect(str(demo.folder / "gnosis.duckdb"), read_only=True) as connection:
        told = str(connection.execute(HOSTILE[name].format(folder=demo.folder)).fetchall())
    assert MARKER in told or ADDRESS.search(told)
    assert rows_of_python.size


def assert_nothing_told(text: str) -> None:
    assert not ADDRESS.search(text)
    assert not [secret for secret in SECRET_TEXTS if secret in text.lower()]


@pytest.mark.parametrize("name", [*HOSTILE, *OF_NO_USE])
def test_the_command_refuses(demo: Demo, name: str) -> None:
    before = demo.files()
    for options in ((), ("--json",)):
        ended = demo.query({**HOSTILE, **OF_NO_USE}[name], *options)
        assert ended.exit_code in (1, 2), ended.output
        assert ended.stdout == ""
        assert "error" in ended.stderr
        assert_nothing_told(ended.stderr)
    assert demo.files() == before


@pytest.mark.parametrize("name", list(HOSTILE))
def test_the_connection_refuses_by_itself(demo: Demo, name: str) -> None:
    """Whatever is asked of the statement before it gets there: the driver is called directly here."""
    before = demo.files()
    rows_of_python = np.array([[MARKER]])
    with locked_connection(demo.project) as connection, pytest.raises(duckdb.Error) as refused:
        connection.execute(HOSTILE[name].format(folder=demo.folder)).fetchall()
    assert_nothing_told(str(refused.value))
    assert demo.files() == before
    assert rows_of_python.size


@pytest.mark.parametrize("name", list(OF_NO_USE))
def test_what_the_connection_lets_through_leaves_nothing_behind(demo: Demo, name: str) -> None:
    before = demo.files()
    with locked_connection(demo.project) as connection:
        with pytest.raises(MeasureError):
            DuckDBReader(connection).read(OF_NO_USE[name], 1)
        if name != "parameter":  # the driver has no value for it
            connection.execute(OF_NO_USE[name])
        with pytest.raises(duckdb.Error):
            connection.execute(HOSTILE["text file"].format(folder=demo.folder))
    assert demo.files() == before


@pytest.mark.parametrize("name", list(LOOKING))
def test_looking_around_shows_nothing_internal(demo: Demo, name: str) -> None:
    before = demo.files()
    ended = demo.query(LOOKING[name], "--limit", "100000", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert_nothing_told(ended.output)
    assert "measure_internal." not in ended.output
    assert demo.files() == before


def test_no_value_of_any_relation_is_an_address(demo: Demo) -> None:
    listed = CliRunner().invoke(app, ["list", "--json", "--project-dir", str(demo.folder)])
    assert listed.exit_code == 0
    with locked_connection(demo.project) as connection:
        tables = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        assert len(tables) > 60
        for schema, table in tables:
            columns = f'SELECT DISTINCT CAST(t AS VARCHAR) FROM "{schema}"."{table}" AS t'
            found = connection.execute(f"{columns} WHERE regexp_matches(CAST(t AS VARCHAR), '0x[0-9a-fA-F]{{40}}')")
            addresses = {match for (text,) in found.fetchall() for match in re.findall(r"0x[0-9a-fA-F]{40}\b", text)}
            assert not addresses & owners(demo), (schema, table)


def owners(demo: Demo) -> set[str]:
    text = "".join(file.read_text(encoding="utf-8") for file in (demo.folder / "data").glob("*.csv"))
    return set(re.findall(r"0x[0-9a-fA-F]{40}\b", text))


# -- inputs that are read in place ------------------------------------------------------------------------------------


@pytest.fixture
def in_place(tmp_path: Path) -> Demo:
    """The tiny stack with a public source in Parquet: a view of the public file, with a column nobody declared."""
    changed = {
        "measure.toml": '[project]\nname = "app"\nstack = "sql_templates/app"\nas_of = "2025-03-01"\n'
        '[targets.local]\ntype = "duckdb"\npath = "warehouse/app.duckdb"\n'
        '[sources.users]\npath = "data/users.csv"\n[sources.swaps]\npath = "data/swaps.csv"\n'
        '[sources.prices]\npath = "data/prices.parquet"\n',
        "sources.yml": (
            "sources:\n"
            "  - {name: users, description: Users., required: true, columns: [{name: address, data_type: varchar, "
            "identifier: true}, {name: country, data_type: varchar}, {name: seen, data_type: date}]}\n"
            "  - {name: swaps, description: Swaps., required: true, columns: [{name: taker, data_type: varchar, "
            "identifier: true}, {name: day, data_type: date}, {name: amount, data_type: 'decimal(18,6)'}]}\n"
            "  - {name: prices, description: Prices., required: true, columns: [{name: price, data_type: bigint}]}\n"
        ),
        "marts/fct_prices.sql": "{{ config(materialized='table') }}\nSELECT price FROM {{ source('prices') }}\n",
        "marts/v_prices.sql": "SELECT price FROM {{ source('prices') }}\n",
    }
    write_project(tmp_path, changed)
    duckdb.execute(f"COPY (SELECT 7 AS price, '{MARKER}' AS undeclared) TO '{tmp_path}/data/prices.parquet'")
    ended = CliRunner(env=ENVIRONMENT).invoke(app, ["build", "--project-dir", str(tmp_path)])
    assert ended.exit_code == 0, ended.stderr
    return Demo(tmp_path)


def test_a_source_in_place_is_a_file_and_query_opens_none(in_place: Demo) -> None:
    for sql in ("FROM sources.prices", "FROM marts.v_prices", "FROM '{folder}/data/prices.parquet'"):
        ended = in_place.query(sql)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert "opens none" in ended.stderr
        assert "materialized='table'" in ended.stderr
        assert_nothing_told(ended.stderr)
    assert "7" in in_place.query("FROM marts.fct_prices").stdout


def test_identifiers_in_a_table_of_the_target_forbid_every_query(in_place: Demo) -> None:
    """DuckDB knows no rights: what stands in the file can be read."""
    with duckdb.connect(str(in_place.folder / "warehouse/app.duckdb")) as connection:
        connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.users AS SELECT '0xAA' AS address")
    config = in_place.folder / "measure.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('path = "data/users.csv"', 'table = "raw.users"'), encoding="utf-8")
    for sql in ("SELECT * FROM raw.users", "SELECT 1"):
        ended = in_place.query(sql)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert "source users holds identifiers and is the table raw.users" in ended.stderr
        assert "measure.toml:8" in ended.stderr
