"""The project of these tests, built once; every test gets a copy to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bad_input.project import run, write_project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untouched project with what it builds. Tests copy it, or only look at it."""
    folder = write_project(tmp_path_factory.mktemp("built") / "shop")
    outcome = run(folder, "build")
    assert outcome.exit_code == 0, outcome.stderr
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of the built project, free to be changed."""
    return Path(shutil.copytree(built, tmp_path / "shop"))
