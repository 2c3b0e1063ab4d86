"""What is installed: the package with its templates and registries, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGE, ROOT

BUNDLED = "measure_cli/bundled"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the backend of pyproject.toml; where it is not installed, by a build that fetches it."""
    folder = tmp_path_factory.mktemp("wheel")
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ImportError:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
        subprocess.run(command, check=True, capture_output=True)
    else:
        list(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    (file,) = folder.glob("*.whl")
    return file


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_every_module(wheel: Path) -> None:
    expected = {f"measure_cli/{file.relative_to(PACKAGE).as_posix()}" for file in PACKAGE.rglob("*.py")}
    assert expected <= names(wheel)


@pytest.mark.parametrize("folder", ["sql_templates", "registries"])
def test_the_wheel_carries_templates_and_registries(wheel: Path, folder: str) -> None:
    expected = {
        f"{BUNDLED}/{file.relative_to(ROOT).as_posix()}": file.read_bytes()
        for file in (ROOT / folder).rglob("*")
        if file.is_file()
    }
    assert expected
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.startswith(f"{BUNDLED}/{folder}/")} == set(expected)
        assert all(archive.read(name) == content for name, content in expected.items())


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    others = [name for name in names(wheel) if not name.startswith("measure_cli/") and ".dist-info/" not in name]
    assert others == []
    assert not [name for name in names(wheel) if "__pycache__" in name or name.endswith((".pyc", ".duckdb"))]


def test_the_wheel_installs_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "measure = measure_cli.cli:main" in archive.read(entry).decode()


def test_the_unpacked_wheel_builds_the_demo_outside_of_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Templates are found inside of the package when there is no checkout around it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    folder = tmp_path / "empty"
    folder.mkdir()
    code = "import measure_cli; assert '/site/' in measure_cli.__file__; from measure_cli.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "list", "layer:marts"],
        cwd=folder, env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "fct_attribution_30d" in ended.stdout


def test_the_wheel_installs_into_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """Needs the network: dependencies come from the package index that pip is configured for."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    binaries = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([str(binaries / "python"), "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    (tmp_path / "empty").mkdir()
    ended = subprocess.run(
        [str(binaries / "measure"), "build"], cwd=tmp_path / "empty", text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "success" in ended.stderr
