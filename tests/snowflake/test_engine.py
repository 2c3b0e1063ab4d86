"""The adapter: values, names, transactions, errors, files."""

from __future__ import annotations

import hashlib
import threading
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from snowflake.connector import errors

from measure_cli.ddl.snowflake import SnowflakeDdl
from measure_cli.engines.snowflake_errors import translated, with_our_errors
from measure_cli.engines.snowflake_session import SnowflakeEngine, SnowflakeSession, plain
from measure_cli.errors import Cancelled, EngineError, Transient
from measure_cli.secrets import Secrets
from measure_cli.types import Load, ModelConfig, Statement
from tests.snowflake.emulator import opened

DDL = SnowflakeDdl("analytics", "m_")
PLACE = DDL.place("marts")
COLUMNS = (
    ("id", "BIGINT"), ("big", "HUGEINT"), ("name", "VARCHAR"), ("day", "DATE"), ("at", "TIMESTAMP"),
    ("amount", "DECIMAL(18,6)"), ("x", "DOUBLE"), ("is_new", "BOOLEAN"), ("order", "VARCHAR"), ("Größe (m)", "DOUBLE"),
)  # fmt: skip
ROW = (
    7, 2**62, "a'b\\c\n?$d", date(1960, 2, 29), datetime(2024, 12, 31, 23, 59, 59, 999999),
    Decimal("-0.000001"), 1e-300, True, "çağ 😀", 1.5,
)  # fmt: skip


def filled(session: SnowflakeSession, name: str) -> str:
    """A table with one row of every type and one of NULLs."""
    table = DDL.name(PLACE, name)
    session.execute(DDL.create_schema(PLACE))
    for statement in DDL.create_table(table, COLUMNS, ModelConfig()):
        session.execute(statement)
    for row in (ROW, (None,) * len(ROW)):
        values = {f"v{number}": value for number, value in enumerate(row)}
        session.execute(Statement(f"INSERT INTO {table} VALUES ({', '.join(f'${v}' for v in values)})", values))  # type: ignore[arg-type]
    return table


def test_values_of_every_type_come_back(session: SnowflakeSession) -> None:
    found = session.query(Statement(f"SELECT * FROM {filled(session, 'types')} ORDER BY id NULLS LAST"))
    assert found.columns == tuple(name.lower() for name, _ in COLUMNS)
    assert found.rows == (ROW, (None,) * len(ROW))
    assert [type(value) for value in found.rows[0]] == [type(value) for value in ROW]


def test_columns_have_duckdb_types(engine: SnowflakeEngine, session: SnowflakeSession) -> None:
    filled(session, "described")
    assert engine.columns(f"{PLACE}.described") == {name.lower(): data_type for name, data_type in COLUMNS}
    assert engine.columns("m_marts.Described") == engine.columns("ANALYTICS.M_MARTS.DESCRIBED")
    assert engine.columns("m_marts.nowhere") == {}


def test_relations_are_those_of_the_own_schemas(engine: SnowflakeEngine, session: SnowflakeSession) -> None:
    filled(session, "listed")
    session.execute(DDL.view(DDL.name(PLACE, "seen"), [("a", "BIGINT")], "SELECT 1"))
    session.execute(Statement("CREATE SCHEMA IF NOT EXISTS other"))
    session.execute(Statement("CREATE OR REPLACE TABLE other.foreign_table (a INTEGER)"))
    found = engine.relations()
    assert (found[PLACE, "listed"], found[PLACE, "seen"]) == ("table", "view")
    assert ("analytics.other", "foreign_table") in found


def test_a_prefix_keeps_schemas_of_others_out(
    engine: SnowflakeEngine, session: SnowflakeSession, tmp_path: Path
) -> None:
    filled(session, "own")
    session.execute(Statement("CREATE SCHEMA IF NOT EXISTS other"))
    session.execute(Statement("CREATE OR REPLACE TABLE other.foreign_table (a INTEGER)"))
    with opened(tmp_path, schema_prefix="M_") as prefixed:
        found = prefixed.relations()
    assert found == {key: kind for key, kind in engine.relations().items() if key[0] == PLACE}
    assert found[PLACE, "own"] == "table"


