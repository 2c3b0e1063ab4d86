"""What a run refused to use: rows of sources that staging set aside, counted per source.

Relations tagged `rejects` hold such rows, each of one source; or counts of rows, with the columns `source_name`
and `n_rows`. Only those that the run built and that are not empty are looked at.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from measure_cli.connecting import session_of
from measure_cli.errors import EngineError
from measure_cli.kinds import EngineKind
from measure_cli.results import Rejected, RunResult, StepStatus
from measure_cli.sqltext import literal
from measure_cli.types import Statement

if TYPE_CHECKING:
    from measure_cli.catalog import Relation
    from measure_cli.loading import Loaded
    from measure_cli.ports import Engine

TAG = "rejects"
SOURCE, ROWS = "source_name", "n_rows"


def rejected_rows(loaded: Loaded, engine: Engine, run: RunResult) -> tuple[Rejected, ...]:
    """Rejected rows of every source, as the relations hold them that the run built."""
    found: list[Rejected] = []
    for result in run.models:
        relation = loaded.catalog.relations.get(result.name)
        if relation and TAG in relation.config.tags and result.status is StepStatus.BUILT and result.rows != 0:
            counts = read_counts(loaded, engine, relation) if has_counts(relation) else own_count(relation, result.rows)
            found += [
                Rejected(source, rows, relation.key, where_to_look(loaded, relation, source))
                for source, rows in sorted(counts.items())
            ]
    return tuple(found)


def has_counts(relation: Relation) -> bool:
    """Whether each row of a relation stands for several rows of a source."""
    return {SOURCE, ROWS} <= {name for name, _ in relation.columns}


def own_count(relation: Relation, rows: int | None) -> dict[str, int]:
    """The rows of a relation, of which each is a rejected one; none where they were not counted."""
    sources = [key.removeprefix("source.") for key in relation.after if key.startswith("source.")]
    return {" or ".join(sources) or relation.key: rows} if rows else {}


def read_counts(loaded: Loaded, engine: Engine, relation: Relation) -> Counter[str]:
    """The sums of a relation's counts; none where they cannot be read: nothing depends on them."""
    counts: Counter[str] = Counter()
    names = [name for name, _ in relation.columns]
    try:
        with session_of(engine) as session:
            rows = session.query(Statement(f"SELECT * FROM {loaded.ddl.name(relation.place, relation.name)}")).rows
    except EngineError:
        return counts
    for row in rows:
        counts[str(row[names.index(SOURCE)])] += int(row[names.index(ROWS)])
    return counts


def where_to_look(loaded: Loaded, relation: Relation, source: str) -> str:
    """The command that tells why the rows of a source were rejected."""
    if relation.is_internal:
        return f"measure lineage {relation.key}"
    if loaded.ddl.kind is not EngineKind.DUCKDB or "reason" not in dict(relation.columns):
        return f"measure show {relation.key}"
    table = f"{relation.place}.{relation.name}"
    if has_counts(relation):
        return f'measure query "SELECT reason, {ROWS} FROM {table} WHERE {SOURCE} = {literal(source)}"'
    return f'measure query "SELECT reason, count(*) FROM {table} GROUP BY reason"'
