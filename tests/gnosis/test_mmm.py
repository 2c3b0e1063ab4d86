"""The marketing-mix frame against the generated files, its long tables, its registries and `tests.oracle.mmm`."""

from __future__ import annotations

from datetime import date

import pytest

from tests.gnosis.market import N_WEEKS, Series, frame, weeks
from tests.gnosis.project import AS_OF, REGISTRIES, Built, read_csv
from tests.oracle import mmm as oracle

SPINE = "marts.fct_execution_mmm_spine_weekly"
LONG = {  # prefix of the columns of the spine: registry, table
    "kpi": ("mmm_kpi_registry", "intermediate.int_execution_mmm_kpis_weekly"),
    "media": ("mmm_media_registry", "intermediate.int_execution_mmm_media_weekly"),
    "ctrl": ("mmm_control_registry", "intermediate.int_execution_mmm_controls_weekly"),
}


def spine(built: Built) -> dict[str, Series]:
    rows = built.table(f"(FROM {SPINE} ORDER BY week)")
    assert [row["week"] for row in rows] == weeks()
    return {name: [row[name] for row in rows] for name in rows[0] if name != "week"}


def test_series_from_the_files(built: Built) -> None:
    found, expected = spine(built), frame(built)
    assert found.keys() == expected.keys()
    for name, series in expected.items():
        assert any(value is not None for value in series), name
        for week, value, cell in zip(weeks(), series, found[name], strict=True):
            assert (cell is None) == (value is None), (name, week, value, cell)
            if cell is not None and value is not None:
                assert abs(cell - value) <= 1e-9 * max(1, abs(value)), (name, week, value, cell)


def test_spine_is_the_pivot_of_the_long_tables(built: Built) -> None:
    cells: dict[tuple[date, str], float | None] = {}
    for prefix, (_, table) in LONG.items():
        for week, name, value in built.rows(f"SELECT week, name, value FROM {table}"):
            assert (week, f"{prefix}_{name}") not in cells
            cells[week, f"{prefix}_{name}"] = value
    rows = built.table(SPINE)
    pivoted = {(row["week"], name): value for row in rows for name, value in row.items() if name != "week"}
    assert len(rows) == N_WEEKS
    assert pivoted == cells


def test_api_is_the_spine_of_a_day(built: Built) -> None:
    api = built.table("api.api_execution_mmm_spine_weekly")
    assert {row.pop("as_of_date") for row in api} == {AS_OF}
    assert sorted(api, key=lambda row: row["week"]) == built.table(f"(FROM {SPINE} ORDER BY week)")


@pytest.mark.parametrize("prefix", LONG)
def test_every_registry_row_has_a_series(built: Built, prefix: str) -> None:
    registry, table = LONG[prefix]
    rows = read_csv(REGISTRIES / f"{registry}.csv")
    expected = {(row["name"], row["unit"], row["is_dedup_safe"] == "true", N_WEEKS) for row in rows}
    assert len(expected) == len(rows) > 0
    sql = f"SELECT name, unit, is_dedup_safe, count(DISTINCT week) FROM {table} GROUP BY ALL"
    assert set(built.rows(sql)) == expected
    known = built.rows(f"SELECT name FROM {table} WHERE value IS NOT NULL GROUP BY name")
    assert {name for (name,) in known} == {row["name"] for row in rows}


def media_of(found: dict[str, Series]) -> dict[str, Series]:
    return {name.removeprefix("media_"): series for name, series in found.items() if name.startswith("media_")}


def test_collinearity(built: Built) -> None:
    rows = built.table("marts.fct_execution_mmm_collinearity_latest")
    expected = oracle.collinearity(media_of(spine(built)))
    found = {(row["media_a"], row["media_b"]): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == expected.keys()
    for pair, reference in expected.items():
        row = found[pair]
        assert row["n_weeks"] == reference.n_weeks, pair
        if reference.r is None:
            assert (row["pearson_r"], row["is_high_collinearity"], row["status"]) == (None, None, "no_variance"), pair
        else:
            assert abs(row["pearson_r"] - reference.r) < 1e-9, pair
            assert row["is_high_collinearity"] == (abs(reference.r) > 0.9), pair
    high = {pair for pair, row in found.items() if row["is_high_collinearity"]}
    assert high == {("validator_income_gno", "validator_proposer_rewards_gno")}


def test_baseline(built: Built) -> None:
    columns = spine(built)
    media = media_of(columns)
    kpis = {name.removeprefix("kpi_"): series for name, series in columns.items() if name.startswith("kpi_")}
    rows = built.table("marts.fct_execution_mmm_baseline_latest")
    found = {(row["kpi_name"], row["media_name"]): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == {(kpi, medium) for kpi in kpis for medium in media}
    for (kpi, medium), row in found.items():
        varies = len({value for value in media[medium] if value is not None}) > 1
        assert (row["status"] == "ok") == varies, (kpi, medium)
        if varies:
            reference = oracle.baseline(kpis[kpi], media[medium])
            assert reference is not None
            assert row["n_weeks"] == reference.n_weeks
            expected = [reference.median, reference.q05, reference.q95]
            cells = [row["median_value"], row["q05"], row["q95"]]
            assert cells == [pytest.approx(value, rel=1e-9, abs=1e-6) for value in expected], (kpi, medium)