def test_placeholders_stand_for_values_and_nowhere_else(session: SnowflakeSession) -> None:
    sql = "SELECT $a AS a, 'it''s \\' ?' AS b, $b AS c, $a AS d -- ?"
    assert session.query(Statement(sql, {"a": "x", "b": 2})).rows == (("x", "it's ' ?", 2, "x"),)


@pytest.mark.usefixtures("engine")
def test_secrets_are_bound_and_stay_out_of_messages(tmp_path: Path) -> None:
    secrets = Secrets({"pii_ipad": "36" * 64})
    with opened(tmp_path, secrets) as own:
        session = own.session()
        sql = "SELECT MD5($pii_ipad)"
        assert session.query(Statement(sql, secrets=("pii_ipad",))).rows == ((hashlib.md5(b"36" * 64).hexdigest(),),)
        with pytest.raises(EngineError) as failed:
            session.query(Statement("SELECT $pii_ipad FROM nowhere", secrets=("pii_ipad",)))
        assert "3636" not in str(failed.value)
        assert failed.value.__cause__ is None
        assert failed.value.__context__ is None
        with pytest.raises(EngineError, match="nothing gives a value"):
            session.query(Statement(sql, secrets=("pii_opad",)))


def test_neighbouring_changes_happen_together_or_not_at_all(session: SnowflakeSession) -> None:
    table = filled(session, "together")
    wrong = Statement(f"INSERT INTO {table} (id) SELECT CAST('x' AS INTEGER)")
    with pytest.raises(EngineError) as failed:
        session.transaction([Statement(f"DELETE FROM {table}"), wrong])
    assert failed.value.statement is wrong
    assert session.query(Statement(f"SELECT COUNT(*) FROM {table}")).rows == ((2,),)
    made = Statement(f"CREATE OR REPLACE TABLE {table} (id INTEGER)")
    session.transaction([Statement(f"DELETE FROM {table}"), made, Statement(f"INSERT INTO {table} VALUES (1)")])
    assert session.query(Statement(f"SELECT id FROM {table}")).rows == ((1,),)


def test_sessions_see_each_other_only_when_done(engine: SnowflakeEngine, session: SnowflakeSession) -> None:
    table = filled(session, "shared")
    other = engine.session()
    session.execute(Statement("BEGIN"))
    session.execute(Statement(f"DELETE FROM {table}"))
    assert other.query(Statement(f"SELECT COUNT(*) FROM {table}")).rows == ((2,),)
    session.execute(Statement("COMMIT"))
    assert other.query(Statement(f"SELECT COUNT(*) FROM {table}")).rows == ((0,),)
    other.close()


def test_threads_work_in_sessions_of_their_own(engine: SnowflakeEngine) -> None:
    found: list[object] = []

    def ask(number: int) -> None:
        session = engine.session()
        found.append(session.query(Statement("SELECT $n", {"n": number})).rows[0][0])
        session.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == ["0", "1", "2", "3"]


def test_files_are_loaded_as_declared(session: SnowflakeSession, tmp_path: Path) -> None:
    file = tmp_path / "it's a file.csv"
    file.write_text("id,day,amount,at\n00123,2024-02-29,1.5,2024-01-01 00:00:00.000001\n,,,\n", encoding="utf-8")
    columns = (("id", "VARCHAR"), ("day", "DATE"), ("amount", "DECIMAL(18,6)"), ("at", "TIMESTAMP"))
    table = DDL.name(PLACE, "loaded")
    quoted = str(file).replace("'", "''")
    for made in DDL.load(table, columns, f"SELECT * FROM read_csv('{quoted}', all_varchar = true)"):
        if isinstance(made, Load):
            session.load(made)
        else:
            session.execute(made)
    rows = session.query(Statement(f"SELECT * FROM {table} ORDER BY id NULLS LAST")).rows
    assert rows[0] == ("00123", date(2024, 2, 29), Decimal("1.500000"), datetime(2024, 1, 1, 0, 0, 0, 1))
    assert rows[1] == (None, None, None, None)


