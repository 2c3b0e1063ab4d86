"""`measure init`: writes a project that builds at once, for a person to change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.loading import generate_demo, public_salt
from measure_cli.project import CONFIG_FILE, Overrides, demo_as_of
from measure_cli.secrets import SALT_VARIABLE
from measure_cli.stack import bundled_root, bundled_stacks, load_stack
from measure_cli.types import Project, RegistrySpec, Target, Variable

CONFIG = """\
# Sources are files (CSV, Parquet, JSON lines, globs too) or tables of the target. Replace the sample data by your own:
# `columns` tells what your file calls a column, e.g. columns = {{ user_id = "cookie", event_ts = "time" }},
# `where` keeps some of its rows, e.g. where = "conversion = 1".

[project]
name = "{name}"
stack = "{stack}"
target = "local"
as_of = "{as_of}"            # the first day that does not count; leave it out for today (UTC)

[targets.local]
type = "duckdb"
path = "warehouse/{name}.duckdb"

{sources}{privacy}
[vars]
{variables}"""
PRIVACY = """
[privacy]
salt = "demo"    # public, for the sample data only: remove this line for real data, and set {variable}
"""


def scaffold(folder: Path, stack: str, overrides: Overrides) -> list[Path]:
    """Write measure.toml, sample data, registries and a model into a new or empty folder.

    Raises:
        ProjectError: the folder holds something already, or there is no such stack.
    """
    if stack not in bundled_stacks():
        raise ProjectError(f'unknown stack "{stack}"', did_you_mean(stack, bundled_stacks()))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} exists and is not empty; nothing was written", "Name a new folder.")
    as_of = demo_as_of(overrides)
    loaded = load_stack(Project("init", folder, stack, Target("local", "duckdb", {}), as_of, {}, {}))
    name = safe_name(folder.resolve().name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        data = generate_demo(stack, folder / "data", as_of, 0.2, None)
        sources = "\n".join(f'[sources.{source}]\npath = "data/{file.name}"\n' for source, file in data.items())
        variables = "".join(variable_line(variable) for variable in loaded.variables.values())
        privacy = PRIVACY.format(variable=SALT_VARIABLE) if public_salt(stack) else ""
        config = CONFIG.format(
            name=name, stack=stack, as_of=as_of, sources=sources, privacy=privacy, variables=variables
        )
        texts = {
            CONFIG_FILE: config,
            ".gitignore": "warehouse/\n.measure/\n",
        }
        written = [*data.values(), *(write(folder / path, text) for path, text in texts.items())]
        return sorted([*written, *copy_registries(folder, stack, loaded.registries), *copy_example(folder, stack)])
    except OSError as error:
        raise ProjectError(f"{folder}: cannot be written: {error.strerror}") from None


def safe_name(text: str) -> str:
    """A folder's name as the name of a project: safe inside of a TOML text and a file name."""
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in text) or "project"


def write(file: Path, text: str) -> Path:
    """Write one text file with its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def variable_line(variable: Variable) -> str:
    """A variable with its default as a line of measure.toml; one that is empty by default as a comment."""
    meaning = " ".join(variable.description.split()).partition(".")[0]
    if variable.default is None:
        return f"# {variable.name} =    # {meaning}\n"
    return f"{variable.name} = {json.dumps(variable.default)}    # {meaning}\n"


def copy_registries(folder: Path, stack: str, specs: Mapping[str, RegistrySpec]) -> list[Path]:
    """Copy the stack's registries that are not derived from the data, for a person to edit."""
    files = sorted((bundled_root() / "registries" / stack).glob("*.csv"))
    return [copy(file, folder / "registries") for file in files if file.stem in specs and not specs[file.stem].distinct]


def copy_example(folder: Path, stack: str) -> list[Path]:
    """Copy the stack's example of a model of one's own."""
    files = sorted((bundled_root() / "sql_templates" / stack / "example").glob("*"))
    return [copy(file, folder / "sql_templates" / stack / "marts") for file in files]


def copy(file: Path, folder: Path) -> Path:
    """Copy one file into a folder that is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(file, folder / file.name))
