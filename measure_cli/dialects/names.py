"""Whether the names of a query mean something, and messages that help when they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sqlglot import exp
from sqlglot.optimizer.resolver import Resolver
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from measure_cli.dialects.reader import DUCKDB, Locate, line_of
from measure_cli.errors import PlanError, did_you_mean
from measure_cli.types import REF_SCHEMA, SOURCE_SCHEMA

PSEUDO_SCHEMAS = (REF_SCHEMA, SOURCE_SCHEMA)
ROW_FUNCTIONS = (exp.GenerateSeries, exp.Unnest)
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """A name as DuckDB compares it.

    >>> fold("User_ID"), fold("GRÖSSE")
    ('user_id', 'grÖsse')
    """
    return name.translate(_ASCII_LOWER)


# -- tables ---------------------------------------------------------------------------------------------------------


def check_tables(query: exp.Query, relations: Mapping[str, object], locate: Locate) -> None:
    """Refuse tables that are neither a relation nor a CTE, and functions that return tables."""
    known = {fold(key) for key in relations}
    for scope in traverse_scope(query):
        for table in scope.tables:
            if isinstance(table.this, exp.Func):
                _check_table_function(table, locate)
            elif table.db or table.catalog:
                if _dotted(table) not in known:
                    raise _unknown_table(table, relations, (), locate)
            elif table.name not in scope.cte_sources and not isinstance(scope.sources.get(table.alias_or_name), Scope):
                raise _unknown_table(table, relations, scope.cte_sources, locate)


def _check_table_function(table: exp.Table, locate: Locate) -> None:
    if not isinstance(table.this, ROW_FUNCTIONS):
        name = table.this.name if isinstance(table.this, exp.Anonymous) else table.this.sql_name()
        raise PlanError(
            f"{_at(table, locate)}: found the table function {name.lower()}(), expected ref('...') or source('...')",
            "Models read relations only; inputs are declared as sources.",
        )


def _unknown_table(table: exp.Table, relations: Iterable[str], ctes: Iterable[str], locate: Locate) -> PlanError:
    catalog, schema, name = table.catalog, table.db, table.name
    shown = f"{schema}.{name}" if schema and schema not in PSEUDO_SCHEMAS else name
    shown = f"{catalog}.{shown}" if catalog else shown
    bare = [key.partition(".")[2] for key in relations]
    is_unwrapped = name in bare
    hint = f"Write {{{{ ref('{name}') }}}} or {{{{ source('{name}') }}}}." if is_unwrapped else None
    return PlanError(
        f"{_at(table, locate)}: unknown table \"{shown}\"; expected ref('...'), source('...') or a CTE of this query",
        hint or did_you_mean(name, [*bare, *ctes]),
    )


def _dotted(table: exp.Table) -> str:
    return ".".join(part.name for part in table.parts)


# -- columns --------------------------------------------------------------------------------------------------------


def check_columns(query: exp.Query, schema: MappingSchema, locate: Locate) -> None:
    """Refuse columns that resolution left without a table, and columns that their table does not have."""
    for scope in traverse_scope(query):
        _check_qualified(scope, schema, locate)
        for column in scope.unqualified_columns:
            if isinstance(scope.expression, exp.SetOperation):
                _check_union_order(column, scope.expression, locate)
            else:
                raise _unresolved(column, scope, schema, locate)
        _check_row_values(scope, schema, locate)


def explain(query: exp.Query, schema: MappingSchema, locate: Locate, error: Exception) -> PlanError:
    """The error of a query whose resolution broke off."""
    try:
        for scope in traverse_scope(query):
            _check_qualified(scope, schema, locate)
            _check_using(scope, schema, locate)
    except PlanError as found:
        return found
    subject = str(error).rpartition(": ")[2]
    node = next((node for node in query.walk() if node.name == subject), query)
    return PlanError(f"{_at(node, locate)}: {error}")


def _check_qualified(scope: Scope, schema: MappingSchema, locate: Locate) -> None:
    if scope.pivots:
        return  # a pivot makes columns of its own
    visible = _visible_sources(scope, schema)
    for column in [*scope.columns, *_qualified_stars(scope)]:
        if not column.table:
            continue
        if column.table not in visible:
            raise PlanError(
                f'{_at(column, locate)}: unknown table "{column.table}" in "{column.table}.{column.name or "*"}"',
                did_you_mean(column.table, visible),
            )
        columns = visible[column.table]()
        if isinstance(column.this, exp.Identifier) and column.name not in columns and "*" not in columns:
            raise PlanError(
                f'{_at(column, locate)}: unknown column "{column.name}" in "{column.table}"',
                did_you_mean(column.name, columns),
            )


def _check_row_values(scope: Scope, schema: MappingSchema, locate: Locate) -> None:
    for node in scope.find_all(exp.TableColumn, exp.Dot):
        if isinstance(node, exp.TableColumn):
            raise PlanError(
                f'{_at(node, locate)}: found the table "{node.name}" where a column was expected',
                "Rows as values are known to DuckDB only; name the columns.",
            )
        parts = [part.name for part in node.flatten()]
        raise PlanError(
            f'{_at(node, locate)}: unknown table "{parts[-2]}" in "{parts[-2]}.{parts[-1]}"',
            did_you_mean(parts[-2], _visible_sources(scope, schema)),
        )


def _qualified_stars(scope: Scope) -> Iterator[exp.Column]:
    for output in scope.expression.selects if isinstance(scope.expression, exp.Select) else ():
        if isinstance(output, exp.Column) and output.is_star:
            yield output


def _visible_sources(scope: Scope, schema: MappingSchema) -> dict[str, Callable[[], list[str]]]:
    """Names that may qualify a column here, innermost first, each with the way to its columns."""
    visible: dict[str, Callable[[], list[str]]] = {}
    inner: Scope | None = scope
    while inner is not None:
        columns_of = _columns_of(inner, schema)
        for name in [*inner.selected_sources, *inner.lateral_sources, *inner.semi_or_anti_join_tables]:
            visible.setdefault(name, columns_of(name))
        inner = inner.parent if inner.can_be_correlated else None
    return visible


def _columns_of(scope: Scope, schema: MappingSchema) -> Callable[[str], Callable[[], list[str]]]:
    resolver = Resolver(scope, schema)
    return lambda name: lambda: list(resolver.get_source_columns(name))


def _unresolved(column: exp.Column, scope: Scope, schema: MappingSchema, locate: Locate) -> PlanError:
    owners = {name: columns() for name, columns in _visible_sources(scope, schema).items()}
    holders = [name for name, columns in owners.items() if column.name in columns]
    if len(holders) > 1:
        return PlanError(
            f'{_at(column, locate)}: ambiguous column "{column.name}": it is in {_listing(holders)}',
            f"Name its table: {holders[0]}.{column.name}",
        )
    return PlanError(
        f'{_at(column, locate)}: unknown column "{column.name}" in {_listing(owners) or "a query without tables"}',
        did_you_mean(column.name, [name for columns in owners.values() for name in columns]),
    )


def _check_union_order(column: exp.Column, union: exp.SetOperation, locate: Locate) -> None:
    if column.name not in union.named_selects:
        raise PlanError(
            f'{_at(column, locate)}: unknown column "{column.name}" in the ORDER BY of a UNION',
            did_you_mean(column.name, union.named_selects),
        )


def _check_using(scope: Scope, schema: MappingSchema, locate: Locate) -> None:
    owners = {name: columns() for name, columns in _visible_sources(scope, schema).items()}
    for join in scope.find_all(exp.Join):
        for key in join.args.get("using") or ():
            holders = [name for name, columns in owners.items() if key.name in columns]
            if len(holders) < 2:
                found = f"it is only in {_listing(holders)}" if holders else "it is in neither"
                raise PlanError(
                    f'{_at(key, locate)}: the USING column "{key.name}" must be in both sides of the join; {found}',
                    did_you_mean(key.name, owners.get(join.alias_or_name, ())) if not holders else None,
                )


# -- output columns ---------------------------------------------------------------------------------------------------


def check_outputs_named(query: exp.Query, locate: Locate) -> None:
    """Refuse expressions that only DuckDB would name, wherever the name is visible from outside."""
    for relation, renamed in _relation_queries(query):
        for output in first_select(relation).selects[renamed:]:
            inner = output.unnest() if isinstance(output, exp.Paren) else output
            named = output.alias or isinstance(inner, exp.Column | exp.Star) or output.is_star
            if not named:
                raise PlanError(
                    f"{_at(output, locate)}: output column without a name: {_shorten(output)}", "Add AS <name>."
                )


def check_outputs_unique(query: exp.Query, locate: Locate) -> None:
    """Refuse relations in which two columns have one name."""
    for relation, _ in _relation_queries(query):
        seen: set[str] = set()
        for output in first_select(relation).selects:
            name = output.alias_or_name
            if name in seen:
                raise PlanError(
                    f'{_at(output, locate)}: two output columns are named "{name}"',
                    "List the columns instead of *, and give each its own name.",
                )
            seen.add(name)


def check_unions(query: exp.Query, locate: Locate) -> None:
    """Refuse branches with different numbers of columns."""
    for union in query.find_all(exp.SetOperation):
        left, right = len(union.named_selects), len(first_select(union.expression).selects)
        if left != right and not union.args.get("by_name"):
            raise PlanError(
                f"{_at(union.expression, locate)}: this branch of the {union.key.upper()} has {right} columns, "
                f"the one before it {left}"
            )


def _relation_queries(query: exp.Query) -> Iterator[tuple[exp.Expr, int]]:
    """Queries whose output columns have readers, with the number of columns that an alias list names."""
    yield query, 0
    for node in query.find_all(exp.CTE, exp.Subquery):
        is_relation = isinstance(node, exp.CTE) or isinstance(node.parent, exp.From | exp.Join)
        if is_relation and isinstance(node.this, exp.Query) and isinstance(first_select(node.this), exp.Select):
            yield node.this, len(node.alias_column_names)


def first_select(query: exp.Expr) -> exp.Query:
    """The SELECT that names the columns of a query: the first branch of a UNION."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    assert isinstance(query, exp.Query)
    return query


def _at(node: exp.Expr, locate: Locate) -> str:
    return locate(line_of(node) or 1)


def _listing(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _shorten(node: exp.Expr) -> str:
    text = node.sql(DUCKDB, comments=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
