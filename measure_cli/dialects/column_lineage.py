"""Which columns of relations an output column is computed from, and which only decide what rows there are.

Works on a resolved tree: every column names its table, stars are spelled out. "Computed from" is taken widely: the
condition of a CASE, the keys of a window and of an ordered aggregate count. Where a construct hides which columns it
reads (PIVOT, COLUMNS(...), rows made from lists), all columns that it could read count, so that nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlglot import exp

from measure_cli.dialects.compiled import Origin
from measure_cli.dialects.functions import Pseudonymize
from measure_cli.dialects.names import fold

Port = tuple[exp.Expr, int]
"""One output column of a query inside of the statement."""
Leaf = tuple[str, str]
"""One column of a relation."""
Read = tuple[Leaf | Port, bool]
"""Something read, and whether on the way it passed through pseudonymize()."""
# Nodes that stand for columns which they do not name.
_NAMELESS = (exp.Columns, exp.PositionalColumn, exp.TableColumn, exp.Star)
_DECIDING = ("where", "group", "having", "qualify", "on", "match_condition")


class Tracer:
    """Follows the columns of one resolved query down to the relations it reads."""

    def __init__(self, query: exp.Query, relations: Mapping[str, Iterable[str]]) -> None:
        """`relations`: '<pseudo schema>.<name>' -> its columns."""
        self._query = query
        self._keys = {fold(key): key for key in relations}
        self._columns = {key: {fold(column): column for column in columns} for key, columns in relations.items()}
        self._sources: dict[int, dict[str, exp.Expr]] = {}
        self._direct: dict[tuple[int, int], tuple[Read, ...]] = {}

    def outputs(self) -> tuple[tuple[Origin, ...], ...]:
        """For every output column what it is computed from."""
        ports = _ports(self._query)
        return tuple(self._origins([(port, False)]) for port in ports)

    def deciding(self) -> tuple[Origin, ...]:
        """What decides which rows there are: filters, join conditions, group keys, and the order before a LIMIT."""
        reads: dict[Read, None] = {}
        for node in self._query.find_all(exp.Select, exp.SetOperation, exp.Join):
            for clause in _deciding_clauses(node):
                reads |= dict.fromkeys(self._reads(clause, False))
            if isinstance(node, exp.Except | exp.Intersect):
                reads |= dict.fromkeys((port, False) for port in _ports(node.expression))
        return self._origins(list(reads))

    def _origins(self, edge: list[Read]) -> tuple[Origin, ...]:
        found: dict[Origin, None] = {}
        seen: set[tuple[object, int, bool]] = set()
        while edge:
            read, hidden = edge.pop()
            head, tail = read
            if isinstance(head, str) and isinstance(tail, str):
                found[Origin(head, tail, hidden)] = None
            elif isinstance(head, exp.Expr) and isinstance(tail, int) and (id(head), tail, hidden) not in seen:
                seen.add((id(head), tail, hidden))
                edge += [(inner, hidden or by_now) for inner, by_now in self._read_by((head, tail))]
        return tuple(sorted(found, key=lambda origin: (origin.relation, origin.column, origin.pseudonymized)))

    def _read_by(self, port: Port) -> tuple[Read, ...]:
        query, index = port
        key = (id(query), index)
        if key not in self._direct:
            reads = (read for node in _definitions(query, index) for read in self._reads(node, False))
            self._direct[key] = tuple(dict.fromkeys(reads))
        return self._direct[key]

    # -- expressions ------------------------------------------------------------------------------------------------

    def _reads(self, expression: exp.Expr, hidden: bool) -> Iterator[Read]:
        """What an expression reads, not looking into other queries."""
        pending = [(expression, hidden)]
        while pending:
            node, hidden = pending.pop()
            if _counts_rows(node):
                continue
            if isinstance(node, _NAMELESS) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
                yield from ((leaf, hidden) for leaf in self._everything(node))
            elif isinstance(node, exp.Column):
                yield from ((leaf, hidden) for leaf in self._column(node))
            elif isinstance(node, exp.Query):
                yield from ((port, hidden) for port in _ports(node))
            else:
                children = [*node.iter_expressions(), *_named_window(node)]
                pending += [(child, hidden or isinstance(node, Pseudonymize)) for child in children]

    def _column(self, column: exp.Column) -> Iterator[Leaf | Port]:
        if not column.table:
            yield from self._unqualified(column)
            return
        source = self._source_of(column)
        yield from self._read_from(source, column.name) if source is not None else self._everything(column)

    def _unqualified(self, column: exp.Column) -> Iterator[Leaf | Port]:
        """Without a table a column is an argument of a lambda, or the name of an output column in ORDER BY."""
        if column.find_ancestor(exp.Lambda, exp.Comprehension):
            return
        query = column.find_ancestor(exp.Query)
        if isinstance(query, exp.Select | exp.SetOperation) and column.name in query.named_selects:
            yield query, query.named_selects.index(column.name)
        else:
            yield from self._everything(column)

    # -- sources ----------------------------------------------------------------------------------------------------

    def _source_of(self, column: exp.Column) -> exp.Expr | None:
        select = column.find_ancestor(exp.Select)
        while select is not None:
            if source := self._sources_of(select).get(column.table):
                return source
            select = select.find_ancestor(exp.Select)
        return None

    def _sources_of(self, select: exp.Select) -> dict[str, exp.Expr]:
        if id(select) not in self._sources:
            from_ = select.args.get("from_")
            nodes = [from_.this] if from_ else []
            nodes += [join.this for join in select.args.get("joins") or ()]
            nodes += select.args.get("laterals") or ()
            self._sources[id(select)] = {
                name: node for source in nodes for node in _joined(source) for name in _names_of(node)
            }
        return self._sources[id(select)]

    def _everything(self, node: exp.Expr) -> Iterator[Leaf | Port]:
        """Every column that could be read where a node stands."""
        select = node.find_ancestor(exp.Select)
        for source in self._sources_of(select).values() if select else ():
            yield from self._all_of(source)

    def _all_of(self, source: exp.Expr) -> Iterator[Leaf | Port]:
        if isinstance(source, exp.Table) and source.db:
            key = self._keys[f"{source.db}.{source.name}"]
            yield from ((key, column) for column in self._columns[key].values())
        elif query := self._query_of(source):
            yield from _ports(query)
        else:  # rows made from values: all that the values are made from
            yield from (leaf for child in source.iter_expressions() for leaf, _ in self._reads(child, False))

    def _read_from(self, source: exp.Expr, name: str) -> Iterator[Leaf | Port]:
        """The column `name` of a source; all of its columns where that cannot be told."""
        if isinstance(source, exp.Table) and source.db and not source.args.get("pivots"):
            key = self._keys[f"{source.db}.{source.name}"]
            yield key, self._columns[key].get(name, name)
            return
        query = None if source.args.get("pivots") else self._query_of(source)
        names = [*source.alias_column_names, *query.named_selects[len(source.alias_column_names) :]] if query else []
        if query and name in names:
            yield query, names.index(name)
        else:
            yield from self._all_of(source)

    def _query_of(self, source: exp.Expr) -> exp.Query | None:
        """The query whose rows a source holds: a subquery or a CTE."""
        if isinstance(source, exp.Lateral):
            source = source.this
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            return _cte_of(source)
        inner = source.this if isinstance(source, exp.Subquery) else source
        return inner if isinstance(inner, exp.Query) else None


def _ports(query: exp.Expr) -> list[Port]:
    """The output columns of a query."""
    return [(query, index) for index in range(len(query.named_selects))] if isinstance(query, exp.Query) else []


def _definitions(query: exp.Expr, index: int) -> Iterator[exp.Expr]:
    """The expressions that make an output column: one for each branch of a UNION."""
    pending = [(query, index)]
    while pending:
        node, place = pending.pop()
        if isinstance(node, exp.Select):
            yield node.selects[place]
        elif isinstance(node, exp.Subquery):
            pending.append((node.this, place))
        elif isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            name = node.named_selects[place]
            branches = [branch for branch in (node.this, node.expression) if name in branch.named_selects]
            pending += [(branch, branch.named_selects.index(name)) for branch in branches]
        elif isinstance(node, exp.SetOperation):
            pending += [(node.this, place), *([] if isinstance(node, exp.Except) else [(node.expression, place)])]


def _counts_rows(node: exp.Expr) -> bool:
    """EXISTS (SELECT ...) and the * of count(*): whether there are rows, or how many."""
    if isinstance(node, exp.Exists):
        return isinstance(node.this, exp.Query)
    return isinstance(node, exp.Star) and isinstance(node.parent, exp.Count)


def _named_window(node: exp.Expr) -> Iterator[exp.Expr]:
    """The window of the WINDOW clause that `OVER name` stands for."""
    if isinstance(node, exp.Window) and node.alias and (select := node.find_ancestor(exp.Select)):
        for window in select.args.get("windows") or ():
            if window is not node and fold(window.name) == fold(node.alias):
                yield window


def _deciding_clauses(node: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a query or a join that keep, drop or gather rows."""
    clauses: list[exp.Expr | None] = [node.args.get(name) for name in _DECIDING]
    if node.args.get("limit") or node.args.get("offset"):
        clauses.append(node.args.get("order"))
    distinct = node.args.get("distinct")
    if isinstance(distinct, exp.Distinct):
        clauses.append(distinct.args.get("on"))
    yield from (clause for clause in clauses if clause is not None)


def _joined(source: exp.Expr) -> Iterator[exp.Expr]:
    """A source, and those joined to it inside of its parentheses."""
    yield source
    for join in source.args.get("joins") or ():
        yield from _joined(join.this)
    if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Table):
        yield from _joined(source.this)


def _names_of(source: exp.Expr) -> Sequence[str]:
    return [source.alias_or_name, *(pivot.alias for pivot in source.args.get("pivots") or () if pivot.alias)]


def _cte_of(table: exp.Table) -> exp.Query | None:
    """The query of the CTE that a table names: the nearest one that can be seen from there."""
    node: exp.Expr | None = table
    while node is not None and node.parent is not None:
        node, inside = node.parent, node
        with_ = node if isinstance(node, exp.With) else node.args.get("with_")
        if with_ is None or with_ is inside:
            continue
        ctes = list(with_.expressions)
        if inside in ctes:
            place = next(index for index, cte in enumerate(ctes) if cte is inside)
            ctes = ctes[: place + 1] if with_.args.get("recursive") else ctes[:place]
        for cte in reversed(ctes):
            if fold(cte.alias) == fold(table.name):
                return cte.this if isinstance(cte.this, exp.Query) else None
    return None
