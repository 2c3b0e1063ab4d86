"""Names of the relations, and that no address leaves the internal ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tests.gnosis.project import LOOKBACKS, SECTORS, Built

APP, PAY, MMM = "execution_gnosis_app", "execution_gpay", "execution_mmm"
RELATIONS = {
    f"int_{APP}_user_identity_bridge": "internal",
    f"int_{PAY}_user_identity_bridge": "internal",
    f"int_{APP}_events_chain_unified": "intermediate",
    f"int_{APP}_events_mixpanel_unified": "intermediate",
    **{f"int_execution_{sector}_user_events_unified": "intermediate" for sector in SECTORS},
    **{f"int_execution_{sector}_conversions": "intermediate" for sector in SECTORS},
    **{f"int_execution_{sector}_coverage_daily": "intermediate" for sector in SECTORS},
    **{f"int_{MMM}_{series}_weekly": "intermediate" for series in ("kpis", "media", "controls")},
    **{f"fct_execution_{sector}_journeys_{days}d": "marts" for sector in SECTORS for days in LOOKBACKS},
    **{f"fct_execution_{sector}_attribution_{days}d": "marts" for sector in SECTORS for days in LOOKBACKS},
    f"fct_{APP}_funnel_daily": "marts",
    f"fct_{MMM}_spine_weekly": "marts",
    f"fct_{MMM}_baseline_latest": "marts",
    f"fct_{MMM}_collinearity_latest": "marts",
    **{f"api_execution_{sector}_attribution_{days}d": "api" for sector in SECTORS for days in LOOKBACKS},
    f"api_{MMM}_spine_weekly": "api",
}
NOT_PUBLIC = ("internal", "sources")
ADDRESS = re.compile(r"0x([0-9a-f]{40})(?![0-9a-f])")
DIGITS = 40
HEX_RUN = re.compile(r"[0-9a-f]{40,}")


class Column(NamedTuple):
    file: str
    schema: str
    table: str
    name: str


def test_relations(built: Built) -> None:
    assert len(RELATIONS) == 36
    found = {
        name: schema for schema, name in built.rows("SELECT table_schema, table_name FROM information_schema.tables")
    }
    assert {name: found.get(name) for name in RELATIONS} == RELATIONS


def test_relations_are_not_empty(built: Built) -> None:
    counts = {name: built.rows(f"SELECT count(*) FROM {built.place(name)}")[0][0] for name in RELATIONS}
    assert not [name for name, count in counts.items() if count == 0]


def input_addresses(built: Built) -> set[str]:
    """Hex digits of every address in the generated files, in lower case."""
    return {
        digits
        for file in sorted(built.data.glob("*.csv"))
        for digits in ADDRESS.findall(file.read_text(encoding="utf-8").lower())
    }


def holds_address(text: str, addresses: set[str]) -> bool:
    """With or without 0x, padded or not; the text is in lower case."""
    return any(
        run[start : start + DIGITS] in addresses
        for run in HEX_RUN.findall(text)
        for start in range(len(run) - DIGITS + 1)
    )


def text_columns(built: Built) -> list[Column]:
    sql = "SELECT table_schema, table_name, column_name, data_type, table_catalog FROM information_schema.columns"
    return [
        Column(file, schema, table, name)
        for schema, table, name, kind, file in built.rows(sql)
        if any(text in kind for text in ("VARCHAR", "JSON", "BLOB"))
    ]


def leaks(built: Built, columns: Iterable[Column]) -> list[str]:
    """Columns that hold an address of the files; texts with fewer hex digits in a row are left out by the query."""
    addresses = input_addresses(built)
    assert addresses
    found = []
    for column in columns:
        text = f'lower(CAST("{column.name}" AS VARCHAR))'
        relation = f'"{column.file}"."{column.schema}"."{column.table}"'
        values = built.rows(f"SELECT {text} FROM {relation} WHERE regexp_matches({text}, '[0-9a-f]{{{DIGITS}}}')")
        if any(holds_address(value, addresses) for (value,) in values):
            found.append(f"{column.table}.{column.name}")
    return sorted(found)


def test_no_address_is_public(built: Built) -> None:
    columns = [column for column in text_columns(built) if column.schema not in NOT_PUBLIC]
    assert {column.schema for column in columns} >= {"api", "intermediate", "marts", "registries", "staging"}
    assert leaks(built, columns) == []


def test_the_search_finds_addresses_where_they_are(built: Built) -> None:
    assert leaks(built, [column for column in text_columns(built) if column.schema == "internal"]) == [
        "int_execution_gnosis_app_user_identity_bridge.address",
        "int_execution_gpay_user_identity_bridge.address",
        "int_execution_gpay_user_identity_bridge.gp_safe",
    ]
