"""`measure init`: writes a project that builds at once, for a person to change."""

from __future__ import annotations

import shutil
from pathlib import Path

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.loading import generate_demo
from measure_cli.project import CONFIG_FILE, Overrides, demo_as_of
from measure_cli.stack import bundled_root, bundled_stacks, load_stack
from measure_cli.types import Project, Target

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

{sources}
[vars]
lookbacks = [7, 30, 60]      # days; one set of journeys and attribution per number
half_life_days = 7
attribution_window_days = 180
"""
MODEL = """\
-- Grain: one row per channel. A model of your own: reads other models with ref(), is built with everything else.
{{ config(materialized='table', tags=['mine']) }}

SELECT
  event_kind AS channel,
  SUM(last_touch) AS last_touch_conversions,
  SUM(time_decay) AS time_decay_conversions
FROM {{ ref('fct_attribution_30d') }}
GROUP BY event_kind
"""
SCHEMA = """\
models:
  - name: my_channels
    description: Conversions per channel by two attribution models, 30 days back.
    columns:
      - name: channel
        description: Channel of the touchpoints.
        data_tests: [unique, not_null]
      - name: last_touch_conversions
        description: Conversions credited to the last touchpoint.
      - name: time_decay_conversions
        description: Conversions credited by time decay.
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
    name = safe_name(folder.resolve().name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        data = generate_demo(stack, folder / "data", as_of, 0.2, None)
        sources = "\n".join(f'[sources.{source}]\npath = "data/{file.name}"\n' for source, file in data.items())
        texts = {
            CONFIG_FILE: CONFIG.format(name=name, stack=stack, as_of=as_of, sources=sources),
            ".gitignore": "warehouse/\n.measure/\n",
            f"sql_templates/{stack}/marts/my_channels.sql": MODEL,
            f"sql_templates/{stack}/marts/schema.yml": SCHEMA,
        }
        written = [*data.values(), *(write(folder / path, text) for path, text in texts.items())]
        return sorted([*written, *copy_registries(folder, stack, overrides)])
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


def copy_registries(folder: Path, stack: str, overrides: Overrides) -> list[Path]:
    """Copy the stack's registries that are not derived from the data, for a person to edit."""
    project = Project("init", folder, stack, Target("local", "duckdb", {}), overrides.today, {}, {})
    specs = load_stack(project).registries
    target = folder / "registries"
    target.mkdir(exist_ok=True)
    copied = []
    for file in sorted((bundled_root() / "registries" / stack).glob("*.csv")):
        if file.stem in specs and not specs[file.stem].distinct:
            shutil.copyfile(file, target / file.name)
            copied.append(target / file.name)
    return copied
