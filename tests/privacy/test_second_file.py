"""Identifiers stand in the second file and nowhere else: not in the database, not in the cache, not in what is said."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from measure_cli.demo.gnosis import DEMO_SALT

ADDRESS = re.compile(rb"0x[0-9a-f]{40}", re.IGNORECASE)
INTERNAL = "warehouse/gnosis.internal.duckdb"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The gnosis demo as a new user builds it, twice; and all that was said."""
    folder = tmp_path_factory.mktemp("gnosis")
    said = ""
    for flags in ([], ["--full", "--json"]):
        ended = CliRunner().invoke(app, ["build", "--stack", "gnosis", "--project-dir", str(folder), *flags])
        assert ended.exit_code == 0, ended.stderr
        said += ended.stdout + ended.stderr
    return folder, said


def holders(folder: Path, pattern: re.Pattern[bytes]) -> set[str]:
    """Files that hold a pattern, the demo's own inputs aside."""
    files = (file for file in folder.rglob("*") if file.is_file() and "demo" not in file.relative_to(folder).parts)
    return {file.relative_to(folder).as_posix() for file in files if pattern.search(file.read_bytes())}


def test_addresses_are_in_the_second_file_only(built: tuple[Path, str]) -> None:
    folder, said = built
    assert holders(folder, ADDRESS) == {INTERNAL}
    assert not ADDRESS.search(said.encode())


def test_the_salt_is_nowhere(built: tuple[Path, str]) -> None:
    folder, said = built
    assert holders(folder, re.compile(DEMO_SALT.encode(), re.IGNORECASE)) == set()
    assert DEMO_SALT not in said
    assert "public salt" in said, "the demo says that its salt is public"


def test_the_public_file_reads_alone(built: tuple[Path, str]) -> None:
    """Every view and table of it, without the second file."""
    folder, _ = built
    with duckdb.connect(str(folder / "warehouse/gnosis.duckdb"), read_only=True) as connection:
        names = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        assert len(names) > 60
        for schema, name in names:
            connection.execute(f'SELECT * FROM "{schema}"."{name}" LIMIT 1').fetchall()
        assert not [name for _, name in names if "identity_bridge" in name]


def test_nothing_to_do_is_seen_without_building(built: tuple[Path, str]) -> None:
    ended = CliRunner().invoke(app, ["build", "--stack", "gnosis", "--project-dir", str(built[0])])
    assert "nothing to do" in ended.stderr
