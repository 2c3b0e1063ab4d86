"""Random expressions of the portable style, by type, over numbers AS n LEFT JOIN moments AS m."""

from __future__ import annotations

from hypothesis import strategies as st

Text = st.SearchStrategy[str]
TABLES = "measure_ref.numbers AS n LEFT JOIN measure_ref.moments AS m ON n.i = m.i"
UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")


def _joined(symbols: str, left: Text, right: Text) -> Text:
    return st.tuples(left, st.sampled_from(symbols.split()), right).map(lambda parts: f"({' '.join(parts)})")


def _called(forms: tuple[str, ...], *arguments: Text) -> Text:
    return st.tuples(st.sampled_from(forms), *arguments).map(lambda parts: parts[0].format(*parts[1:]))


def integers(depth: int) -> Text:
    leaves = st.sampled_from(
        ["n.n", "n.i % 1000", "m.i", "0", "1", "-7", "extract(isodow FROM m.d)", "CAST(NULL AS BIGINT)"]
    )
    if depth == 0:
        return leaves
    inner, choice = integers(depth - 1), ("coalesce({}, {})", "greatest({}, {})", "least({}, {})", "nullif({}, {})")
    return st.one_of(
        leaves,
        _joined("+ - *", inner, inner),
        _called(choice, inner, inner),
        _called(("({0} // 7)", "({0} % 5)", "abs({0})", "-({0})", "sign({0})"), inner),
        _called(("CASE WHEN {} THEN {} ELSE {} END",), conditions(depth - 1), inner, inner),
        _called(("date_diff('day', {}, {})", "date_diff('month', {}, {})"), dates(depth - 1), dates(depth - 1)),
        _called(("extract(year FROM {})", "extract(week FROM {})", "dayofyear({})"), dates(depth - 1)),
        _called(("CAST(floor({}) AS BIGINT)",), decimals(depth - 1)),
    )


def decimals(depth: int) -> Text:
    leaves = st.sampled_from(["n.amount", "n.price", "0.5", "1.005", "-2.50", "CAST(NULL AS DECIMAL(9,2))"])
    if depth == 0:
        return leaves
    inner = decimals(depth - 1)
    return st.one_of(
        leaves,
        _joined("+ - *", inner, inner),
        _joined("+ - *", inner, st.sampled_from(["2", "n.n"])),
        _called(("coalesce({}, {})", "greatest({}, {})", "nullif({}, {})"), inner, inner),
        _called(("CAST({} AS DECIMAL(18,2))", "CAST({} AS DECIMAL(38,3))", "abs({})", "-({})"), inner),
        _called(("CASE WHEN {} THEN {} END",), conditions(depth - 1), inner),
    )


def doubles(depth: int) -> Text:
    leaves = st.sampled_from(["n.x", "n.y", "1e3", "CAST(NULL AS DOUBLE)"])
    if depth == 0:
        return leaves
    inner = doubles(depth - 1)
    mixed = st.one_of(inner, integers(depth - 1), decimals(depth - 1))
    return st.one_of(
        leaves,
        _joined("+ - *", inner, mixed),
        _called(("({} / nullif({}, 0))", "coalesce({}, {})", "least({}, {})"), inner, mixed),
        _called(("floor({})", "ceil({})", "abs({})", "sqrt(abs({}))", "CAST({} AS DOUBLE)"), inner),
        _called(("CASE WHEN {} THEN {} ELSE {} END",), conditions(depth - 1), inner, mixed),
    )


def dates(depth: int) -> Text:
    leaves = st.sampled_from(["m.d", "m.e", "CAST(m.ts AS DATE)", "DATE '2024-02-29'", "DATE '1899-12-31'"])
    if depth == 0:
        return leaves
    inner = dates(depth - 1)
    steps = st.tuples(st.integers(-400, 400), st.sampled_from(UNITS)).map(
        lambda step: f"INTERVAL ({step[0]}) {step[1]}"
    )
    return st.one_of(
        leaves,
        _called(tuple(f"CAST(date_trunc('{unit.lower()}', {{}}) AS DATE)" for unit in UNITS), inner),
        _called(("CAST({} + {} AS DATE)", "CAST({} - {} AS DATE)"), inner, steps),
        _called(("last_day({})",), inner),
        _called(("coalesce({}, {})", "greatest({}, {})", "nullif({}, {})"), inner, inner),
        _called(("CASE WHEN {} THEN {} END",), conditions(depth - 1), inner),
    )


def conditions(depth: int) -> Text:
    leaves = st.sampled_from(
        ["n.flag", "TRUE", "n.kind = 'a'", "n.x IS NULL", "n.kind IN ('a', '')", "m.d IS NOT NULL"]
    )
    if depth == 0:
        return leaves
    inner, comparisons = conditions(depth - 1), "= <> < <= > >="
    numbers = st.one_of(integers(depth - 1), decimals(depth - 1))
    return st.one_of(
        leaves,
        _joined(comparisons, numbers, numbers),
        _joined(comparisons, dates(depth - 1), dates(depth - 1)),
        _joined("AND OR", inner, inner),
        _called(("(NOT {})", "coalesce({}, FALSE)", "({} IS NULL)"), inner),
        _called(("({} BETWEEN {} AND {})",), integers(depth - 1), integers(depth - 1), decimals(depth - 1)),
        _called(("({} IS NOT DISTINCT FROM {})", "({} IN ({}, 1))"), integers(depth - 1), integers(depth - 1)),
    )


def queries() -> Text:
    """A SELECT of one value of each type by row, or of their aggregates by kind."""
    values = st.tuples(integers(2), decimals(2), doubles(2), dates(2), conditions(2))
    return st.one_of(values.map(_by_row), values.map(_by_kind))


def _by_row(values: tuple[str, ...]) -> str:
    listed = ", ".join(f"{value} AS v{number}" for number, value in enumerate(values))
    return f"SELECT n.i AS i, {listed} FROM {TABLES}"


def _by_kind(values: tuple[str, ...]) -> str:
    integer, decimal, double, day, condition = values
    return (
        f"SELECT n.kind AS kind, sum({integer}) AS a, count({integer}) AS b, sum({decimal}) AS c, max({double}) AS d, "
        f"min({day}) AS e, count(DISTINCT {day}) AS f, bool_or({condition}) AS g, "
        f"count(*) FILTER (WHERE {condition}) AS h, avg({decimal}) AS k FROM {TABLES} GROUP BY n.kind"
    )
