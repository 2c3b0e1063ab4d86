"""Which columns of which relation a resolved query names anywhere: what it can depend on, and nothing less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from measure_cli.dialects.names import fold
from measure_cli.dialects.resolver import Relations

# Nodes that stand for columns which they do not name; so does a column that names no table.
_NAMELESS = (exp.Columns, exp.PositionalColumn, exp.TableColumn, exp.Pivot)


def columns_read(
    query: exp.Query, tables: Sequence[tuple[exp.Table, str]], relations: Relations
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each relation the columns that the query names, by its spelling; all where that cannot be told.

    An alias that is used twice counts for both relations: too many columns do no harm.
    """
    by_alias: dict[str, dict[str, None]] = {}
    for table, key in tables:
        by_alias.setdefault(table.alias_or_name, {})[key] = None
    found: dict[str, set[str]] = {key: set() for _, key in tables}
    everything = any(query.find_all(*_NAMELESS))
    for column in query.find_all(exp.Column):
        for key in by_alias.get(column.table, ()):
            found[key].add(column.name)
        everything = everything or isinstance(column.this, exp.Star) or _may_be_any(column)
    return tuple((key, _spelled(relations[key], None if everything else names)) for key, names in sorted(found.items()))


def _may_be_any(column: exp.Column) -> bool:
    """Whether a column without a table could be one of a relation: not an argument of a lambda, nor in an ORDER BY."""
    return not column.table and not column.find_ancestor(exp.Lambda, exp.Comprehension, exp.Order)


def _spelled(columns: Mapping[str, str], names: set[str] | None) -> tuple[str, ...]:
    """The columns of a relation that have one of the folded names, in its order; all for None."""
    return tuple(column for column in columns if names is None or fold(column) in names)
