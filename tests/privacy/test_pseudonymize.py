"""pseudonymize(text): what it means, how it may be written, and that its key never stands in SQL."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import duckdb
import pytest

from measure_cli.dialects.compile import compile_select
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.errors import PlanError

SALT = bytes(range(16, 48))
BLOCK = SALT.ljust(64, b"\0")
PADS = {"pii_ipad": bytes(byte ^ 0x36 for byte in BLOCK).hex(), "pii_opad": bytes(byte ^ 0x5C for byte in BLOCK).hex()}
SCHEMA: Mapping[str, Mapping[str, str]] = {
    "measure_source.people": {"address": "VARCHAR", "n": "BIGINT", "day": "DATE", "kind": "VARCHAR"}
}
TEXTS = [
    "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe",
    "",
    " ",
    "  0xABC  ",
    'it\'s "quoted" -- $pii_ipad; /* */ \\',
    "😀 Größe ÇAĞ 東京",
    "x" * 200,
    "😀" * 200,
    "tab\tinside",
]


def compiled(sql: str) -> CompiledSelect:
    return compile_select(sql, SCHEMA, locate=lambda line: f"model.sql:{line}")


def run(expression: str, texts: list[str | None]) -> list[object]:
    """The expression over one row for each text, in the order of the texts."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE people (n BIGINT, address VARCHAR, day DATE, kind VARCHAR)")
    connection.executemany("INSERT INTO people (n, address) VALUES (?, ?)", list(enumerate(texts)))
    found = compiled(f"SELECT n, {expression} AS p FROM measure_source.people")
    sql = found.sql(lambda key: "people")
    rows = connection.execute(f"SELECT p FROM ({sql}) ORDER BY n", PADS if found.secrets else None).fetchall()
    return [row[0] for row in rows]


def expected(text: str) -> str:
    return hmac.digest(SALT, text.strip(" ").lower().encode(), "sha256").hex()[:16]


def test_it_is_hmac_cut_to_16_digits() -> None:
    assert run("pseudonymize(address)", [*TEXTS]) == [expected(text) for text in TEXTS]


def test_null_stays_null() -> None:
    assert run("pseudonymize(address)", [None]) == [None]
    assert run("pseudonymize(NULL)", ["a"]) == [None]


def test_spelling_does_not_matter() -> None:
    assert len(set(run("pseudonymize(address)", ["0xAb", " 0xab ", "0XAB"]))) == 1
    assert run("pseudonymize(lower(trim(address)))", [*TEXTS]) == run("pseudonymize(address)", [*TEXTS])


def test_it_stands_wherever_an_expression_stands() -> None:
    sql = """
        WITH keyed AS (SELECT pseudonymize(address) AS p, n FROM measure_source.people)
        SELECT pseudonymize(people.address) AS p, count(*) AS rows_of, max(pseudonymize(kind)) AS kinds
        FROM measure_source.people INNER JOIN keyed ON keyed.p = pseudonymize(people.address)
        WHERE pseudonymize(people.address) <> 'x'
        GROUP BY pseudonymize(people.address)
    """
    connection = duckdb.connect()
    connection.execute("CREATE TABLE people AS SELECT 'a' AS address, 1::BIGINT AS n, NULL::DATE AS day, 'k' AS kind")
    rows = connection.execute(compiled(sql).sql(lambda key: "people"), PADS).fetchall()
    assert rows == [(expected("a"), 1, expected("k"))]


def test_pseudonyms_of_pseudonyms() -> None:
    assert run("pseudonymize(pseudonymize(address))", ["a"]) == [expected(expected("a"))]


@pytest.mark.parametrize("call", ["pseudonymize(address)", "PSEUDONYMIZE(address)", '"pseudonymize"(address)'])
def test_it_is_known_portable_text(call: str) -> None:
    found = compiled(f"SELECT {call} AS p FROM measure_source.people")
    assert found.columns == (("p", "VARCHAR"),)
    assert found.findings == ()
    assert found.secrets == ("pii_ipad", "pii_opad")
    assert "pseudonymize" not in found.sql(str).lower()


def test_the_key_is_bound() -> None:
    text = compiled("SELECT pseudonymize(address) AS p FROM measure_source.people").sql(str)
    assert text.count("$pii_ipad") == text.count("$pii_opad") == 1


def test_what_needs_no_key_binds_none() -> None:
    assert compiled("SELECT 'pseudonymize(x)' AS p FROM measure_source.people").secrets == ()


def test_it_survives_the_cache() -> None:
    found = compiled("SELECT pseudonymize(address) AS p FROM measure_source.people WHERE n > 1")
    assert CompiledSelect.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("pseudonymize()", "takes one text, found 0 arguments"),
        ("pseudonymize(address, kind)", "takes one text, found 2 arguments"),
        ("pseudonymize(*)", "takes one text"),
        ("pseudonymize(DISTINCT address)", "takes one text"),
        ("pseudonymize(address ORDER BY n)", "takes one text"),
        ("pseudonymize(x := address)", "takes one text"),
        ("pseudonymize(n)", "takes text, found BIGINT"),
        ("pseudonymize(day)", "takes text, found DATE"),
        ("pseudonymize([address])", "takes text"),
        ("main.pseudonymize(address)", "no schema"),
        ("address.pseudonymize()", "no schema"),
        ("pseudonymize(address) OVER ()", "no schema, OVER"),
        ("pseudonymise(address)", 'Did you mean "pseudonymize"?'),
    ],
)
def test_one_text_and_nothing_else(expression: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        compiled(f"SELECT\n  {expression} AS p\nFROM measure_source.people")
    assert words in str(caught.value)
    assert caught.value.message.startswith("model.sql:2: ")
