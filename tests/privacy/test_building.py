"""A build with pseudonyms: the salt makes them, and stands nowhere afterwards."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from measure_cli.secrets import PII_IPAD, PII_OPAD, SALT_VARIABLE, salted
from tests.build.workshop import Ended, invoke
from tests.privacy.project import STACK, write_project

SALT, OTHER_SALT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "aa" * 32


def measure(folder: Path, command: str, *arguments: str, salt: str | None = SALT) -> Ended:
    return invoke(command, "--project-dir", str(folder), *arguments, env={} if salt is None else {SALT_VARIABLE: salt})


@pytest.fixture(autouse=True)
def nobodys_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SALT_VARIABLE, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path, {})


def pseudonyms(folder: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "warehouse/app.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT user_pseudonym, amount FROM marts.v_daily ORDER BY amount").fetchall()


def expected(address: str, salt: str = SALT) -> str:
    return hmac.digest(bytes.fromhex(salt), address.encode(), "sha256").hex()[:16]


def texts_of(folder: Path, ended: Ended) -> Iterator[bytes]:
    yield ended.stdout.encode()
    yield ended.stderr.encode()
    yield from (file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_pseudonyms_are_made_while_building(project: Path) -> None:
    ended = measure(project, "build", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert [row[0] for row in pseudonyms(project)] == [expected("0xaa"), expected("0xbb")]
    values = salted(SALT).bound((PII_IPAD, PII_OPAD)).values()
    for text in texts_of(project, ended):
        for secret in (SALT, *values):
            assert secret.encode() not in text.lower()
            assert bytes.fromhex(secret) not in text


def test_the_same_salt_changes_nothing_and_another_one_all_that_depends_on_it(project: Path) -> None:
    measure(project, "build")
    assert measure(project, "build", "--json", salt=SALT.upper()).having("built") == set()
    assert measure(project, "build", "--json", salt=OTHER_SALT).having("built") == {"bridge", "fct_swaps", "v_daily"}
    assert [row[0] for row in pseudonyms(project)] == [expected("0xaa", OTHER_SALT), expected("0xbb", OTHER_SALT)]


@pytest.mark.parametrize("salt", [None, "", "abc", SALT[:30], SALT + "zz"])
def test_without_a_good_salt_nothing_is_touched(project: Path, salt: str | None) -> None:
    ended = measure(project, "build", salt=salt)
    assert ended.exit_code == 2
    assert SALT_VARIABLE in ended.stderr
    assert not salt or salt not in ended.stderr
    assert not (project / "warehouse").exists()


def test_looking_needs_no_salt(project: Path) -> None:
    for arguments in (["list"], ["show", "fct_swaps"], ["sql"], ["status"]):
        assert measure(project, *arguments, salt=None).exit_code == 0, arguments


def test_ephemeral_models_take_their_secrets_along(tmp_path: Path) -> None:
    files = {
        "marts/eph.sql": "{{ config(materialized='ephemeral') }}\n"
        "SELECT pseudonymize(taker) AS who FROM {{ source('swaps') }}",
        "marts/fct_who.sql": "{{ config(materialized='table') }}\nSELECT who FROM {{ ref('eph') }}",
        "marts/schema.yml": "models:\n  - name: fct_who\n    columns:\n      - {name: who, data_tests: [unique]}\n",
        "audits/no_strangers.sql": "SELECT eph.who FROM {{ ref('eph') }} AS eph "
        "INNER JOIN {{ ref('fct_who') }} AS f ON f.who = eph.who WHERE eph.who = pseudonymize('nobody')",
    }
    ended = measure(write_project(tmp_path, files), "build", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert ended.json["audits"]


def test_offending_rows_of_internal_relations_are_not_shown(project: Path) -> None:
    (project / "data/users.csv").write_text("address,country,seen\n0xSECRET,de,\n0xsecret,de,\n", encoding="utf-8")
    schema = "models:\n  - name: bridge\n    columns:\n      - {name: address, data_tests: [unique]}\n"
    (project / STACK / "internal/schema.yml").write_text(schema, encoding="utf-8")
    ended = measure(project, "build")
    assert ended.exit_code == 1
    assert "unique(address)" in ended.stderr
    assert "0xsecret" not in (ended.stdout + ended.stderr).lower()


def test_a_leak_is_an_error_of_usage(project: Path) -> None:
    leak = "{{ config(materialized='table') }}\nSELECT taker FROM {{ source('swaps') }}"
    (project / STACK / "marts/fct_x.sql").write_text(leak, encoding="utf-8")
    ended = measure(project, "build")
    assert ended.exit_code == 2
    assert "source.swaps.taker -> fct_x.taker" in ended.stderr
    assert not (project / "warehouse").exists()
