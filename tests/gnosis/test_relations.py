"""Names and columns of the relations, and that no address leaves the internal ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from measure_cli.cli import app
from measure_cli.loading import load
from measure_cli.project import Overrides
from tests.gnosis.project import AS_OF, LOOKBACKS, REGISTRIES, SECTORS, Built, read_csv

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
CONVERSION = "conversion_ts conversion_date user_pseudonym"
AMOUNT = "conversion_amount_usd conversion_token conversion_dedup_key provenance_model"
COVERAGE = "total_conversions tracked_conversions total_users tracked_users"
RATIOS = "tracked_conversion_coverage tracked_user_coverage"
REMOVED = "touches_removed_own_event touches_removed_mechanical_precursor"
JOURNEY = "conversion_ts conversion_date conversion_amount event_kind n_touches first_touch_ts last_touch_ts td_sum"
CREDIT = (
    "event_kind conversions_with_touch first_touch last_touch linear time_decay_hl_7d total_conversions computed_at"
)
SERIES = "week name value unit status n_rows is_dedup_safe"
SPINE_PREFIXES = {"kpi": "kpi", "media": "media", "ctrl": "control"}
COLUMNS = {
    f"int_{APP}_user_identity_bridge": "address user_pseudonym first_seen_at last_seen_at heuristic_kinds "
    "heuristic_hits n_distinct_heuristics",
    f"int_{PAY}_user_identity_bridge": "address user_pseudonym identity_role gp_safe gp_safe_pseudonym",
    f"int_{APP}_events_chain_unified": "event_ts event_date user_pseudonym event_source event_kind event_subkind "
    "amount_usd token_symbol event_dedup_key provenance_model",
    f"int_{APP}_events_mixpanel_unified": "event_ts event_date user_pseudonym event_source event_kind event_subkind "
    "event_dedup_key provenance_model device_type country_code page_path bottom_sheet",
    f"int_{APP}_user_events_unified": "event_ts event_date user_pseudonym event_source event_kind event_subkind "
    "amount_usd event_dedup_key provenance_model device_type country_code page_path bottom_sheet",
    f"int_{PAY}_user_events_unified": "event_ts event_date user_pseudonym identity_role event_source event_kind "
    "event_subkind amount_usd token_symbol event_dedup_key provenance_model",
    f"int_{APP}_conversions": f"{CONVERSION} conversion_kind {AMOUNT}",
    f"int_{PAY}_conversions": f"{CONVERSION} identity_role conversion_kind {AMOUNT}",
    f"int_{APP}_coverage_daily": f"conversion_date conversion_kind {COVERAGE} {RATIOS} {REMOVED}",
    f"int_{PAY}_coverage_daily": f"conversion_date conversion_kind identity_role {COVERAGE} {RATIOS} {REMOVED}",
    **{f"fct_{APP}_journeys_{days}d": f"conversion_key user_pseudonym conversion_kind {JOURNEY}" for days in LOOKBACKS},
    **{
        f"fct_{PAY}_journeys_{days}d": f"conversion_key user_pseudonym identity_role conversion_kind {JOURNEY}"
        for days in LOOKBACKS
    },
    **{f"fct_{APP}_attribution_{days}d": f"conversion_kind {CREDIT}" for days in LOOKBACKS},
    **{f"fct_{PAY}_attribution_{days}d": f"conversion_kind identity_role {CREDIT}" for days in LOOKBACKS},
    **{f"api_{APP}_attribution_{days}d": f"conversion_kind {CREDIT} as_of_date" for days in LOOKBACKS},
    **{f"api_{PAY}_attribution_{days}d": f"conversion_kind identity_role {CREDIT} as_of_date" for days in LOOKBACKS},
    f"fct_{APP}_funnel_daily": "entry_date funnel user_pseudonym level first_step_ts last_step_ts n_steps "
    "window_seconds",
    **{f"int_{MMM}_{series}_weekly": SERIES for series in ("kpis", "media", "controls")},
    f"fct_{MMM}_baseline_latest": "kpi_name media_name median_value q05 q95 n_weeks n_weeks_total threshold status",
    f"fct_{MMM}_collinearity_latest": "media_a media_b pearson_r n_weeks is_high_collinearity status",
}
REGISTRY_ROWS = {
    "mta_event_kinds": 20,
    "mta_conversion_kinds": 4,
    "mta_conversion_to_event_kind": 4,
    "mta_gp_event_kinds": 5,
    "mta_gp_conversion_kinds": 3,
    "mta_gp_identity_roles": 3,
    "mta_gp_conversion_to_event_kind": 3,
    "mta_funnels": 4 * 3,
    "mmm_kpi_registry": 13,
    "mmm_media_registry": 8,
    "mmm_control_registry": 9,
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


def columns_of(built: Built, name: str) -> list[str]:
    return [column for column, *_ in built.rows(f"DESCRIBE {built.place(name)}")]


@pytest.mark.parametrize("name", RELATIONS)
def test_columns(built: Built, name: str) -> None:
    expected = COLUMNS[name].split() if name in COLUMNS else spine_columns(name)
    assert columns_of(built, name) == expected


def spine_columns(name: str) -> list[str]:
    """The week and a column a registry row, in the order of the registries."""
    series = [
        f"{prefix}_{row['name']}"
        for prefix, family in SPINE_PREFIXES.items()
        for row in read_csv(REGISTRIES / f"mmm_{family}_registry.csv")
    ]
    return ["week", *series, *(["as_of_date"] if name.startswith("api_") else [])]


@pytest.mark.parametrize("name", REGISTRY_ROWS)
def test_registries_are_complete(built: Built, name: str) -> None:
    assert built.rows(f"SELECT count(*) FROM registries.{name}") == [(REGISTRY_ROWS[name],)]


def facts(built: Built) -> dict[str, dict[str, Any]]:
    """What `measure list` says of the public relations."""
    arguments = ["list", "--json", "--project-dir", str(built.data.parent)]
    return {relation["name"]: relation for relation in json.loads(CliRunner().invoke(app, arguments).stdout)}


def test_the_api_is_views_with_tags(built: Built) -> None:
    listed = facts(built)
    for sector in SECTORS:
        for days in LOOKBACKS:
            relation = listed[f"api_execution_{sector}_attribution_{days}d"]
            assert relation["materialized"] == "view"
            assert {"tier1", "granularity:rolling_180d", f"window:{days}d"} <= set(relation["tags"])
    assert listed[f"api_{MMM}_spine_weekly"]["materialized"] == "view"


def test_the_bridges_are_internal(built: Built) -> None:
    catalog = load(Overrides(AS_OF, built.data.parent)).catalog
    marked = {key: model.config for key, model in catalog.relations.items() if model.config.internal_only}
    assert set(marked) == {name for name, schema in RELATIONS.items() if schema == "internal"}
    for config in marked.values():
        assert "privacy:tier_internal" in config.tags
        assert config.meta == {"expose_to_mcp": False}


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
