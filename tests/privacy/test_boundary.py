"""What holds identifiers is neither listed nor shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from tests.privacy.project import write_project

INTERNAL = ("bridge", "source.users", "source.swaps")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path, {})


def test_internal_relations_are_not_listed(folder: Path) -> None:
    ended = CliRunner().invoke(app, ["list", "--project-dir", str(folder), "--json"])
    assert ended.exit_code == 0, ended.stderr
    names = {relation["name"] for relation in json.loads(ended.stdout)}
    assert "fct_swaps" in names
    assert names.isdisjoint(INTERNAL)


@pytest.mark.parametrize("name", INTERNAL)
def test_internal_relations_are_not_shown(folder: Path, name: str) -> None:
    ended = CliRunner().invoke(app, ["show", name, "--project-dir", str(folder)])
    assert ended.exit_code == 4
    assert f"{name} is internal" in ended.stderr
    assert ended.stdout == ""


def test_the_status_does_not_speak_of_internal_relations(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_PII_SALT", "ab" * 16)
    built = CliRunner().invoke(app, ["build", "--project-dir", str(folder)])
    assert built.exit_code == 0, built.stderr
    ended = CliRunner().invoke(app, ["status", "--project-dir", str(folder), "--json"])
    names = {row["relation"] for row in json.loads(ended.stdout)["relations"]}
    assert "fct_swaps" in names
    assert names.isdisjoint(INTERNAL)
