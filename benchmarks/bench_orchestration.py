"""What the tool costs around the SQL: CPU seconds of its start, of a small build, of a run with nothing to do.

The floor is the same SQL, the same audits and nothing else through the duckdb package.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

MODELS = 24
AUDITED = 20
ROWS = 2_000
FLOOR = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
for statement in open(sys.argv[2], encoding="utf-8").read().split(";"):
    if statement.strip():
        connection.execute(statement).fetchall()
"""


def report(repeats: int) -> Iterator[str]:
    """Yield the lines of the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        script = write_floor(folder)
        measure = [sys.executable, "-m", "measure_cli"]
        start = median(cpu([*measure, "--help"], folder) for _ in range(repeats))
        bare = median(cpu([sys.executable, "-c", "pass"], folder) for _ in range(repeats))
        floor = median(floor_cpu(folder, script) for _ in range(repeats))
        first = cpu([*measure, "build", "--quiet"], folder)
        full = median(cpu([*measure, "build", "--quiet", "--full"], folder) for _ in range(repeats))
        again = median(cpu([*measure, "build", "--quiet"], folder) for _ in range(repeats))
    yield f"{f'{MODELS} small models, {AUDITED} audits':<68}{'aim':>8}{'CPU s':>10}"
    yield _line("python, nothing", "", bare)
    yield _line("measure --help", "<= 0.15", start)
    yield _line("the SQL itself through the duckdb package (floor)", "", floor)
    yield _line(f"measure build, compiled before: {full / floor:.1f} x the floor", "<= 2 x", full)
    yield _line(f"measure build, the very first: {first / floor:.1f} x the floor", "", first)
    yield _line("measure build, nothing changed", "<= 0.5", again)


def _line(text: str, aim: str, seconds: float) -> str:
    return f"{text:<68}{aim:>8}{seconds:>10.3f}"


def write_project(folder: Path) -> None:
    """A stack of small models, each reading the one before, on one small source."""
    stack = folder / "small"
    layer = stack / "marts"
    layer.mkdir(parents=True)
    (folder / "events.csv").write_text(
        "id,amount\n" + "".join(f"{number},{number % 97}\n" for number in range(ROWS)), encoding="utf-8"
    )
    (folder / "measure.toml").write_text(
        '[project]\nstack = "small"\n[sources.events]\npath = "events.csv"\n', encoding="utf-8"
    )
    (stack / "stack.yml").write_text("name: small\ndescription: small models\n", encoding="utf-8")
    (stack / "sources.yml").write_text(
        "sources:\n  - name: events\n    required: true\n    columns:\n"
        "      - {name: id, data_type: bigint, required: true}\n"
        "      - {name: amount, data_type: bigint, required: true}\n",
        encoding="utf-8",
    )
    docs = ["models:"]
    for number in range(MODELS):
        parent = "source('events')" if number == 0 else f"ref('model_{number - 1:02}')"
        sql = f"{{{{ config(materialized='table') }}}}\n{select_of(f'{{{{ {parent} }}}}')}\n"
        (layer / f"model_{number:02}.sql").write_text(sql, encoding="utf-8")
        tests = "[unique]" if number < AUDITED else "[]"
        docs.append(f"  - name: model_{number:02}\n    columns:\n      - {{name: id, data_tests: {tests}}}")
    (layer / "schema.yml").write_text("\n".join(docs) + "\n", encoding="utf-8")


def select_of(relation: str) -> str:
    """The SELECT of every small model."""
    return f"SELECT\n  id,\n  MAX(amount) AS amount,\n  COUNT(*) AS n_rows\nFROM {relation}\nGROUP BY id"


def write_floor(folder: Path) -> Path:
    """The same statements by hand."""
    lines = ["CREATE SCHEMA marts"]
    reader = f"(SELECT id::BIGINT AS id, amount::BIGINT AS amount FROM read_csv('{folder / 'events.csv'}')) AS events"
    for number in range(MODELS):
        relation = reader if number == 0 else f"marts.model_{number - 1:02}"
        lines.append(f"CREATE TABLE marts.model_{number:02} AS {select_of(relation)}")
        if number < AUDITED:
            duplicates = f"SELECT id FROM marts.model_{number:02} GROUP BY id HAVING count(*) > 1"
            lines.append(f"SELECT count(*) FROM ({duplicates}) AS duplicates")
    script = folder / "floor.sql"
    script.write_text(";\n".join(lines), encoding="utf-8")
    return script


def floor_cpu(folder: Path, script: Path) -> float:
    """CPU seconds of the floor on an empty database."""
    database = folder / "floor.duckdb"
    database.unlink(missing_ok=True)
    return cpu([sys.executable, "-c", FLOOR, str(database), str(script)], folder)


def cpu(command: Sequence[str], folder: Path) -> float:
    """CPU seconds, user and system, of one command and its threads."""
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
