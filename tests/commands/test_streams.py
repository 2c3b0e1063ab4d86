"""stdout carries results only; narration goes to stderr; a pipe sees plain text."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.build.workshop import Workshop, invoke, process_environment
from tests.commands.conftest import Starter

ANSI = re.compile(r"\x1b\[")
COLOR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
COMMANDS: dict[str, list[str]] = {
    "build": ["build"],
    "build a part": ["build", "fct_funnel_daily"],
    "audit": ["audit", "stg_touchpoints"],
    "sql": ["sql", "fct_attribution_30d"],
    "list": ["list"],
    "show": ["show", "fct_attribution_30d"],
    "status": ["status"],
    "demo": ["demo", "--scale", "0.1", "--to", "elsewhere"],
    "init": ["init", "new-project-{}"],
}
SILENT = ("build", "build a part", "audit")
FAILING = {
    "unknown command": (["biuld"], 2),
    "unknown option": (["build", "--fulll"], 2),
    "unknown model": (["show", "fct_atribution_30d"], 4),
    "several models": (["show", "fct_attribution_*"], 2),
    "no match": (["build", "nothing_of_that_name"], 4),
    "no match for list": (["list", "tag:nothing"], 4),
    "unreadable term": (["build", "++x"], 2),
    "unknown stack": (["build", "--stack", "strater"], 2),
    "unknown target": (["build", "--target", "elsewhere"], 2),
    "unknown variable": (["build", "--var", "lookback=7"], 2),
    "wrong type": (["build", "--var", "half_life_days=soon"], 2),
    "wrong day": (["build", "--as-of", "2024-02-30"], 2),
    "unknown dialect": (["sql", "--dialect", "duckbd"], 2),
    "wrong batch": (["sql", "--batch", "2024-13"], 2),
    "no incremental model": (["sql", "stg_conversions", "--batch", "2024-03"], 2),
    "select only of many": (["sql", "--select-only"], 2),
    "no such folder": (["build", "--project-dir", "nowhere"], 2),
    "scale out of bounds": (["demo", "--scale", "0"], 2),
    "init of a folder in use": (["init", "warehouse"], 2),
}


@pytest.fixture
def inside(starter: Starter, monkeypatch: pytest.MonkeyPatch) -> Starter:
    """The starter's folder as working directory of this process; commands run in it without the cost of a new one."""
    monkeypatch.chdir(starter.project.folder)
    return starter


def filled(arguments: list[str], number: int) -> list[str]:
    return [argument.format(number) for argument in arguments]


def test_the_first_build_ends_with_a_table_on_stderr(starter: Starter) -> None:
    ended = starter.ended
    assert ended.exit_code == 0
    assert ended.stdout == ""
    told = ended.stderr
    assert "success" in told
    assert told.index("success") < told.index("(unattributed)"), "the table comes last"
    assert "Paid Search" in told.partition("success")[2]
    assert "fct_attribution" in told.rpartition("Try next")[2]


@pytest.mark.parametrize("name", list(COMMANDS))
def test_people_read_stdout_and_stderr(starter: Starter, name: str) -> None:
    ended = starter.project.run(*filled(COMMANDS[name], 1))
    assert ended.exit_code == 0, ended.stderr
    assert not ANSI.search(ended.stdout + ended.stderr)
    if name in SILENT:
        assert ended.stdout == ""
        assert ended.stderr != ""
    else:
        assert ended.stdout.strip() != ""
    if name in ("list", "show", "status", "sql", "demo"):
        assert ended.stderr == "", "a result and nothing else"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "sql"])
@pytest.mark.usefixtures("inside")
def test_programs_read_one_json_document(name: str) -> None:
    ended = invoke(*filled(COMMANDS[name], 2), "--json")
    assert ended.exit_code == 0, ended.stderr
    assert ended.json
    assert ended.stderr == ""
    assert not ANSI.search(ended.stdout)


@pytest.mark.usefixtures("inside")
def test_sql_is_a_document_of_its_own() -> None:
    """With --json the script is one JSON document too, so that every command may be called alike."""
    ended = invoke("sql", "fct_attribution_30d", "--json")
    assert ended.exit_code == 0
    assert "CREATE" in json.dumps(ended.json)


@pytest.mark.parametrize("name", list(COMMANDS))
@pytest.mark.usefixtures("inside")
def test_quiet_says_nothing_but_results(name: str) -> None:
    ended = invoke(*filled(COMMANDS[name], 3), "--quiet")
    assert ended.exit_code == 0, ended.stderr
    assert ended.stderr == ""
    assert (ended.stdout == "") == (name in SILENT)


@pytest.mark.parametrize("name", list(FAILING))
def test_a_mistake_is_one_message_on_stderr(inside: Starter, name: str) -> None:
    arguments, exit_code = FAILING[name]
    before = inside.project.database.stat().st_mtime_ns
    for flags in ([], ["--json"]) if name not in ("unknown command", "unknown option") else ([],):
        ended = invoke(*arguments, *flags)
        assert ended.exit_code == exit_code, ended.stderr
        assert ended.stdout == ""
        assert ended.stderr.strip()
        assert "Traceback" not in ended.stderr
        assert not ANSI.search(ended.stderr)
    assert inside.project.database.stat().st_mtime_ns == before


def test_a_mistake_in_a_process_of_its_own(starter: Starter) -> None:
    ended = starter.project.run("build", "nothing_of_that_name", "--json")
    assert (ended.exit_code, ended.stdout) == (4, "")
    assert "nothing_of_that_name" in ended.stderr


