"""Values come back as they went in: by way of files, of literals, of parameters, of a SELECT."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from measure_cli.errors import EngineError
from measure_cli.sqltext import identifier, literal
from measure_cli.types import Load, ModelConfig, Value
from tests.engines.bench import Workplace

COLUMNS = (
    ("id", "BIGINT"),
    ("words", "VARCHAR"),
    ("huge", "HUGEINT"),
    ("share", "DOUBLE"),
    ("money", "DECIMAL(18,2)"),
    ("wide", "DECIMAL(38,6)"),
    ("yes", "BOOLEAN"),
    ("day", "DATE"),
    ("moment", "TIMESTAMP"),
)
ROWS = (
    (1, "plain", 1, 0.1, Decimal("0.10"), Decimal("1.000000"), True, date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3)),
    (2, "ünï🙂 'x' \"y\" \\ \\n $a {b:String}", 10**37, -1.5e300, Decimal("-9999999999999999.99"),
     Decimal("12345678901234567890123456789012.123456"), False, date(1900, 1, 1), datetime(1900, 1, 1, 0, 0, 0, 1)),
    (3, "tab\there", -(10**37), 5e-324, Decimal("0.00"), Decimal("-0.000001"), True, date(2299, 12, 31),
     datetime(2299, 12, 31, 23, 59, 59, 999999)),
    (4, None, None, None, None, None, None, None, None),
    (9007199254740993, "", 0, 0.30000000000000004, Decimal("0.01"), Decimal("0.000000"), False, date(1969, 12, 31),
     datetime(1969, 12, 31, 23, 59, 59, 999999)),
)  # fmt: skip


def load_of(file: Path, name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> Load:
    """A CSV file as a stack would read it: text, typed as declared; NULL is written as a word of its own."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow([column for column, _ in columns])
        writer.writerows([["NULL" if value is None else value for value in row] for row in rows])
    typed = ", ".join(
        f"CAST(nullif({identifier(column)}, 'NULL') AS {kind}) AS {identifier(column)}" for column, kind in columns
    )
    options = "all_varchar = true, header = true, nullstr = 'no such text', quote = '\"', escape = '\"'"
    return Load(name, tuple(columns), f"SELECT {typed} FROM read_csv({literal(str(file))}, {options})")


def with_types(rows: Sequence[Sequence[object]]) -> list[list[tuple[type, object]]]:
    return [[(type(value), value) for value in row] for row in rows]


def test_files(place: Workplace, tmp_path: Path) -> None:
    load = load_of(tmp_path / "rows.csv", place.name("seen"), COLUMNS, ROWS)
    place.run(*place.ddl.load(load.table, COLUMNS, load.select))
    assert with_types(place.rows("seen")) == with_types(ROWS)


def test_a_file_without_rows(place: Workplace, tmp_path: Path) -> None:
    load = load_of(tmp_path / "none.csv", place.name("seen"), COLUMNS, ())
    place.run(*place.ddl.load(load.table, COLUMNS, load.select))
    found = place.query(f"SELECT * FROM {place.name('seen')}")
    assert found.columns == tuple(name for name, _ in COLUMNS)
    assert found.rows == ()


def test_a_file_that_is_not_as_declared(place: Workplace, tmp_path: Path) -> None:
    load = load_of(tmp_path / "bad.csv", place.name("seen"), (("id", "BIGINT"),), [("seven",)])
    with pytest.raises(EngineError, match="seven"):
        place.run(*place.ddl.load(load.table, load.columns, load.select))
    assert not list(tmp_path.glob("*.parquet*"))


def test_a_select_over_a_table(place: Workplace, tmp_path: Path) -> None:
    """What a model makes of a table has the declared types, whatever types the engine computes with."""
    load = load_of(tmp_path / "rows.csv", place.name("seen"), COLUMNS, ROWS)
    place.run(*place.ddl.load(load.table, COLUMNS, load.select))
    select = f"SELECT * FROM {place.name('seen')}"
    place.run(*place.ddl.table(place.name("copied"), COLUMNS, select, ModelConfig(order_by=("words", "id"))))
    place.run(place.ddl.view(place.name("shown"), COLUMNS, select))
    assert with_types(place.rows("copied")) == with_types(ROWS)
    assert with_types(place.rows("shown")) == with_types(ROWS)
    declared = {name: kind.replace(" ", "") for name, kind in COLUMNS}
    for name in ("copied", "shown"):
        assert {
            column: kind.replace(" ", "") for column, kind in place.engine.columns(place.written(name)).items()
        } == declared


def test_a_count_is_a_whole_number_everywhere(place: Workplace) -> None:
    columns = (("n", "BIGINT"), ("is_some", "BOOLEAN"), ("nothing", "BIGINT"))
    select = (
        "SELECT count(*) AS n, count(*) > 0 AS is_some, nullif(a, 1) AS nothing FROM (SELECT 1 AS a) AS b GROUP BY a"
    )
    place.run(*place.ddl.table(place.name("counted"), columns, select, ModelConfig()))
    assert with_types(place.rows("counted")) == with_types([(1, True, None)])


def test_literals(place: Workplace) -> None:
    """Registries are written as literals."""
    columns = (("word", "VARCHAR"), ("n", "BIGINT"), ("x", "DOUBLE"), ("yes", "BOOLEAN"), ("day", "DATE"))
    rows: list[dict[str, Value]] = [
        {"word": "it's \\ a \\' \"word\" -- $a {a:String} /* */", "n": -7, "x": 1e-9, "yes": True, "day": "2024-02-29"},
        {"word": "two\nlines", "n": 2**62, "x": 2.0, "yes": False, "day": "1969-12-31"},
        {"word": None, "n": None, "x": None, "yes": None, "day": None},
    ]
    place.run(*place.ddl.rows(place.name("registry"), columns, rows))
    expected = [{**row, "day": date.fromisoformat(str(row["day"])) if row["day"] else None} for row in rows]
    found = [dict(zip(dict(columns), row, strict=True)) for row in place.rows("registry")]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_registry_without_rows(place: Workplace) -> None:
    place.run(*place.ddl.rows(place.name("registry"), COLUMNS, []))
    assert place.rows("registry") == []
    assert list(place.engine.columns(place.written("registry"))) == [name for name, _ in COLUMNS]


def test_many_columns(place: Workplace, tmp_path: Path) -> None:
    columns = tuple((f"column_{number}", COLUMNS[number % len(COLUMNS)][1]) for number in range(200))
    rows = [tuple(row[number % len(COLUMNS)] for number in range(200)) for row in ROWS]
    load = load_of(tmp_path / "wide.csv", place.name("wide"), columns, rows)
    place.run(*place.ddl.load(load.table, columns, load.select))
    described = {name: f"The {name}." for name, _ in columns}
    place.run(*place.ddl.comments(place.name("wide"), False, "Two hundred columns.", described))
    assert with_types(place.rows("wide")) == with_types(rows)
