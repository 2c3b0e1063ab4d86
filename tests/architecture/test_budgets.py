"""Sizes and manners of the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOT, modules, parsed, tracked_files

FILE_LINES, CLASS_LINES, FUNCTION_LINES = 400, 150, 60
TEXT = {
    ".py",
    ".sql",
    ".yml",
    ".yaml",
    ".toml",
    ".md",
    ".csv",
    ".txt",
    ".sh",
    ".cfg",
    ".html",
    ".js",
    ".css",
    "",
    ".json",
}
# Put together from parts, so that this file does not hold what it forbids.
REGISTRY_HOSTS = re.compile(
    "|".join(
        (
            r"pypi\.or" + "g",
            r"pythonhosted\.or" + "g",
            r"npmjs\.or" + "g",
            "registry-" + "proxy",
            "artifact" + "ory",
            "nex" + "us\\.",
        )
    )
)
MACHINE_PATH = re.compile(
    r"(?<![\w.~$}\-])/(" + "|".join(("ro" + "ot", "wo" + "rk", r"home/\w+", r"Users/\w+", r"tmp/\w+")) + r")(/|\b)"
)
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")


def sized(kind: type[ast.AST] | tuple[type[ast.AST], ...], most: int) -> Iterator[str]:
    for file in modules().values():
        for node in ast.walk(parsed(file)):
            if isinstance(node, kind):
                assert isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > most:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}: {node.name} has {length} lines, {most} are allowed"


def test_files() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in modules().values()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_files_of_the_tests() -> None:
    """The same measure for tests and benchmarks."""
    long = {
        str(file.relative_to(ROOT)): lines
        for folder in ("tests", "benchmarks")
        for file in (ROOT / folder).rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_classes() -> None:
    assert list(sized(ast.ClassDef, CLASS_LINES)) == []


def test_functions() -> None:
    assert list(sized((ast.FunctionDef, ast.AsyncFunctionDef), FUNCTION_LINES)) == []


def test_commands_are_thin() -> None:
    """Flags in, one call, exit code out: at most 12 lines of body each."""
    tree = parsed(modules()["cli"])
    long = {
        node.name: lines
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        if (lines := (node.end_lineno or 0) - node.body[0].lineno + 1 - (1 if ast.get_docstring(node) else 0)) > 12
    }
    assert long == {}


def test_every_module_opens_with_its_purpose() -> None:
    assert [module for module, file in modules().items() if not ast.get_docstring(parsed(file))] == []


def test_every_ignored_warning_says_which_and_why_it_may() -> None:
    bare = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:))")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in modules().values()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line)
    ]
    assert found == []


def texts() -> Iterator[tuple[Path, int, str]]:
    """Every line of every text file of the project."""
    for file in tracked_files():
        if file.suffix in TEXT and "shared" not in file.relative_to(ROOT).parts:
            for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
                yield file.relative_to(ROOT), number, line


def found(pattern: re.Pattern[str]) -> list[str]:
    return [f"{file}:{number}: {line.strip()[:120]}" for file, number, line in texts() if pattern.search(line)]


def test_nothing_is_left_unfinished() -> None:
    assert found(UNFINISHED) == []


def test_no_path_of_a_machine() -> None:
    assert found(MACHINE_PATH) == []


def test_no_host_of_a_package_registry() -> None:
    assert found(REGISTRY_HOSTS) == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert MACHINE_PATH.search("cd /ro" + "ot/x")
    assert MACHINE_PATH.search('"/ho' + 'me/ann/data.csv"')
    assert not MACHINE_PATH.search("data/wo" + "rk/x and https://example.org/home")
    assert REGISTRY_HOSTS.search("https://pypi." + "org/simple")
    assert UNFINISHED.search("# TO" + "DO later")


def test_names_of_stacks_stand_in_no_code() -> None:
    """A stack is folders: code that branches on the name of one could not serve another."""
    hits = []
    for module, file in modules().items():
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.Compare) and any(
                isinstance(part, ast.Constant) and part.value == "starter" for part in (node.left, *node.comparators)
            ):
                hits.append(f"{module}:{node.lineno}")
    assert hits == []
