"""`measure diff` of two DuckDB files: every class of difference, and numbers that equal those of an edit."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build.workshop import invoke, process_environment
from tests.commands.files import diff, write, write_rows

COLUMNS = {"id": "BIGINT", "name": "VARCHAR", "amount": "DECIMAL(18,2)", "share": "DOUBLE"}
ROWS = [(1, "a", 1, 0.1), (2, "b", 2, 0.2), (3, None, None, None), (4, "d", 4, float("nan"))]
ENDLESS = "SELECT count(*) AS n FROM range(1000000000) AS a(x), range(1000000000) AS b(y) WHERE hash(x + y) % 2 = 0"


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "a.duckdb", "orders", COLUMNS, ROWS)


@pytest.fixture
def b(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "b.duckdb", "orders", COLUMNS, ROWS[::-1])


def test_equal_rows_in_another_order(a: Path, b: Path) -> None:
    assert diff(a, b, exit_code=0).counts("orders") == (4, 4, 0, 0, 0)


def test_a_file_and_itself(a: Path) -> None:
    assert diff(a, a, exit_code=0).statuses == {"orders": "same"}


def test_rows_on_one_side(a: Path, b: Path) -> None:
    write(b, "DELETE FROM orders WHERE id IN (1, 3)", "INSERT INTO orders VALUES (9, 'z', 9, 9)")
    told = diff(a, b, exit_code=1)
    assert told.counts("orders") == (4, 3, 2, 1, 0)
    samples = told.relations["orders"]["samples"]
    assert [row["id"] for row in samples["only_a"]] == ["1", "3"]
    assert samples["only_b"] == [{"id": "9", "name": "z", "amount": "9.00", "share": "9.0"}]


def test_changed_cells(a: Path, b: Path) -> None:
    write(b, "UPDATE orders SET name = 'B', share = 0.25 WHERE id = 2", "UPDATE orders SET amount = 0 WHERE id = 3")
    told = diff(a, b, exit_code=1)
    assert told.counts("orders") == (4, 4, 0, 0, 3)
    assert told.cells("orders") == {"name": 1, "amount": 1, "share": 1}
    relation = told.relations["orders"]
    assert relation["key"] == ["id"]
    assert relation["changed_rows"] == 2
    assert relation["samples"]["changed"] == [
        {
            "key": {"id": "2"},
            "cells": [{"column": "name", "a": "b", "b": "B"}, {"column": "share", "a": "0.2", "b": "0.25"}],
        },
        {"key": {"id": "3"}, "cells": [{"column": "amount", "a": None, "b": "0.00"}]},
    ]


def test_samples_are_few(tmp_path: Path) -> None:
    a = write(tmp_path / "a.duckdb", "CREATE TABLE t AS SELECT i, i AS n FROM range(1000) AS r(i)")
    b = write(tmp_path / "b.duckdb", "CREATE TABLE t AS SELECT i, i + 1 AS n FROM range(500, 1500) AS r(i)")
    told = diff(a, b, exit_code=1)
    assert told.counts("t") == (1000, 1000, 500, 500, 500)
    samples = told.relations["t"]["samples"]
    assert [row["i"] for row in samples["only_a"]] == ["0", "1", "2", "3", "4"]
    assert [row["i"] for row in samples["only_b"]] == ["1000", "1001", "1002", "1003", "1004"]
    assert [row["key"]["i"] for row in samples["changed"]] == ["500", "501", "502", "503", "504"]


@pytest.mark.parametrize(
    ("left", "right", "arguments", "is_same"),
    [
        ("1.0", "1.0 + 5e-10", [], True),
        ("1.0", "1.0 + 5e-9", [], False),
        ("-1e300", "-1.0000000001e300", [], True),
        ("1e-300", "1.00001e-300", [], False),
        ("1.0", "1.0 + 5e-10", ["--tolerance", "0"], False),
        ("1.0", "1.05", ["--tolerance", "0.1"], True),
        ("1.0", "1.1", ["--tolerance", "0.095"], True),
        ("1.1", "1.0", ["--tolerance", "0.095"], True),
        ("1.0", "-1.0", ["--tolerance", "0.99"], False),
        ("0.0", "1e-300", [], False),
        ("0.0", "-0.0", ["--tolerance", "0"], True),
        ("1.7e308", "-1.7e308", [], False),
        ("'nan'", "'nan'", [], True),
        ("'nan'", "0.0", ["--tolerance", "0.99"], False),
        ("'nan'", "NULL", [], False),
        ("'inf'", "'inf'", [], True),
        ("'inf'", "'-inf'", [], False),
        ("'inf'", "1.7e308", ["--tolerance", "0.99"], False),
        ("NULL", "NULL", [], True),
        ("NULL", "0.0", [], False),
    ],
)
def test_doubles(tmp_path: Path, left: str, right: str, arguments: list[str], is_same: bool) -> None:
    files = [
        write(
            tmp_path / f"{name}.duckdb", f"CREATE TABLE t AS SELECT i, CAST({x} AS DOUBLE) AS x FROM range(2) AS r(i)"
        )
        for name, x in (("a", left), ("b", right))
    ]
    assert diff(files[0], files[1], *arguments).counts("t") == (2, 2, 0, 0, 0 if is_same else 2)


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("VARCHAR", "'a'", "'A'"),
        ("VARCHAR", "'a'", "'a '"),
        ("VARCHAR", "''", "NULL"),
        ("VARCHAR", "'\u00e9'", "'e\u0301'"),
        ("VARCHAR", "'x'", "'x' || chr(0)"),
        ("DECIMAL(18,6)", "1.000001", "1.000002"),
        ("HUGEINT", "170141183460469231731687303715884105727", "170141183460469231731687303715884105726"),
        ("TIMESTAMP", "'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.000001'"),
        ("BOOLEAN", "FALSE", "NULL"),
        ("INTEGER[]", "[1, NULL]", "[1]"),
    ],
)
def test_everything_else_is_exact(tmp_path: Path, kind: str, left: str, right: str) -> None:
    files = [
        write(
            tmp_path / f"{name}.duckdb", f"CREATE TABLE t AS SELECT i, CAST({x} AS {kind}) AS x FROM range(3) AS r(i)"
        )
        for name, x in (("a", left), ("b", right))
    ]
    assert diff(files[0], files[1]).counts("t") == (3, 3, 0, 0, 3)
    assert diff(files[0], files[0]).statuses == {"t": "same"}


def test_columns_on_one_side(a: Path, b: Path) -> None:
    write(b, "ALTER TABLE orders DROP COLUMN name", "ALTER TABLE orders ADD COLUMN color VARCHAR")
    told = diff(a, b, exit_code=1)
    assert told.counts("orders") == (4, 4, 0, 0, 0)
    columns = {column["name"]: (column["type_a"], column["type_b"]) for column in told.relations["orders"]["columns"]}
    assert columns == {"name": ("VARCHAR", None), "color": (None, "VARCHAR")}


def test_a_type_that_is_another(a: Path, b: Path) -> None:
    """Cells of unlike types are not compared, those of whole numbers of another width are."""
    write(b, "ALTER TABLE orders ALTER amount TYPE VARCHAR", "ALTER TABLE orders ALTER id TYPE INTEGER")
    told = diff(a, b, exit_code=1)
    assert told.counts("orders") == (4, 4, 0, 0, 0)
    columns = {column["name"]: (column["type_a"], column["type_b"]) for column in told.relations["orders"]["columns"]}
    assert columns == {"amount": ("DECIMAL(18,2)", "VARCHAR"), "id": ("BIGINT", "INTEGER")}


def test_letter_case_of_names_is_no_difference(a: Path, b: Path) -> None:
    write(b, 'ALTER TABLE orders RENAME COLUMN name TO "NAME"')
    assert diff(a, b, exit_code=0).statuses == {"orders": "same"}


def test_no_column_in_common(tmp_path: Path) -> None:
    a = write(tmp_path / "a.duckdb", "CREATE TABLE t AS SELECT 1 AS x FROM range(3)")
    b = write(tmp_path / "b.duckdb", "CREATE TABLE t AS SELECT 1 AS y FROM range(2)")
    assert diff(a, b, exit_code=1).counts("t") == (3, 2, 3, 2, 0)


def test_names_that_need_quotes(tmp_path: Path) -> None:
    columns = {'"present"': "BIGINT", '"c0"': "VARCHAR", '"say ""hi"""': "DOUBLE", '"select"': "DATE"}
    rows = [(1, "x", 1.0, "2024-01-01"), (2, "y", 2.0, None)]
    a = write_rows(tmp_path / "a.duckdb", '"odd name"', columns, rows)
    b = write_rows(tmp_path / "b.duckdb", '"odd name"', columns, [rows[0], (2, "y", 2.5, "2024-01-02")])
    assert diff(a, b).cells("odd name") == {'say "hi"': 1, "select": 1}


