"""Tables as people read them: widths, folds, numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from measure_cli.cells import column_texts
from measure_cli.results import Table
from measure_cli.tables import body_lines, cells, columns_of, header_lines, widths_within
from tests.build.workshop import Workshop, invoke
from tests.commands.conftest import Starter


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1234.5, 0.25, 0.0], ["1,234.50", "0.25", "0.00"]),
        ([Decimal("10.000000"), Decimal("0.050000")], ["10.00", "0.05"]),
        ([12.5, 0.0004], ["12.5000", "0.0004"]),
        ([0.5, 0.0312345], ["0.5000", "0.0312"]),
        ([0.00123456], ["0.0012"]),
        ([3.0, 4e-9], ["3.00", "4e-09"]),
        ([1e300, 2.0], ["1e+300", "2.00"]),
        ([Decimal(10) ** 20, Decimal("0.5")], ["1e+20", "0.50"]),
        ([-0.0004, -5.0], ["-0.0004", "-5.0000"]),
        ([float("nan"), float("inf"), 1.0], ["nan", "inf", "1.00"]),
        ([2023, 2024], ["2023", "2024"]),
        ([7, 1_234_567, None], ["7", "1,234,567", "NULL"]),
        ([True, None], ["true", "NULL"]),
    ],
)
def test_numbers_of_a_column_are_written_alike_and_none_is_a_false_zero(values: list[Any], texts: list[str]) -> None:
    assert column_texts(values) == texts


def drawn(table: Table, room: int) -> list[str]:
    columns = columns_of(table)
    widths = widths_within(columns, room)
    return [*header_lines(columns, widths), *body_lines(columns, widths)]


TEXTS = Table(
    ("name", "a long heading", "n"),
    (("first", "what every row of the table needs to be found", 1), ("zweites-größtes-列", "", 1_000_000)),
)


@pytest.mark.parametrize("room", [20, 30, 40, 60, 200])
def test_a_table_is_folded_to_its_room_and_loses_nothing(room: int) -> None:
    lines = drawn(TEXTS, room)
    assert all(cells(line) <= room for line in lines)
    letters = sorted("".join(lines).replace(" ", ""))
    texts = [*TEXTS.columns, *(text for column in columns_of(TEXTS) for text in column.texts)]
    assert letters == sorted("".join(texts).replace(" ", ""))


def test_words_are_kept_whole_where_there_is_room() -> None:
    table = Table(("text",), (("what every row needs",),))
    assert drawn(table, 12) == ["text", "what every", "row needs"]


def test_a_pipe_is_never_too_narrow(starter: Starter) -> None:
    ended = starter.project.measure("query", "SELECT repeat('x', 20000) AS a, 1 AS b")
    assert ended.stdout.splitlines()[-1] == "x" * 20_000 + "  1"


def test_text_is_no_markup(starter: Starter) -> None:
    ended = starter.project.measure("query", "SELECT ':fire: [bold]x[/]' AS \":fire: [red]\"")
    lines = ended.stdout.splitlines()
    assert (lines[0], lines[-1]) == (":fire: [red]", ":fire: [bold]x[/]")


@pytest.mark.parametrize("columns", ["30", "40", "60"])
def test_the_table_that_ends_a_build_is_whole_on_a_narrow_terminal(starter: Starter, columns: str) -> None:
    ended = invoke("build", "--full", "--project-dir", str(starter.project.folder), env={"COLUMNS": columns})
    summary = "".join(ended.stderr.partition("Channels,")[2].split())
    for row in range(1, 11):
        assert f"row{row}" in summary
    for revenue in ("12,854.55", "13,186.34", "2,208.44"):
        assert revenue in summary or columns == "30", "digits may stand on two lines"


def test_moments_and_seconds_of_a_status_are_short(built: Workshop) -> None:
    lines = built.measure("status").stdout.splitlines()
    row = next(line.split() for line in lines if line.startswith("fct_region "))
    assert [len(part) for part in row[2:]] == [len("2024-01-01"), len("12:00:00"), len("0.01")]


def test_one_of_something_is_not_several(built: Workshop) -> None:
    assert "the first 1 row;" in built.measure("query", "FROM range(2)", "--limit", "1").stderr
    told = built.measure("build", "fct_large", "--full").stderr
    assert "1 row " in told
    assert "1 rows" not in told
    assert "nothing to do: 1 relation up to date" in built.measure("build", "fct_large").stderr
