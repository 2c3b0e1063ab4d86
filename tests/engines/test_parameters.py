"""Values are bound, never written into the text; what looks like a placeholder in a text is text."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from measure_cli.errors import EngineError
from measure_cli.sqltext import split_placeholders
from tests.engines.bench import Workplace

TEXTS = (
    "",
    "plain",
    "it's",
    '"word"',
    "back\\slash",
    "\\'",
    "\\N",
    "two\nlines\ttab",
    "ünï🙂",
    "$a {a:String} ? %s",
    "NULL",
)
VALUES: tuple[Any, ...] = (
    *TEXTS, 0, -7, 2**62, 0.1, -1.5e300, 1e-300, True, False, None,
    date(2024, 2, 29), date(1950, 1, 1), datetime(2024, 2, 29, 1, 2, 3, 456789), datetime(1950, 1, 1),
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back(place: Workplace, value: Any) -> None:
    ((found, again),) = place.query("SELECT $value AS found, $value AS again", {"value": value}).rows
    assert (found, again) == (value, value)
    assert type(found) is type(value) or isinstance(value, bool)


@pytest.mark.parametrize("value", [value for value in VALUES if value is not None], ids=repr)
def test_a_value_equals_itself(place: Workplace, value: Any) -> None:
    sql = "SELECT count(*) AS n FROM (SELECT $value AS v) AS one WHERE v = $same AND v IN ($other, $same)"
    assert place.query(sql, {"value": value, "same": value, "other": None}).rows == ((1,),)


def test_texts_hold_no_placeholders(place: Workplace) -> None:
    sql = """SELECT '$a' AS "$a", 'it''s $a' AS b, -- $a ' is not
             $a AS c /* $a '{a:String}' */"""
    found = place.query(sql, {"a": "bound"})
    assert [column.lower() for column in found.columns] == ["$a", "b", "c"]
    assert found.rows == (("$a", "it's $a", "bound"),)


def test_a_statement_without_parameters_is_left_alone(place: Workplace) -> None:
    assert place.query("SELECT '{a:String}' AS a, '$b' AS b, '%(c)s' AS c").rows == (("{a:String}", "$b", "%(c)s"),)


def test_a_long_statement(place: Workplace) -> None:
    """A model with many columns may be written in half a megabyte."""
    sums = ", ".join(f"{number} + {number} AS column_with_a_rather_long_name_{number}" for number in range(10000))
    found = place.query(f"SELECT {sums}, $last AS last", {"last": "x"})
    assert (len(found.columns), found.rows[0][-2:]) == (10001, (19998, "x"))


def test_a_placeholder_without_a_value(place: Workplace) -> None:
    with pytest.raises(EngineError, match="missing"):
        place.query("SELECT $given AS a, $missing AS b", {"given": 1})


@pytest.mark.parametrize(
    ("sql", "pieces"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("$a", ["", "a", ""]),
        ("$a,$b", ["", "a", ",", "b", ""]),
        ("a = $a_1)", ["a = ", "a_1", ")"]),
        ("'$a' || $b", ["'$a' || ", "b", ""]),
        ("'it''s $a' || $b", ["'it''s $a' || ", "b", ""]),
        ('"$a" `$b` $c', ['"$a" `$b` ', "c", ""]),
        ("-- $a\n$b", ["-- $a\n", "b", ""]),
        ("/* $a */ $b -- $c", ["/* $a */ ", "b", " -- $c"]),
        ("x$a $1 $", ["x$a $1 $"]),
        ("'open $a", ["'open $a"]),
        (r"'\' $a '", [r"'\' ", "a", " '"]),
    ],
)
def test_where_placeholders_stand(sql: str, pieces: list[str]) -> None:
    assert split_placeholders(sql) == pieces


def test_a_backslash_may_keep_a_literal_open() -> None:
    assert split_placeholders(r"'\' $a' || $b", backslash_escapes=True) == [r"'\' $a' || ", "b", ""]
