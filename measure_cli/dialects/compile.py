"""One rendered model in the DuckDB dialect -> a checked, resolved SELECT whose relations can still be named.

Reading, linting, resolving, typing, tracing and writing are modules of their own; this one lines them up. Nothing here
executes SQL, so what only an engine can refuse (a cast between types, say) is left to the engine.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp
from sqlglot.schema import MappingSchema

from measure_cli.dialects import pseudonyms
from measure_cli.dialects.column_lineage import Tracer
from measure_cli.dialects.column_types import annotate_columns, parse_type
from measure_cli.dialects.columns_read import columns_read
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.dialects.functions import check_functions
from measure_cli.dialects.lint import in_order, lint, lint_resolved
from measure_cli.dialects.names import fold
from measure_cli.dialects.reader import DUCKDB, Locate, read_select
from measure_cli.dialects.resolver import Relations, resolve, tables_of
from measure_cli.dialects.targets import target_of
from measure_cli.dialects.writer import write_parts
from measure_cli.kinds import EngineKind, PseudonymHash


def compile_select(
    sql: str,
    schema: Relations,
    *,
    locate: Locate,
    engine: EngineKind = EngineKind.DUCKDB,
    pseudonym_hash: PseudonymHash = PseudonymHash.HMAC_SHA256,
    placeholders: Collection[str] = (),
) -> CompiledSelect:
    """Compile one rendered model.

    Args:
        sql: One SELECT in the DuckDB dialect; relations stand in it as `<pseudo schema>.<name>`.
        schema: '<pseudo schema>.<name>' -> {column: DuckDB type}, for every relation the model may read.
        locate: Line of `sql` -> place in the template, for messages.
        engine: For which database it is written.
        pseudonym_hash: What `pseudonymize()` stands for.
        placeholders: Names that are bound when the SELECT runs; they stand in the text as `$name`, whatever the engine.

    Raises:
        PlanError: the text is not one SELECT, a name in it means nothing, or the engine cannot compute the hash.
    """
    query = read_select(sql, locate, placeholders)
    pseudonyms.recognize(query, locate)
    check_functions(query, locate)
    findings = lint(query)
    mapping = _mapping_schema(schema)
    query = resolve(query, schema, mapping, locate)
    columns = annotate_columns(query, mapping)
    pseudonyms.check_types(query, locate)
    findings += lint_resolved(query)
    reads = columns_read(query, tables_of(query, schema), schema)
    tracer = Tracer(query, schema)
    origins, deciding = tracer.outputs(), tracer.deciding()
    target = target_of(engine)
    query = target.prepare(query, locate)
    secrets = pseudonyms.expand(query, engine, pseudonym_hash)
    tables = tables_of(query, schema)
    for placeholder in list(query.find_all(exp.Placeholder)):
        placeholder.replace(exp.Var(this=f"${placeholder.name}"))
    return CompiledSelect(
        parts=write_parts(query, tables, sql, target.generate),
        columns=columns,
        relations=tuple(sorted({key for _, key in tables})),
        findings=in_order(findings),
        secrets=secrets,
        origins=origins,
        deciding=deciding,
        reads=reads,
    )


def _mapping_schema(schema: Relations) -> MappingSchema:
    nested: dict[str, object] = {}
    for key, columns in schema.items():
        pseudo_schema, _, name = fold(key).partition(".")
        tables = nested.setdefault(pseudo_schema, {})
        assert isinstance(tables, dict)
        tables[name] = {fold(column): parse_type(data_type) for column, data_type in columns.items()}
    return MappingSchema(nested, dialect=DUCKDB, normalize=False)
