"""`measure sql` with pseudonyms: the script names the secrets as variables of the session, and holds none."""

from __future__ import annotations

from pathlib import Path

import duckdb

from measure_cli.secrets import PII_IPAD, PII_OPAD, salted
from tests.privacy.project import write_project
from tests.privacy.test_building import SALT, measure, pseudonyms

NAMES = (PII_IPAD, PII_OPAD)


def test_the_script_makes_the_pseudonyms_of_the_build(tmp_path: Path) -> None:
    project = write_project(tmp_path, {})
    measure(project, "build")
    script = measure(project, "sql", salt=None).stdout
    with duckdb.connect() as connection:
        for name, value in salted(SALT).bound(NAMES).items():
            connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
        for statement in connection.extract_statements(script):
            connection.execute(statement)
        rows = connection.execute("SELECT user_pseudonym, amount FROM marts.v_daily ORDER BY amount").fetchall()
    assert rows == pseudonyms(project)


def test_the_script_holds_no_secret_even_when_the_salt_is_there(tmp_path: Path) -> None:
    script = measure(write_project(tmp_path, {}), "sql").stdout
    for secret in (SALT, *salted(SALT).bound(NAMES).values()):
        assert secret not in script.lower()
    for name in NAMES:
        assert f"SET VARIABLE {name} = " in script, "the head of the script says how to set it"
