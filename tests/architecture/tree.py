"""The package as a tree of syntax: modules, what they import, how long their parts are. Nothing is imported or run."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "measure_cli"
BUNDLED = ROOT / "sql_templates"


class Import(NamedTuple):
    """One imported module, with the place of the statement."""

    module: str
    line: int


@cache
def modules() -> dict[str, Path]:
    """Module name relative to the package -> file: `engines.duckdb`; a package is its `__init__`."""
    return {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts): file
        for file in sorted(PACKAGE.rglob("*.py"))
        if "__pycache__" not in file.parts
    }


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def imports_of(module: str) -> Iterator[Import]:
    """Everything a module imports, wherever the statement stands: in functions and under TYPE_CHECKING too."""
    for node in ast.walk(parsed(modules()[module])):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            base = node.module or ""
            yield Import(base, node.lineno)
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)


def own_imports_of(module: str) -> Iterator[Import]:
    """The modules of this package that a module imports; a package that is only passed through does not count."""
    for found in imports_of(module):
        package, _, name = found.module.partition(".")
        if package == "measure_cli" and name in modules():
            yield Import(name, found.line)
        elif package == "measure_cli" and name.partition(".")[0] == "__version__":
            yield Import("__init__", found.line)


def tracked_files() -> list[Path]:
    """Files under version control, or all of them where there is no repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        return [
            file
            for file in ROOT.rglob("*")
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
        ]
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
