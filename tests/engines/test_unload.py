"""Rows of a target as a DuckDB file: the values that went in, with the types they were declared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from measure_cli.engines import rows_file
from measure_cli.errors import EngineError
from measure_cli.ports import ROWS_TABLE
from measure_cli.types import ModelConfig, Statement
from tests.engines.bench import Workplace
from tests.engines.test_types import COLUMNS, ROWS, load_of, with_types


def filled(place: Workplace, folder: Path, rows: Sequence[Sequence[object]]) -> Statement:
    """A table of these rows, and the statement that reads it."""
    load = load_of(folder / "rows.csv", place.name("seen"), COLUMNS, rows)
    place.run(*place.ddl.load(load.table, COLUMNS, load.select))
    return Statement(f"SELECT * FROM {place.name('seen')}")


def content(file: Path, order: str = "1") -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {ROWS_TABLE} ORDER BY {order}").fetchall()


def types(file: Path) -> dict[str, str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {ROWS_TABLE}").fetchall()}


def test_values_and_types(place: Workplace, tmp_path: Path) -> None:
    select, file = filled(place, tmp_path, ROWS), tmp_path / "out.duckdb"
    place.session.unload(select, tuple(place.engine.columns(place.written("seen")).items()), file)
    assert with_types(content(file)) == with_types(ROWS)
    assert types(file) == dict(COLUMNS)
    assert [found.name for found in tmp_path.glob("out*")] == ["out.duckdb"]


def test_no_rows(place: Workplace, tmp_path: Path) -> None:
    select, file = filled(place, tmp_path, ()), tmp_path / "out.duckdb"
    place.session.unload(select, COLUMNS, file)
    assert content(file) == []
    assert types(file) == dict(COLUMNS)


def test_doubles_to_the_last_bit(place: Workplace, tmp_path: Path) -> None:
    sevenths = ", ".join(f"({number}, {number / 7!r})" for number in range(1, 500))
    columns = (("n", "BIGINT"), ("x", "DOUBLE"))
    place.run(*place.ddl.create_table(place.name("parts"), columns, ModelConfig()))
    place.run(Statement(f"INSERT INTO {place.name('parts')} (n, x) VALUES {sevenths}"))
    place.session.unload(Statement(f"SELECT * FROM {place.name('parts')}"), columns, tmp_path / "out.duckdb")
    assert content(tmp_path / "out.duckdb") == [(number, number / 7) for number in range(1, 500)]


def test_more_rows_than_a_batch(place: Workplace, tmp_path: Path) -> None:
    columns = (("n", "BIGINT"), ("word", "VARCHAR"))
    most = 3 * rows_file.BATCH_ROWS + 1
    load = load_of(tmp_path / "many.csv", place.name("many"), columns, [(n, f"word {n}") for n in range(most)])
    place.run(*place.ddl.load(load.table, columns, load.select))
    place.session.unload(Statement(f"SELECT * FROM {place.name('many')}"), columns, tmp_path / "out.duckdb")
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as connection:
        found = connection.execute(
            f"SELECT count(*), count(DISTINCT n), min(word), max(n) FROM {ROWS_TABLE}"
        ).fetchone()
    assert found == (most, most, "word 0", most - 1)


def test_a_statement_that_fails(place: Workplace, tmp_path: Path) -> None:
    """The session can be used afterwards, for another file too."""
    with pytest.raises(EngineError):
        place.session.unload(Statement(f"SELECT * FROM {place.name('nothing')}"), COLUMNS, tmp_path / "bad.duckdb")
    select = filled(place, tmp_path, ROWS[:1])
    place.session.unload(select, COLUMNS, tmp_path / "out.duckdb")
    assert len(content(tmp_path / "out.duckdb")) == 1
