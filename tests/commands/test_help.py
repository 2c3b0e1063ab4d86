"""Help: complete, and fast because it loads nothing heavy; and what programs need not wait for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.build.workshop import process_environment

COMMANDS = ("build", "audit", "sql", "list", "show", "lineage", "query", "diff", "status", "demo", "init")
COMMON = ("--project-dir", "--target", "--stack", "--as-of", "--var", "--json", "--quiet", "--no-color")
HEAVY = ("duckdb", "sqlglot", "jinja2", "yaml", "rich", "numpy")
LOADED = f"""
import sys
from measure_cli.cli import main
sys.argv = ["measure", *sys.argv[1:]]
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=process_environment({"COLUMNS": "200"}),
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["build", "--help"], ["show", "-h"]], ids=" ".join)
def test_help_loads_no_driver_and_no_renderer(arguments: list[str]) -> None:
    ended = run("-c", LOADED, *arguments)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()
    assert ended.stderr.strip() == "[]"


def test_a_program_that_reads_json_waits_for_no_rich(tmp_path: Path) -> None:
    ended = run("-c", LOADED, "build", "stg_spend", "--json", "--project-dir", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["status"] == "success"
    assert "rich" not in ended.stderr


def test_help_names_every_command() -> None:
    ended = run("-m", "measure_cli", "--help")
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert [name for name in COMMANDS if f" {name} " not in ended.stdout] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_common_options(command: str) -> None:
    ended = run("-m", "measure_cli", command, "--help")
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert [option for option in COMMON if option not in ended.stdout] == []
    assert "Traceback" not in ended.stdout


def test_no_argument_shows_the_help() -> None:
    ended = run("-m", "measure_cli")
    assert "Usage" in ended.stdout + ended.stderr
    assert "build" in ended.stdout + ended.stderr


def test_version() -> None:
    ended = run("-m", "measure_cli", "--version")
    assert ended.stdout.startswith("measure ")
    assert ended.stdout.strip().rpartition(" ")[2].count(".") == 2