def test_relations_on_one_side(a: Path, b: Path) -> None:
    write(a, "CREATE SCHEMA marts", "CREATE TABLE marts.old AS SELECT 1 AS x FROM range(7)")
    write(b, "CREATE SCHEMA marts", "CREATE VIEW marts.new AS SELECT 1 AS x FROM range(8)")
    told = diff(a, b, exit_code=1)
    assert told.statuses == {"orders": "same", "old": "only_a", "new": "only_b"}
    assert told.counts("old")[:2] == (7, None)
    assert told.counts("new")[:2] == (None, 8)
    assert diff(a, b, "layer:main", exit_code=0).statuses == {"orders": "same"}
    assert diff(a, b, "o*", "--exclude", "old", exit_code=0).statuses == {"orders": "same"}


def test_a_view_and_a_table_with_the_same_rows(a: Path, b: Path) -> None:
    write(a, "CREATE TABLE shown AS SELECT id, share FROM orders")
    write(b, "CREATE VIEW shown AS SELECT id, share FROM orders")
    assert diff(a, b, exit_code=0).statuses == {"orders": "same", "shown": "same"}


def test_a_name_in_two_schemas(a: Path, b: Path) -> None:
    for file in (a, b):
        write(file, "CREATE SCHEMA sold", "CREATE TABLE sold.orders AS SELECT 1 AS x")
    assert diff(a, b, exit_code=0).statuses == {"main.orders": "same", "sold.orders": "same"}


