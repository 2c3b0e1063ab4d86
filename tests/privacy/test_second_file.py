"""Identifiers stand in the second file and nowhere else: not in the database, not in the cache, not in what is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from measure_cli.demo.gnosis import DEMO_SALT
from measure_cli.secrets import PII_IPAD, PII_OPAD, PII_SIPHASH_KEY, salted

ADDRESS = re.compile(r"0x([0-9a-f]{40})(?![0-9a-f])", re.IGNORECASE)
DIGITS = 40
HEX_RUN = re.compile(rb"[0-9a-fA-F]{40,}")
INTERNAL = "warehouse/gnosis.internal.duckdb"
COMMANDS = (
    ("audit", "--json"),
    ("list",),
    ("list", "--json"),
    ("status",),
    ("status", "--json"),
    ("sql",),
    ("sql", "--json"),
    ("sql", "--select-only", "int_execution_gnosis_app_events_chain_unified"),
    *(
        ("show", relation, *flags)
        for relation in (
            "stg_gpay_activity",
            "stg_unusable_rows",
            "int_execution_gnosis_app_user_events_unified",
            "int_execution_gpay_conversions",
            "fct_execution_gpay_journeys_60d",
            "fct_execution_gnosis_app_funnel_daily",
        )
        for flags in ((), ("--json",))
    ),
    ("lineage", "int_execution_gpay_conversions.user_pseudonym"),
    ("lineage", "int_execution_gpay_conversions.user_pseudonym", "--json"),
    ("lineage", "source.gpay_wallets.address", "--json"),
)


@dataclass(frozen=True)
class Demo:
    """The gnosis demo as a new user builds it, twice; and all that was said, by the commands that look at it too."""

    folder: Path
    said: str

    def files(self) -> Iterator[Path]:
        """Every file but the demo's own inputs."""
        yield from (
            file
            for file in sorted(self.folder.rglob("*"))
            if file.is_file() and "demo" not in file.relative_to(self.folder).parts
        )

    def addresses(self) -> set[bytes]:
        """Hex digits of every address in the inputs, in lower case."""
        inputs = sorted((self.folder / "warehouse/demo").rglob("*.csv"))
        return {
            digits.lower().encode() for file in inputs for digits in ADDRESS.findall(file.read_text(encoding="utf-8"))
        }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("gnosis")
    said = ""
    for command in (("build",), ("build", "--full", "--json"), *COMMANDS):
        ended = CliRunner().invoke(app, [*command, "--stack", "gnosis", "--project-dir", str(folder)])
        assert ended.exit_code == 0, (command, ended.stderr)
        said += ended.stdout + ended.stderr
    return Demo(folder, said)


def names_address(content: bytes, addresses: set[bytes]) -> bool:
    """In upper or lower case, with or without 0x, padded or not."""
    return any(
        run[start : start + DIGITS] in addresses
        for run in (found.lower() for found in HEX_RUN.findall(content))
        for start in range(len(run) - DIGITS + 1)
    )


def test_addresses_are_in_the_second_file_only(built: Demo) -> None:
    addresses = built.addresses()
    assert len(addresses) > 1000
    holders = {file for file in built.files() if names_address(file.read_bytes(), addresses)}
    assert holders == {built.folder / INTERNAL}
    assert not names_address(built.said.encode(), addresses)


def test_the_search_finds_an_address_in_any_spelling(built: Demo) -> None:
    addresses = built.addresses()
    digits = min(addresses)
    for spelled in (b"0x" + digits, digits.upper(), b"00" + digits + b"7f"):
        assert names_address(b"; " + spelled + b" ;", addresses)


def test_no_value_of_a_public_relation_is_an_address(built: Demo) -> None:
    """The bytes of a file may be compressed; the values of all relations, and of the record of runs, are not."""
    addresses = built.addresses()
    with duckdb.connect(str(built.folder / "warehouse/gnosis.duckdb"), read_only=True) as connection:
        names = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        assert {schema for schema, _ in names} >= {"marts", "measure_state", "sources", "registries"}
        for schema, name in names:
            sql = f'SELECT DISTINCT CAST(t AS VARCHAR) FROM "{schema}"."{name}" AS t'
            long_runs = f"{sql} WHERE regexp_matches(CAST(t AS VARCHAR), '[0-9a-fA-F]{{40}}')"
            texts = [text for (text,) in connection.execute(long_runs).fetchall()]
            assert not names_address("\n".join(texts).encode(), addresses), name


def test_the_salt_is_nowhere(built: Demo) -> None:
    values = [DEMO_SALT, *salted(DEMO_SALT).bound((PII_IPAD, PII_OPAD, PII_SIPHASH_KEY)).values()]
    texts = {"what was said": built.said.encode()} | {file.name: file.read_bytes() for file in built.files()}
    for where, text in texts.items():
        for value in values:
            assert value.encode() not in text.lower(), where
            assert bytes.fromhex(value) not in text, where


def test_the_salt_of_the_demo_is_said_to_be_public(built: Demo) -> None:
    assert "public salt" in built.said


def test_the_public_file_reads_alone(built: Demo) -> None:
    """Every view and table of it, without the second file."""
    with duckdb.connect(str(built.folder / "warehouse/gnosis.duckdb"), read_only=True) as connection:
        names = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        assert len(names) > 60
        for schema, name in names:
            connection.execute(f'SELECT * FROM "{schema}"."{name}" LIMIT 1').fetchall()
        assert not [name for _, name in names if "identity_bridge" in name]


def test_nothing_to_do_is_seen_without_building(built: Demo) -> None:
    ended = CliRunner().invoke(app, ["build", "--stack", "gnosis", "--project-dir", str(built.folder)])
    assert "nothing to do" in ended.stderr
