"""Numbers that looked right."""

from __future__ import annotations

import math

import pytest

from tests.incidents.shop import CLICKED, built, value


def test_half_life_wrong() -> None:
    """A touch a half-life earlier counts half. exp(-d/7) makes that 0.37."""
    shares = built().rows(
        "SELECT event_kind, time_decay FROM marts.fct_attribution_30d WHERE conversion_kind = 'order'"
    )
    decayed = {row["event_kind"]: row["time_decay"] for row in shares}
    assert decayed["Early"] / decayed["Late"] == pytest.approx(2 ** (-7 / 7), rel=1e-9)
    assert math.exp(-7 / 7) < 0.4


def test_funnel_cut_at_midnight() -> None:
    """Twenty minutes over midnight are twenty minutes."""
    naive = (
        "SELECT count(*) FROM staging.stg_touchpoints AS touch INNER JOIN staging.stg_conversions AS done "
        "ON touch.user_pseudonym = done.user_pseudonym "
        "AND CAST(touch.event_ts AS DATE) = CAST(done.conversion_ts AS DATE) WHERE touch.event_kind = 'Mail'"
    )
    assert value(naive) == 0
    level = (
        "SELECT level FROM marts.fct_funnel_daily "
        "WHERE funnel = 'touch_to_conversion' AND entry_date = DATE '2025-05-31'"
    )
    assert value(level) == 2


def test_undefined_is_false() -> None:
    """The correlation with a constant does not exist; NaN compared with a limit says that all is well."""
    assert (abs(math.nan) > 0.9) is False
    pairs = built().rows(
        "SELECT pearson_r, is_high_collinearity, status FROM marts.fct_mmm_collinearity_latest "
        "WHERE 'spend_flat' IN (media_a, media_b)"
    )
    assert pairs
    for pair in pairs:
        assert (pair["pearson_r"], pair["is_high_collinearity"]) == (None, None)
        assert pair["status"] != "ok"


def test_registered_not_wired() -> None:
    """A registered series without a row of data is there, says so, and has its column."""
    assert "ghost" not in {row["conversion_kind"] for row in built().rows("FROM intermediate.int_conversions")}
    rows = built().rows("SELECT status, value FROM intermediate.int_mmm_kpis_weekly WHERE name = 'ghosts'")
    weeks = value("SELECT count(*) FROM intermediate.int_mmm_weeks")
    assert len(rows) == weeks > 0
    assert {row["status"] for row in rows} <= {"true_zero", "not_live", "missing"}
    assert "kpi_ghosts" in built().columns("marts.fct_mmm_spine_weekly")


def test_weekly_average_of_ratios() -> None:
    """100 clicks for 10 and one for 90: a click of that week costs 0.99, not 45.05."""
    daily = built().rows("SELECT cpc FROM marts.mmm_daily_channel_summary WHERE channel = 'Clicks' AND clicks > 0")
    assert sum(row["cpc"] for row in daily) / len(daily) == pytest.approx(45.05)
    weekly = (
        f"SELECT cpc FROM marts.mmm_weekly_channel_summary WHERE channel = 'Clicks' AND week_start_date = '{CLICKED}'"
    )
    assert value(weekly) == pytest.approx(100 / 101)


def test_pivot_fanout() -> None:
    """Three long tables, each with several rows a week: joined on the week, every value counts many times."""
    longs = ("int_mmm_kpis_weekly", "int_mmm_media_weekly", "int_mmm_controls_weekly")
    wide = value("SELECT sum(media_spend_flat) FROM marts.fct_mmm_spine_weekly")
    flat = "sum(CASE WHEN media.name = 'spend_flat' THEN media.value END)"
    kpis, media, controls = (f"intermediate.{name}" for name in longs)
    naive = value(f"SELECT {flat} FROM {media} AS media JOIN {kpis} USING (week) JOIN {controls} USING (week)")
    assert value(f"SELECT {flat} FROM {media} AS media") == wide
    assert naive >= 4 * wide