def test_a_view_that_cannot_be_read(a: Path, b: Path) -> None:
    """It is told, and the others are compared."""
    for file in (a, b):
        write(file, "CREATE TABLE gone AS SELECT 1 AS x", "CREATE VIEW broken AS FROM gone", "DROP TABLE gone")
    told = diff(a, b, exit_code=1)
    assert told.statuses == {"orders": "same", "broken": "unreadable"}
    assert "gone" in told.relations["broken"]["reason"]


def test_rows_without_a_key(tmp_path: Path) -> None:
    """Equal rows cancel out; of the others, those that are alike but for their doubles are one changed row."""
    columns = {"kind": "VARCHAR", "share": "DOUBLE"}
    a = write_rows(tmp_path / "a.duckdb", "t", columns, [("x", 1.0), ("x", 1.0), ("x", 2.0), ("y", 5.0), ("z", None)])
    b = write_rows(tmp_path / "b.duckdb", "t", columns, [("x", 1.0), ("x", 1.0), ("x", 3.0), ("z", None), ("z", None)])
    told = diff(a, b, exit_code=1)
    assert told.relations["t"]["key"] is None
    assert told.counts("t") == (5, 5, 1, 1, 1)


def test_noise_in_rows_without_a_key(tmp_path: Path) -> None:
    """Noise in the first double may not decide which rows are held beside each other."""
    columns = {"kind": "VARCHAR", "first": "DOUBLE", "second": "DOUBLE"}
    a = write_rows(tmp_path / "a.duckdb", "t", columns, [("x", 1.0, 7.0), ("x", 1.0 + 1e-12, 3.0)])
    b = write_rows(tmp_path / "b.duckdb", "t", columns, [("x", 1.0 + 1e-12, 7.0), ("x", 1.0, 3.0)])
    assert diff(a, b, exit_code=0).statuses == {"t": "same"}


def test_one_row_needs_no_key(tmp_path: Path) -> None:
    a = write(tmp_path / "a.duckdb", "CREATE TABLE t AS SELECT 1 AS n, 2.5 AS amount")
    b = write(tmp_path / "b.duckdb", "CREATE TABLE t AS SELECT 1 AS n, 3.5 AS amount")
    assert diff(a, b).counts("t") == (1, 1, 0, 0, 1)