def test_a_file_that_cannot_be_read_is_an_error_of_ours(session: SnowflakeSession) -> None:
    table = DDL.name(PLACE, "unread")
    with pytest.raises(EngineError, match=r"nowhere\.csv"):
        session.load(Load(table, (("a", "VARCHAR"),), "SELECT * FROM read_csv('nowhere.csv')"))


def test_a_fingerprint_tells_changes(engine: SnowflakeEngine, session: SnowflakeSession) -> None:
    table = DDL.name(PLACE, "told")
    session.execute(Statement(f'CREATE OR REPLACE TABLE {table} (a INTEGER, "ORDER" VARCHAR)'))
    session.execute(Statement(f"INSERT INTO {table} VALUES (1, 'x'), (2, NULL)"))
    before = engine.fingerprint(table)
    session.execute(Statement(f"UPDATE {table} SET a = a"))
    assert engine.fingerprint(table) == before
    session.execute(Statement(f"UPDATE {table} SET a = 3 WHERE a = 2"))
    assert engine.fingerprint(table) != before


def test_a_missing_table_and_wrong_sql_are_errors_of_ours(session: SnowflakeSession) -> None:
    for sql in ("SELECT * FROM analytics.m_marts.nowhere", "SELEC 1", "SELECT CAST('x' AS INTEGER)"):
        with pytest.raises(EngineError) as failed:
            session.query(Statement(sql))
        assert type(failed.value) is EngineError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.ProgrammingError(msg="SQL execution canceled", errno=604, sqlstate="57014"), Cancelled),
        (errors.ProgrammingError(msg="Statement reached its timeout", errno=630, sqlstate="57014"), EngineError),
        (errors.ProgrammingError(msg="waiters for this lock", errno=625, sqlstate="57014"), Transient),
        (errors.ProgrammingError(msg="deadlock", errno=1, sqlstate="40001"), Transient),
        (errors.OperationalError(msg="lost", errno=250003, sqlstate="08006"), Transient),
        (errors.DatabaseError(msg="session is gone", errno=390112), Transient),
        (errors.ServiceUnavailableError(), Transient),
        (errors.TooManyRequests(), Transient),
        (ConnectionResetError("reset"), Transient),
        (errors.ProgrammingError(msg="no such table", errno=2003, sqlstate="42S02"), EngineError),
        (errors.InternalError(msg="Processing aborted by error 300010", errno=603, sqlstate="XX000"), EngineError),
    ],
)
def test_errors_are_told_apart_by_number_and_class(error: errors.Error | OSError, expected: type[EngineError]) -> None:
    assert type(translated(error)) is expected


def test_the_driver_s_error_is_left_behind() -> None:
    secrets = Secrets({"pii_ipad": "ab" * 32})

    def fails() -> None:
        raise errors.ProgrammingError(msg=f"bad value {'ab' * 32}", errno=100035, sqlstate="22007")

    with pytest.raises(EngineError) as failed:
        with_our_errors(fails, secrets)
    assert failed.value.message.endswith("bad value <pii_ipad>")
    assert failed.value.__context__ is None


def test_times_with_a_zone_become_utc() -> None:
    assert plain(datetime.fromisoformat("2024-01-01T01:00:00+02:00")) == datetime(2023, 12, 31, 23)
    assert plain(Decimal("12")) == 12
    assert isinstance(plain(Decimal("12")), int)
    assert plain(Decimal("12.50")) == Decimal("12.5")