def test_quiet_still_tells_failures(built: Workshop) -> None:
    built.replace("my_stack/marts/schema.yml", "min_value: 0", "max_value: 1")
    ended = built.measure("build", "--quiet")
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert "fct_region" in ended.stderr
    assert "accepted_range(gross)" in ended.stderr


def test_a_failed_build_still_prints_its_document(built: Workshop) -> None:
    built.replace("my_stack/marts/schema.yml", "min_value: 0", "max_value: 1")
    ended = built.measure("build", "--json")
    assert ended.exit_code == 1
    assert ended.json["status"] == "failed"
    assert ended.statuses["fct_region"] == "failed"


@pytest.mark.parametrize("arguments", ["sql", "list", "list --json", "show fct_attribution_30d", "status"])
def test_a_reader_that_goes_away_is_no_failure_of_ours(starter: Starter, arguments: str) -> None:
    command = f'"{sys.executable}" -m measure_cli {arguments} | head -1'
    process = subprocess.run(
        ["bash", "-c", command], cwd=starter.project.folder, env=process_environment(),
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in process.stderr
    assert "BrokenPipe" not in process.stderr
    assert len(process.stdout.splitlines()) == 1


# -- the document of a run (its form is promised to programs) --------------------------------------------------------

RUN = {
    "run_id": str,
    "command": str,
    "target": str,
    "as_of": str,
    "status": str,
    "models": list,
    "audits": list,
    "seconds": (int, float),
}
MODEL = {
    "name": str,
    "status": str,
    "rows": (int, type(None)),
    "seconds": (int, float),
    "batches": (int, list, type(None)),
}
AUDIT = {"model": str, "name": str, "severity": str, "status": str, "failures": int}


def fits(document: dict[str, Any], form: dict[str, Any]) -> None:
    assert set(form) <= set(document), f"missing: {sorted(set(form) - set(document))}"
    for key, kind in form.items():
        assert isinstance(document[key], kind), (key, document[key])


@pytest.mark.usefixtures("inside")
def test_the_document_of_a_build() -> None:
    document = invoke("build", "--full", "--json").json
    fits(document, RUN)
    assert document["command"] == "build"
    assert document["as_of"] == "2026-07-01"
    assert document["status"] == "success"
    assert {model["status"] for model in document["models"]} == {"built"}
    names = [model["name"] for model in document["models"]]
    assert len(names) == len(set(names))
    for audit in document["audits"]:
        fits(audit, AUDIT)
        assert audit["status"] == "pass"


@pytest.mark.usefixtures("inside")
def test_the_document_of_a_build_names_the_batches_of_each_model() -> None:
    for model in invoke("build", "--json").json["models"]:
        fits(model, MODEL)


@pytest.mark.usefixtures("inside")
def test_the_document_of_an_audit() -> None:
    document = invoke("audit", "--json").json
    fits(document, RUN)
    assert document["command"] == "audit"
    assert len(document["audits"]) > 50
    for audit in document["audits"]:
        fits(audit, AUDIT)


def test_numbers_that_json_does_not_know_become_null(built: Workshop) -> None:
    built.write(
        "my_stack/marts/fct_odd.sql",
        "{{ config(materialized='table') }}\n"
        "SELECT CAST('nan' AS DOUBLE) AS a, CAST('inf' AS DOUBLE) AS b, CAST('-inf' AS DOUBLE) AS c, city\n"
        "FROM {{ ref('cities') }}\n",
    )
    built.build("fct_odd")
    ended = built.measure("show", "fct_odd", "--json")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    row = json.loads(ended.stdout, parse_constant=refuse)["rows"][0]
    assert (row["a"], row["b"], row["c"]) == (None, None, None)


# -- terminals -------------------------------------------------------------------------------------------------------


def on_a_terminal(project: Workshop, *arguments: str, env: dict[str, str] | None = None) -> str:
    """All that a command writes when both streams are a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "measure_cli", *arguments],
        cwd=project.folder, env=process_environment({"TERM": "xterm-256color", **(env or {})}),
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # the other side has closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait() == 0
    return written.decode()


def test_a_terminal_gets_colours(starter: Starter) -> None:
    assert COLOR.search(on_a_terminal(starter.project, "build"))


@pytest.mark.parametrize(("flags", "env"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})], ids=["flag", "NO_COLOR"])
@pytest.mark.parametrize("command", [["build", "fct_funnel_daily", "--full"], ["list"]], ids=["build", "list"])
def test_a_terminal_without_colours(
    starter: Starter, command: list[str], flags: list[str], env: dict[str, str]
) -> None:
    assert not COLOR.search(on_a_terminal(starter.project, *command, *flags, env=env))


@pytest.mark.parametrize("columns", ["20", "60", "400"])
@pytest.mark.parametrize(
    "command", [["list"], ["show", "fct_attribution_30d"], ["status"]], ids=["list", "show", "status"]
)
@pytest.mark.usefixtures("inside")
def test_any_width_shows_everything(columns: str, command: list[str]) -> None:
    ended = invoke(*command, env={"COLUMNS": columns})
    assert ended.exit_code == 0, ended.stderr
    assert "…" not in ended.stdout, "nothing is cut off"
    if columns == "400":
        assert "fct_attribution_30d" in ended.stdout


@pytest.mark.usefixtures("inside")
def test_a_pipe_keeps_every_row_on_one_line() -> None:
    lines = invoke("list").stdout.splitlines()
    names = [relation["name"] for relation in invoke("list", "--json").json]
    for name in names:
        assert sum(line.split()[:1] == [name] for line in lines) == 1, name
