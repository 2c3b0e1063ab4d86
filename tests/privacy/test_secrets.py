"""The salt: read from the environment, checked, bound by name, and shown nowhere."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle

import duckdb
import pytest

from measure_cli.engines.duckdb import DuckDBEngine
from measure_cli.errors import EngineError, ProjectError
from measure_cli.secrets import NO_SECRETS, PII_IPAD, PII_OPAD, SALT_VARIABLE, Secrets, read_secrets, salted
from measure_cli.types import Statement

SALT = "00112233445566778899aabbccddeeff0123456789abcdef"
NAMES = (PII_IPAD, PII_OPAD)


def values(secrets: Secrets) -> list[str]:
    return list(secrets.bound(NAMES).values())


@pytest.mark.parametrize("size", [16, 17, 32, 64, 65, 200])
def test_the_blocks_are_those_of_hmac(size: int) -> None:
    salt = bytes(range(size))
    ipad, opad = (bytes.fromhex(value) for value in values(salted(salt.hex())))
    inner = hashlib.sha256(ipad + b"message").digest()
    assert hashlib.sha256(opad + inner).digest() == hmac.digest(salt, b"message", "sha256")


def test_letter_case_of_the_salt_does_not_matter() -> None:
    assert values(salted(SALT.upper())) == values(salted(SALT))


@pytest.mark.parametrize(
    ("salt", "words"),
    [
        ("", "is not set"),
        ("ab" * 15, "15 bytes, 16 are needed"),
        ("ab" * 16 + "a", "odd number"),
        ("a", "odd number"),
        ("xyz" * 16, "hex digits only"),
        ("0x" + "ab" * 16, "hex digits only"),
        (" " + "ab" * 16, "hex digits only"),
        ("ab" * 16 + "\n", "hex digits only"),
        ("٣" * 32, "hex digits only"),
    ],
)
def test_a_bad_salt_is_refused_and_not_shown(salt: str, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_secrets({SALT_VARIABLE: salt}, NAMES)
    assert words in caught.value.message
    assert SALT_VARIABLE in caught.value.message
    assert len(salt) < 2 or salt not in str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.__context__ is None


def test_a_missing_salt_is_missing_only_where_it_is_needed() -> None:
    assert read_secrets({}, ()) is NO_SECRETS
    with pytest.raises(ProjectError, match="not set"):
        read_secrets({}, NAMES)


def test_demo_data_has_a_salt_of_its_own() -> None:
    assert values(read_secrets({SALT_VARIABLE: SALT}, NAMES, "ab" * 16)) == values(salted("ab" * 16))


def test_nothing_shows_the_values() -> None:
    secrets = salted(SALT)
    for shown in (repr(secrets), str(secrets), f"{secrets}", repr([secrets]), repr(vars(type(secrets)))):
        assert not any(value in shown for value in [SALT, *values(secrets)])
    for writing in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            writing(secrets)
    with pytest.raises(TypeError):
        vars(secrets)


def test_identity_tells_salts_apart() -> None:
    assert salted(SALT).identity == salted(SALT.upper()).identity
    assert salted(SALT).identity != salted("ab" * 16).identity
    assert NO_SECRETS.identity == ""
    assert not any(salted(SALT).identity in value for value in [SALT, *values(salted(SALT))])


def engine(secrets: Secrets) -> DuckDBEngine:
    return DuckDBEngine(duckdb.connect(), secrets)


def test_a_session_binds_by_name() -> None:
    secrets = salted(SALT)
    session = engine(secrets).session()
    session.execute(Statement("CREATE TABLE t AS SELECT $pii_opad || $who AS x", {"who": "!"}, (PII_OPAD,)))
    assert session.query(Statement("SELECT x FROM t")).rows == ((values(secrets)[1] + "!",),)
    session.transaction([Statement("INSERT INTO t SELECT $pii_ipad", secrets=(PII_IPAD,))])
    assert session.query(Statement("SELECT count(*) FROM t")).rows == ((2,),)


def test_a_session_without_the_value_says_which() -> None:
    with pytest.raises(EngineError, match="pii_ipad"):
        engine(NO_SECRETS).session().query(Statement("SELECT $pii_ipad", secrets=(PII_IPAD,)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST($pii_ipad AS INTEGER)",
        "SELECT CAST(upper($pii_ipad) AS INTEGER)",
        "SELECT CAST(left($pii_ipad, 40) AS DATE)",
        "SELECT CAST('x' || substr($pii_ipad, 5, 30) || 'y' AS DOUBLE)",
        "SELECT error($pii_ipad)",
        "SELECT error('got ' || CAST(unhex($pii_ipad) AS VARCHAR))",
    ],
)
@pytest.mark.parametrize("way", ["execute", "query", "transaction"])
def test_errors_of_the_driver_are_scrubbed(sql: str, way: str) -> None:
    secrets = salted(SALT)
    session, statement = engine(secrets).session(), Statement(sql, secrets=(PII_IPAD,))
    argument = [statement] if way == "transaction" else statement
    with pytest.raises(EngineError) as caught:
        getattr(session, way)(argument)
    shown, ipad = str(caught.value), values(secrets)[0]
    assert shown
    assert not any(ipad[start : start + 12] in shown.lower() for start in range(len(ipad) - 12))
    assert "\\x" not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_other_errors_keep_their_cause() -> None:
    with pytest.raises(EngineError) as caught:
        engine(NO_SECRETS).session().query(Statement("SELECT CAST('abc' AS INTEGER)"))
    assert isinstance(caught.value.__cause__, duckdb.Error)
    assert "abc" in caught.value.message


def test_hex_digits_that_are_no_secret_stay() -> None:
    assert salted(SALT).scrub("hash 0123456789ab and deadbeefdeadbeef") == "hash 0123456789ab and deadbeefdeadbeef"
