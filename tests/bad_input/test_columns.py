"""Columns that are missing, misnamed or of a type that cannot be taken over; filters and tables that do not fit."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.bad_input.project import (
    CONFIG,
    DATABASE,
    Case,
    assert_message,
    assert_refused,
    change,
    contents,
    params,
    place_of,
    run,
    source_of,
    sql,
    write,
)

TOUCH = (
    ("user_id", "'u'"),
    ("event_ts", "TIMESTAMP '2025-02-01'"),
    ("event_kind", "'Social'"),
    ("amount", "1.5::DECIMAL(9,2)"),
)


def parquet(**other: str) -> tuple:  # type: ignore[type-arg]
    """Touchpoints as Parquet, some of the columns from other expressions."""
    columns = ", ".join(f"{other.get(name, expression)} AS {name}" for name, expression in TOUCH)
    return (
        sql("data/touchpoints.parquet", f"COPY (SELECT {columns}) TO {{file}} (FORMAT parquet)"),
        source_of("touchpoints", "data/touchpoints.parquet"),
    )


MISSING = (
    Case(
        "one file among several that lacks a needed column",
        (write("data/spend_2.csv", "date,kanal,spend\n2025-05-03,Video,1\n"), source_of("spend", "data/spend*.csv")),
        ('source spend: spend_2.csv has no column "channel"', "other files of data/spend*.csv have it"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "header that names a column twice",
        (write("data/spend.csv", "date,channel,spend,spend\n2025-05-03,Video,1,2\n"),),
        ('source spend: spend.csv has the column "spend" twice in its header',),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "missing column with a near name",
        (change("data/touchpoints.csv", "user_id,", "userid,"),),
        (
            'data/touchpoints.csv has no column "user_id", which source touchpoints needs as user_id',
            "found: userid, event_ts, event_kind, amount",
            'Did you mean "userid"?',
            '[sources.touchpoints] columns = { user_id = "..." }',
        ),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "missing column without a near name",
        (change("data/conversions.csv", "conversion_kind", "x"),),
        (
            'data/conversions.csv has no column "conversion_kind", which source conversions needs as conversion_kind',
            "found: user_id, conversion_ts, x\nMap it in measure.toml: "
            '[sources.conversions] columns = { conversion_kind = "..." }',
        ),
        (CONFIG, "[sources.conversions]"),
    ),
    Case(
        "mapped to a column that is not there",
        (source_of("spend", "data/spend.csv", 'columns = { date = "dat" }'),),
        (
            'data/spend.csv has no column "dat", which source spend needs as date; found: date, channel, spend, clicks',
            'Did you mean "date"?',
        ),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "optional column mapped to one that is not there",
        (source_of("spend", "data/spend.csv", 'columns = { clicks = "klicks" }'),),
        ('data/spend.csv has no column "klicks", which source spend needs as clicks', 'Did you mean "clicks"?'),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "mapped column that the source does not declare",
        (source_of("spend", "data/spend.csv", 'columns = { click = "clicks" }'),),
        ('source spend has no column "click"', 'Did you mean "clicks"?'),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "neither of two columns of which one is needed",
        (
            write("data/kpis.csv", "weeks,kpi_name,value\n2025-02-03,orders,3\n"),
            change(CONFIG, "[vars]", '[sources.kpis]\npath = "data/kpis.csv"\n\n[vars]'),
        ),
        (
            'data/kpis.csv has no column "date" or "week", which source kpis needs as date or week; '
            "found: weeks, kpi_name, value",
            'Did you mean "weeks"?',
            "[sources.kpis] columns = { week =",
        ),
        (CONFIG, "[sources.kpis]"),
    ),
)

TYPES = (
    Case(
        "whole number for a moment",
        parquet(event_ts="1738368000000"),
        (
            'data/touchpoints.parquet: column "event_ts" is BIGINT, but touchpoints.event_ts is TIMESTAMP',
            "Write it as that type, or as text.",
        ),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "fraction for a name",
        parquet(user_id="1.5::DOUBLE"),
        ('column "user_id" is DOUBLE, but touchpoints.user_id is VARCHAR',),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "flag for an amount",
        parquet(amount="true"),
        ('column "amount" is BOOLEAN, but touchpoints.amount is DECIMAL(18,6)',),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "list for a name",
        parquet(user_id="['u']"),
        ('column "user_id" is VARCHAR[], but touchpoints.user_id is VARCHAR',),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "day for an amount",
        parquet(amount="DATE '2025-02-01'"),
        ('column "amount" is DATE, but touchpoints.amount is DECIMAL(18,6)',),
        (CONFIG, "[sources.touchpoints]"),
    ),
    Case(
        "bytes for a name",
        parquet(user_id="'u'::BLOB"),
        ('column "user_id" is BLOB, but touchpoints.user_id is VARCHAR',),
        (CONFIG, "[sources.touchpoints]"),
    ),
)

FILTERS = (
    Case(
        "filter that does not parse",
        (source_of("spend", "data/spend.csv", 'where = "clicks >"'),),
        ("source spend: where = 'clicks >' fails on spend.csv: Parser Error", "syntax error"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "filter on a column that is not there",
        (source_of("spend", "data/spend.csv", "where = \"chanel = 'Social'\""),),
        (
            "where = \"chanel = 'Social'\" fails on spend.csv: Binder Error",
            '"chanel" not found',
            'Did you mean "channel"?',
        ),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "filter that fails on a value",
        (source_of("spend", "data/spend.csv", 'where = "CAST(channel AS INTEGER) > 1"'),),
        ("where = 'CAST(channel AS INTEGER) > 1' fails on spend.csv: Conversion Error", "Paid Search"),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "filter that is no condition",
        (source_of("spend", "data/spend.csv", 'where = "channel"'),),
        ("where = 'channel' fails on spend.csv: ",),
        (CONFIG, "[sources.spend]"),
    ),
    Case(
        "filter that breaks out of its parentheses",
        (source_of("spend", "data/spend.csv", 'where = "true) OR (true; DROP TABLE x"'),),
        ("where = 'true) OR (true; DROP TABLE x' fails on spend.csv: Parser Error",),
        (CONFIG, "[sources.spend]"),
    ),
)


@pytest.mark.parametrize("case", params(*MISSING, *TYPES, *FILTERS))
def test_refused(case: Case, project: Path) -> None:
    assert_refused(project, case)


def use_table(folder: Path, table: str, more: str = "") -> None:
    """Let touchpoints come from a table of the target, which is there as raw.touchpoints."""
    change(CONFIG, 'path = "data/touchpoints.csv"', f'table = "{table}"\n{more}'.rstrip())(folder)
    with duckdb.connect(str(folder / DATABASE)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA raw")
        connection.execute(f"CREATE TABLE raw.touchpoints AS FROM '{folder / 'data/touchpoints.csv'}'")


@pytest.mark.parametrize(
    ("table", "more", "says"),
    [
        (
            "raw.touchpoint",
            "",
            ("source touchpoints: the target has no table raw.touchpoint\n", 'Did you mean "raw.touchpoints"?'),
        ),
        (
            "row.touchpoints",
            "",
            ("source touchpoints: the target has no table row.touchpoints\n", 'Did you mean "raw.touchpoints"?'),
        ),
        (
            "raw.touchpoints",
            'where = "amont > 1"',
            ("where = 'amont > 1' fails on raw.touchpoints: Binder Error", '"amont"'),
        ),
        (
            "raw.touchpoints",
            'columns = { user_id = "user" }',
            ('raw.touchpoints has no column "user", which source touchpoints needs', 'Did you mean "user_id"?'),
        ),
    ],
    ids=["near name", "near schema", "filter", "column"],
)
def test_table_that_does_not_fit(table: str, more: str, says: tuple[str, ...], project: Path) -> None:
    use_table(project, table, more)
    before = contents(project)
    place = place_of(project, CONFIG, "[sources.touchpoints]")
    assert_message(run(project, "build"), 2, (f"{place}: ", *says))
    assert contents(project) == before


def test_table_that_fits_is_read(project: Path) -> None:
    use_table(project, "raw.touchpoints")
    assert run(project, "build").exit_code == 0
    with duckdb.connect(str(project / DATABASE), read_only=True) as connection:
        assert connection.execute("SELECT count(*), min(amount) FROM staging.stg_touchpoints").fetchone() == (
            3,
            Decimal("1.5"),
        )


def test_table_of_a_target_that_is_not_there(project: Path) -> None:
    use_table(project, "raw.touchpoints")
    shutil.rmtree(project / "warehouse")
    before = contents(project)
    says = ("measure.toml:11: source touchpoints: the target warehouse/shop.duckdb does not exist yet",)
    assert_message(run(project, "build"), 2, says)
    assert contents(project) == before


def test_table_of_a_target_that_is_no_database(project: Path) -> None:
    use_table(project, "raw.touchpoints")
    write(DATABASE, "not a database, but long enough to look like a file of some kind\n" * 99)(project)
    before = contents(project)
    says = ("measure.toml:11: source touchpoints: table raw.touchpoints: ", "not a valid DuckDB database file")
    assert_message(run(project, "build"), 2, says)
    assert contents(project) == before
