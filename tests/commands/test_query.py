"""`measure query`: rows on stdout, notes on stderr, one message for a mistake."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from tests.build.workshop import CONFIG, Ended, Workshop, invoke, open_compiled, process_environment
from tests.commands.conftest import Starter

ENDLESS = "SELECT count(*) FROM range(1000000000) AS a(x), range(1000000000) AS b(y) WHERE hash(x + y) % 2 = 0"
MALFORMED = {
    "syntax": ("SELECT region FORM marts.fct_region x y", 'syntax error at or near "marts"'),
    "place of a syntax error": ("SELECT 1,\n  FROM FROM", "LINE 2"),
    "open quote": ("SELECT 'a", "unterminated"),
    "unknown table": ("SELECT * FROM marts.fct_regoin", 'Did you mean "fct_region"?'),
    "table without its schema": ("SELECT * FROM fct_region", 'Did you mean "marts.fct_region"?'),
    "unknown column": ("SELECT grosss FROM marts.fct_region", '"gross"'),
    "unknown function": ("SELECT lenght('a')", 'Did you mean "length"?'),
    "several statements": ("SELECT 1; SELECT 2", "found 2 statements"),
    "only a comment": ("/* nothing */", "found no SQL"),
    "parameter": ("SELECT $b, $a", "nothing gives a value for: a, b"),
    "empty": ("", "is empty"),
    "blank": (" \n ", "is empty"),
    "deep": ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "depth"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    shop = open_compiled(tmp_path_factory.mktemp("query") / "shop")
    shop.build()
    return shop


def query(built: Workshop, sql: str, *options: str, stdin: bytes | None = None) -> Ended:
    arguments = ["query", sql, "--project-dir", str(built.folder), *options]
    result = CliRunner(env={"COLUMNS": None}).invoke(app, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def test_rows_are_a_table_on_stdout(built: Workshop) -> None:
    ended = query(built, "SELECT region, n_orders FROM marts.fct_region ORDER BY region")
    assert (ended.exit_code, ended.stderr) == (0, "")
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert lines[0] == ["region", "n_orders"]
    assert lines[2:] == [["middle", "1"], ["north", "3"], ["south", "2"]]


def test_json_is_one_document_with_columns_and_rows(built: Workshop) -> None:
    ended = query(
        built, "SELECT id, day, amount, NULL AS n FROM marts.fct_monthly ORDER BY id", "--json", "--limit", "1"
    )
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.json == {
        "columns": [
            {"name": "id", "type": "BIGINT"},
            {"name": "day", "type": "DATE"},
            {"name": "amount", "type": "DECIMAL(18,6)"},
            {"name": "n", "type": '"NULL"'},
        ],
        "rows": [{"id": 1, "day": "2024-01-05", "amount": 10.0, "n": None}],
        "has_more": True,
    }


def test_columns_of_one_name_are_told_apart_in_json(built: Workshop) -> None:
    assert query(built, "SELECT 1 AS a, 2 AS a, 3 AS a_2", "--json").json["rows"] == [{"a": 1, "a_3": 2, "a_2": 3}]


def test_the_limit_cuts_and_says_so(built: Workshop) -> None:
    ended = query(built, "FROM range(1000000000000)")
    assert len(ended.stdout.splitlines()) == 102
    assert "the first 100 rows; more with --limit" in ended.stderr
    ended = query(built, "FROM range(5)", "--limit", "5")
    assert (len(ended.stdout.splitlines()), ended.stderr) == (7, "")
    assert query(built, "FROM range(5)", "--limit", "4", "--quiet").stderr == ""
    assert query(built, "SELECT 1", "--limit", "0").exit_code == 2


def test_order_is_kept(built: Workshop) -> None:
    rows = query(built, "SELECT range AS n FROM range(100000) ORDER BY hash(range)", "--json", "--limit", "3").json[
        "rows"
    ]
    assert [row["n"] for row in rows] == sorted(range(100_000), key=hash_order(built).__getitem__)[:3]


def hash_order(built: Workshop) -> dict[int, int]:
    return dict(built.query("SELECT range, hash(range) FROM range(100000)"))


def test_no_row_is_no_mistake(built: Workshop) -> None:
    ended = query(built, "SELECT region FROM marts.fct_region WHERE false")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["region", "──────"]
    assert query(built, "SELECT region FROM marts.fct_region WHERE false", "--json").json["rows"] == []


def test_unicode_and_quotes(built: Workshop) -> None:
    sql = """SELECT 'it''s "Größe" 🦆 [bold]' AS "Ü ""x"" y", $$a;b$$ AS 列"""
    assert query(built, sql, "--json").json["rows"] == [{'Ü "x" y': 'it\'s "Größe" 🦆 [bold]', "列": "a;b"}]
    ended = query(built, sql)
    assert 'it\'s "Größe" 🦆 [bold]' in ended.stdout
    assert 'Ü "x" y' in ended.stdout


def test_a_wide_result_is_whole_in_a_pipe(built: Workshop) -> None:
    names = [f"column_number_{number}" for number in range(60)]
    sql = "SELECT " + ", ".join(f"{number} AS {name}" for number, name in enumerate(names)) + " FROM range(9)"
    ended = query(built, sql)
    assert ended.stdout.splitlines()[0].split() == names
    assert len(ended.stdout.splitlines()) == 11


def test_rows_that_a_terminal_is_too_narrow_for_are_said_to_be_missing(built: Workshop) -> None:
    sql = "SELECT " + ", ".join(f"range AS column_number_{number}" for number in range(20)) + " FROM range(9)"
    ended = invoke("query", sql, "--project-dir", str(built.folder), env={"COLUMNS": "60"})
    assert "row 3" in ended.stdout
    assert "3 of 9 rows" in ended.stderr


@pytest.mark.parametrize(
    "sql",
    [
        "FROM marts.fct_region",
        "TABLE marts.fct_region",
        "VALUES (1), (2)",
        "(SELECT 1)",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a;",
        "DESCRIBE marts.fct_region",
        "SUMMARIZE marts.fct_region",
        "SHOW ALL TABLES",
        "PIVOT marts.fct_region ON region USING sum(gross)",
        "SELECT * FROM marts.fct_share",
        "SELECT * FROM intermediate.int_located",
        "SELECT command FROM measure_state.runs",
        "SELECT now(), INTERVAL 3 MONTH, uuid(), MAP {'a': 1}, TIMESTAMP '290000-01-01', '\\xAA'::BLOB",
    ],
)
def test_what_reads_may_run(built: Workshop, sql: str) -> None:
    for options in ((), ("--json",)):
        ended = query(built, sql, *options)
        assert ended.exit_code == 0, ended.stderr
        assert ended.stdout


@pytest.mark.parametrize("name", list(MALFORMED))
def test_a_mistake_is_one_message(built: Workshop, name: str) -> None:
    sql, told = MALFORMED[name]
    ended = query(built, sql)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_fails_while_it_runs_is_no_mistake_of_usage(built: Workshop) -> None:
    ended = query(built, "SELECT CAST(city AS INTEGER) FROM staging.stg_orders")
    assert ended.exit_code == 1
    assert "Could not convert" in ended.stderr


def test_sql_from_stdin(built: Workshop) -> None:
    ended = query(built, "-", "--json", stdin="\ufeffSELECT 'ü' AS u -- done\n".encode())
    assert ended.json["rows"] == [{"u": "ü"}]
    assert query(built, "-", stdin=b"").exit_code == 2
    ended = query(built, "-", stdin=b"SELECT '\xff'")
    assert ended.exit_code == 2
    assert "UTF-8" in ended.stderr


def test_an_argument_that_is_no_text(built: Workshop) -> None:
    ended = query(built, "SELECT '\udcff'")
    assert ended.exit_code == 2
    assert "UTF-8" in ended.stderr


def test_the_memory_limit_of_the_target_holds(built: Workshop) -> None:
    config = built.read("measure.toml")
    built.replace(
        "measure.toml", 'path = "warehouse/shop.duckdb"', 'path = "warehouse/shop.duckdb"\nmemory_limit = "20MB"'
    )
    try:
        ended = query(built, "SELECT count(*) FROM (SELECT DISTINCT hash(range) FROM range(20000000))")
    finally:
        built.write("measure.toml", config)
    assert ended.exit_code == 1
    assert "raise memory_limit" in ended.stderr
    assert query(built, "SELECT count(DISTINCT hash(range)) FROM range(100000)").exit_code == 0


def test_a_target_that_is_not_there(shop: Workshop) -> None:
    ended = shop.measure("query", "SELECT 1")
    assert ended.exit_code == 2
    assert "warehouse/shop.duckdb does not exist yet" in ended.stderr
    assert "measure build" in ended.stderr
    assert not shop.database.exists()


def test_other_engines_are_refused(shop: Workshop) -> None:
    shop.write(
        "measure.toml",
        CONFIG.replace(
            'type = "duckdb"\npath = "warehouse/shop.duckdb"', 'type = "snowflake"\naccount = "a"\ndatabase = "d"'
        ),
    )
    ended = shop.measure("query", "SELECT 1")
    assert ended.exit_code == 2
    assert "the target local is snowflake" in ended.stderr


def test_a_broken_template_is_no_reason_not_to_look(shop: Workshop) -> None:
    shop.build()
    shop.write("my_stack/marts/fct_region.sql", "SELECT {{ nothing }} FROM")
    assert shop.measure("query", "SELECT count(*) AS n FROM marts.fct_region", "--json").json["rows"] == [{"n": 3}]


def test_the_demo_of_an_empty_folder(starter: Starter) -> None:
    ended = starter.project.run("query", "SELECT sum(last_touch) AS n FROM marts.fct_attribution_60d", "--json")
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["rows"][0]["n"] > 0


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_statement(built: Workshop, number: signal.Signals, exit_code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "measure_cli", "query", "-"], cwd=built.folder, env=process_environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(ENDLESS + " " * 500_000)  # more than a pipe holds: once it is written, the program reads
    process.stdin.close()
    process.stdin = None
    time.sleep(1)  # the statement runs by then; if not, the signal stops what comes before it
    process.send_signal(number)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (exit_code, "")
    assert "interrupted" in stderr
    assert "Traceback" not in stderr


def test_data_tears_no_row_apart_and_moves_no_cursor(built: Workshop) -> None:
    ended = built.measure("query", "SELECT 'two' || chr(10) || 'lines' AS x, chr(9) AS y, chr(27) || '[31m' AS z")
    assert ended.stdout.splitlines()[2:] == ["two\\nlines  \\t  \\x1b[31m"]
