"""Names -> meaning: every column gets its table, stars are spelled out, alias shadowing is settled.

DuckDB ignores the letter case of A-Z in names, so resolution works on folded names; output columns keep the spelling of
their author. Every branch of a UNION gets the column names of its first branch, which some engines insist on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify_columns import qualify_columns
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.schema import MappingSchema

from measure_cli.dialects import names
from measure_cli.dialects.reader import DUCKDB, Locate

Relations = Mapping[str, Mapping[str, str]]


def resolve(query: exp.Query, relations: Relations, schema: MappingSchema, locate: Locate) -> exp.Query:
    """The resolved tree; `schema` holds the folded names of `relations`.

    Raises:
        PlanError: an unknown or ambiguous table or column, an output without a name or with one used twice.
    """
    names.check_outputs_named(query, locate)
    spelling = _spelling(query, relations)
    query = normalize_identifiers(query, dialect=DUCKDB)
    try:
        query = qualify_tables(query, dialect=DUCKDB)
        names.check_tables(query, relations, locate)
        query = qualify_columns(query, schema, dialect=DUCKDB)
    except OptimizeError as error:
        raise names.explain(query, schema, locate, error) from error
    names.check_columns(query, schema, locate)
    names.check_outputs_unique(query, locate)
    names.check_unions(query, locate)
    _align_unions(query)
    _rename_outputs(query, [spelling.get(name, name) for name in query.named_selects])
    _quote_where_needed(query)
    _close_negations(query)
    return query


def _spelling(query: exp.Query, relations: Relations) -> dict[str, str]:
    """Folded name -> name as written: by the author of the query, else by the relation it comes from."""
    spelling = {names.fold(column): column for columns in relations.values() for column in columns}
    outputs = names.first_select(query).selects
    for alias in (*query.find_all(exp.Alias), *(output for output in outputs if isinstance(output, exp.Alias))):
        renamed = alias.this.name if isinstance(alias.this, exp.Column) else None
        if renamed is None or names.fold(renamed) != names.fold(alias.alias):
            spelling[names.fold(alias.alias)] = alias.alias
    return spelling


def _align_unions(query: exp.Query) -> None:
    for union in query.find_all(exp.SetOperation):
        if not union.args.get("by_name"):
            _rename_outputs(union.expression, union.named_selects)


def _rename_outputs(query: exp.Expr, wanted: Sequence[str]) -> None:
    """Name the output columns, in every branch, and wherever an ORDER BY uses their names."""
    if not isinstance(query, exp.Query) or query.args.get("by_name") or query.named_selects == wanted:
        return
    _rename_in_order(query, dict(zip(query.named_selects, wanted, strict=True)))
    if isinstance(query, exp.SetOperation):
        _rename_outputs(query.this, wanted)
        _rename_outputs(query.expression, wanted)
    elif isinstance(query, exp.Subquery):
        _rename_outputs(query.this, wanted)
    elif isinstance(query, exp.Select):
        outputs = [output.this if isinstance(output, exp.Alias) else output for output in query.selects]
        query.set(
            "expressions", [exp.alias_(output, name, copy=False) for output, name in zip(outputs, wanted, strict=True)]
        )


def _rename_in_order(query: exp.Query, renamed: Mapping[str, str]) -> None:
    order = query.args.get("order")
    for column in list(order.find_all(exp.Column)) if order else ():
        if not column.table and column.find_ancestor(exp.Query) is query:
            column.set("this", exp.to_identifier(renamed.get(column.name, column.name)))


def _quote_where_needed(query: exp.Query) -> None:
    for identifier in query.find_all(exp.Identifier):
        if not identifier.name.isascii() or not exp.SAFE_IDENTIFIER_RE.match(identifier.name):
            identifier.set("quoted", True)


def _close_negations(query: exp.Query) -> None:
    """`d IS NOT NULL = x` is read as a negation inside of a comparison, and would be written as one around it."""
    for negation in list(query.find_all(exp.Not)):
        parent = negation.parent
        if isinstance(parent, exp.Binary | exp.Between | exp.In) and not isinstance(parent, exp.Connector):
            negation.replace(exp.paren(negation.copy(), copy=False))


def tables_of(query: exp.Query, relations: Relations) -> list[tuple[exp.Table, str]]:
    """The relations that a resolved query reads: each table node with its key in `relations`."""
    keys = {names.fold(key): key for key in relations}
    return [(table, keys[f"{table.db}.{table.name}"]) for table in query.find_all(exp.Table) if table.db]
