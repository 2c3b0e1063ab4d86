"""Streams that are closed, full, or whose reader leaves: one message, an exit code, and never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.build.workshop import Ended, Workshop, process_environment
from tests.commands.conftest import Starter

RESULTS = {
    "list": "list",
    "show": "show fct_attribution_30d",
    "status": "status",
    "sql": "sql",
    "secrets": "sql --secrets --stack gnosis",
    "query": "query 'FROM range(100)'",
    "lineage": "lineage fct_attribution_30d",
    "diff": "diff warehouse/starter.duckdb warehouse/starter.duckdb fct_coverage_daily",
    "document": "build fct_coverage_daily --json",
    "forecast": "refresh --dry-run fct_coverage_daily --json",
    "help": "--help",
}
LONG = {name: RESULTS[name] for name in ("list", "sql", "document")} | {
    "rows": "query 'FROM range(20000)' --limit 20000"
}
FULL = "error: stdout cannot be written: No space left on device; the output is not complete\n"


def in_a_shell(project: Workshop, arguments: str, redirection: str, *, buffered: bool = True) -> Ended:
    """A command with its streams as a shell redirects them."""
    process = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "{sys.executable}" -m measure_cli {arguments} {redirection}'],
        cwd=project.folder, env=process_environment({"PYTHONUNBUFFERED": "" if buffered else "1"}),
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    return Ended(process.returncode, process.stdout, process.stderr)


@pytest.mark.parametrize("name", list(RESULTS))
def test_a_full_disk_is_one_message(starter: Starter, name: str) -> None:
    ended = in_a_shell(starter.project, RESULTS[name], "> /dev/full")
    assert ended.exit_code == 1
    assert ended.stderr.endswith(FULL)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", list(RESULTS))
def test_a_closed_stdout_is_nobody_who_listens(starter: Starter, name: str) -> None:
    ended = in_a_shell(starter.project, RESULTS[name], ">&-")
    assert ended.exit_code == 0, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
@pytest.mark.parametrize("name", ["list", "query", "diff", "document", "forecast"])
def test_results_do_not_need_stderr(starter: Starter, name: str, redirection: str) -> None:
    ended = in_a_shell(starter.project, RESULTS[name], redirection)
    assert ended.exit_code == 0
    assert ended.stdout


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full", ">&- 2>&- <&-", "2>&1 | true"])
def test_a_run_goes_on_when_nobody_hears_of_it(built: Workshop, redirection: str) -> None:
    built.replace("my_stack/marts/fct_share.sql", "region,", "region, 1 AS more,")
    ended = in_a_shell(built, "build", redirection)
    assert ended.exit_code == 0
    assert built.query("SELECT DISTINCT more FROM marts.fct_share") == [(1,)]


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
def test_a_mistake_keeps_its_exit_code_when_nobody_hears_of_it(starter: Starter, redirection: str) -> None:
    assert in_a_shell(starter.project, "list nope", redirection).exit_code == 4


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("name", list(LONG))
def test_a_reader_that_leaves_ends_the_program_as_any_other(starter: Starter, name: str, buffered: bool) -> None:
    """Like head after its lines: nothing is said, and a shell sees what it sees of a program that SIGPIPE ended."""
    ended = in_a_shell(starter.project, LONG[name], "| (read -r line; exec <&-)", buffered=buffered)
    assert ended.exit_code in (0, 141), "0 when the pipe held everything"
    assert ended.exit_code == 141 or name not in ("sql", "rows"), "more than a pipe holds"
    assert ended.stderr == ""


def test_characters_that_the_stream_lacks_are_written_out(built: Workshop) -> None:
    ended = built.run("query", "SELECT 'Größe' AS x", env={"PYTHONIOENCODING": "ascii"})
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "Gr\\xf6\\xdfe" in ended.stdout


def test_a_statement_from_a_closed_stdin(built: Workshop) -> None:
    ended = in_a_shell(built, "query -", "<&-")
    assert ended.exit_code == 2
    assert "the statement is empty" in ended.stderr