def test_the_fewest_columns_are_the_key(tmp_path: Path) -> None:
    """A column between those that make a row unique is no part of the key, so that a change of it is a changed cell."""
    select = "SELECT i // 2 AS journey, '2024-01-01' AS day, 5 AS amount, i % 2 AS kind, i AS n FROM range(8) AS r(i)"
    a = write(tmp_path / "a.duckdb", f"CREATE TABLE t AS {select}")
    b = write(tmp_path / "b.duckdb", f"CREATE TABLE t AS {select}", "UPDATE t SET amount = 6 WHERE n = 3")
    told = diff(a, b)
    assert told.relations["t"]["key"] == ["journey", "kind"]
    assert told.counts("t") == (8, 8, 0, 0, 1)


def test_empty_relations(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"{name}.duckdb", "t", COLUMNS, []) for name in "ab"]
    assert diff(files[0], files[1], exit_code=0).counts("t") == (0, 0, 0, 0, 0)


def test_values_of_internal_relations_are_counted_and_not_shown(a: Path, b: Path) -> None:
    for file, address in ((a, "0xfeedface"), (b, "0xdeadbeef")):
        bridge = f"CREATE TABLE internal.bridge AS SELECT i AS id, '{address}' AS address FROM range(3) AS r(i)"
        broken = f"CREATE VIEW internal.broken AS SELECT CAST('{address}' AS INTEGER) AS x"
        write(file.with_suffix(".internal.duckdb"), "CREATE SCHEMA internal", bridge, broken)
    told = diff(a, b, exit_code=1)
    assert told.counts("bridge") == (3, 3, 0, 0, 3)
    assert told.relations["bridge"]["internal"] is True
    assert told.statuses["broken"] == "unreadable"
    text = invoke("diff", str(a), str(b))
    assert text.exit_code == 1
    for said in (told.ended, text):
        assert not [found for found in ("feedface", "deadbeef") if found in said.stdout + said.stderr]


def test_the_second_file_is_not_compared_by_itself(a: Path) -> None:
    second = write(a.with_suffix(".internal.duckdb"), "CREATE TABLE bridge AS SELECT '0xfeedface' AS address")
    ended = invoke("diff", str(a), str(second))
    assert ended.exit_code == 2
    assert "internal" in ended.stderr


def test_nothing_is_changed(a: Path, b: Path) -> None:
    before = {file.name: file.read_bytes() for file in a.parent.iterdir()}
    diff(a, b)
    assert {file.name: file.read_bytes() for file in a.parent.iterdir()} == before


def test_text_for_people(a: Path, b: Path) -> None:
    write(b, "UPDATE orders SET name = 'B' WHERE id = 2", "DELETE FROM orders WHERE id = 1")
    ended = invoke("diff", str(a), str(b), env={"COLUMNS": "60"})
    assert ended.exit_code == 1
    for told in ("orders", "different", "rows matched by id", "id=2: name: b -> B", "only in A: id=1"):
        assert told in ended.stdout
    assert "1 different" in ended.stderr
    quiet = invoke("diff", str(a), str(b), "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (1, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_it(a: Path, b: Path, tmp_path: Path, number: signal.Signals) -> None:
    for file in (a, b):
        write(file, f"CREATE VIEW endless AS {ENDLESS}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "measure_cli", "diff", str(a), str(b), "endless"],
        env=process_environment({"TMPDIR": str(scratch)}), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not list(scratch.glob("measure-*/*/a.duckdb")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    stderr = process.communicate(timeout=100)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in stderr
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("tolerance", ["-1", "1", "nan", "inf", "some"])
def test_a_tolerance_that_is_none(a: Path, b: Path, tolerance: str) -> None:
    assert invoke("diff", str(a), str(b), "--tolerance", tolerance).exit_code == 2


def test_a_file_that_is_not_there(a: Path) -> None:
    ended = invoke("diff", str(a), "folder/none.duckdb")
    assert ended.exit_code == 2
    assert "B: there is no file folder/none.duckdb" in ended.stderr


def test_a_file_that_is_no_database(a: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    other.write_text("this is not a database\n" * 1000, encoding="utf-8")
    ended = invoke("diff", str(a), str(other))
    assert ended.exit_code == 2
    assert "other.duckdb" in ended.stderr


def test_a_file_without_relations(a: Path, tmp_path: Path) -> None:
    ended = invoke("diff", str(a), str(write(tmp_path / "empty.duckdb")))
    assert ended.exit_code == 2
    assert "nothing is built" in ended.stderr


def test_nothing_selected(a: Path, b: Path) -> None:
    ended = invoke("diff", str(a), str(b), "oders")
    assert ended.exit_code == 4
    assert 'Did you mean "orders"?' in ended.stderr
