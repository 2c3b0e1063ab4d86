"""Engine -> how a resolved, typed query is repaired and written for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from measure_cli.dialects import clickhouse, snowflake
from measure_cli.dialects.reader import DUCKDB, Locate
from measure_cli.kinds import EngineKind


@dataclass(frozen=True, slots=True)
class Target:
    """`prepare` repairs a tree, in place where it can, before pseudonyms are written out; `generate` gives its text."""

    prepare: Callable[[exp.Query, Locate], exp.Query]
    generate: Callable[[exp.Query, bool], str]


def target_of(engine: EngineKind) -> Target:
    """The writer of an engine."""
    return _TARGETS[engine]


def _as_it_is(query: exp.Query, locate: Locate) -> exp.Query:
    """Models are written in DuckDB's dialect."""
    del locate
    return query


def _duckdb_text(query: exp.Query, pretty: bool) -> str:
    return DUCKDB.generate(query, pretty=pretty, comments=False)


_TARGETS = {
    EngineKind.DUCKDB: Target(_as_it_is, _duckdb_text),
    EngineKind.CLICKHOUSE: Target(clickhouse.prepare, clickhouse.generate),
    EngineKind.SNOWFLAKE: Target(snowflake.prepare, snowflake.generate),
}
