"""Marketing-mix numbers with a known answer."""

from __future__ import annotations

import statistics

import pytest

from tests.oracle.mmm import (
    Baseline,
    Correlation,
    adstock,
    baseline,
    collinearity,
    hill,
    low_pressure_weeks,
    pearson,
    quantile,
    variance_inflation,
)

PULSES = [100.0, 0, 0, 50, 0, 20, 0, 0, 0, 10, 0, 0]
CARRIED_OVER = [100, 50, 25, 62.5, 25, 32.5, 16.25, 5, 2.5, 10, 5, 2.5]


def test_adstock_of_the_worked_example() -> None:
    assert adstock(PULSES, 0.5, 3) == CARRIED_OVER
    assert adstock(PULSES, 0.5, 3, normalize=True) == pytest.approx(
        [value / 1.875 for value in CARRIED_OVER], rel=1e-15
    )


def test_eight_previous_weeks_are_nine_weights() -> None:
    carried = adstock([1.0] + [0.0] * 9, 0.5, 8)
    assert carried == [0.5**lag for lag in range(9)] + [0.0]


def test_hill_of_the_worked_example() -> None:
    values = [hill(x, 2, 0.5) for x in (0, 0.25, 0.5, 1, 2, 4)]
    assert values == pytest.approx([0, 0.2, 0.5, 0.8, 0.941176, 0.984615], abs=5e-7)


@pytest.mark.parametrize(("q", "expected"), [(0, 10), (0.1, 13), (0.5, 25), (0.95, 38.5), (1, 40)])
def test_quantile_interpolates(q: float, expected: float) -> None:
    assert quantile([40, 10, 30, 20], q) == pytest.approx(expected, abs=1e-12)


def test_pearson_agrees_with_the_standard_library_and_knows_when_it_does_not_exist() -> None:
    x, y = [1.0, 2, 4, 8, 9], [3.0, 1, 4, 1, 5]
    assert pearson(x, y) == pytest.approx(statistics.correlation(x, y), abs=1e-15)
    assert pearson(x, [2 * value + 1 for value in x]) == pytest.approx(1.0, abs=1e-15)
    assert pearson(x, [7.0] * 5) is None
    assert pearson([1.0], [2.0]) is None


def test_baseline_reads_the_weeks_after_the_media_has_faded() -> None:
    media = [0.0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    kpi = [5.0, 50, 40, 30, 20, 10, 9, 8, 7, 6, 100]
    # adstock: 0, 100, 50, ..., 100/256, then nothing; the 10th percentile of the 11 weeks is the second smallest, 0
    assert low_pressure_weeks(media) == [True] + [False] * 9 + [True]
    found = baseline(kpi, media)
    assert found is not None
    assert (found.median, found.q05, found.q95, found.n_weeks) == pytest.approx((52.5, 9.75, 95.25, 2))


def test_low_pressure_halves_what_is_carried_over_each_week() -> None:
    # adstock: 1000, 500, 250, 125, then 125 again from new media, 262.5, 231.25: 125 is the least, twice
    assert low_pressure_weeks([1000.0, 0, 0, 0, 62.5, 200, 100]) == [False, False, False, True, True, False, False]


def test_weeks_at_the_threshold_belong_to_the_baseline() -> None:
    assert low_pressure_weeks([0.0] * 12) == [True] * 12
    found = baseline([float(week) for week in range(12)], [0.0] * 12)
    assert found is not None
    assert (found.median, found.q05, found.q95, found.n_weeks) == pytest.approx((5.5, 0.55, 10.45, 12))


def test_baseline_needs_known_media_and_a_known_kpi() -> None:
    assert low_pressure_weeks([None, None, 4.0, 0.0]) == [False, False, False, True]
    assert baseline([1.0, 2.0, 3.0, None], [None, None, 4.0, 0.0]) is None
    assert baseline([1.0, 2.0, None, 7.0], [None, None, 4.0, 0.0]) == Baseline(7.0, 7.0, 7.0, 1)
    # The threshold is that of the medium: a KPI that is unknown in the quietest week does not lower the bar.
    assert baseline([None, 5.0, 6.0, 7.0, 8.0], [0.0, 90.0, 90.0, 90.0, 90.0]) is None


def test_collinearity_names_each_pair_once_and_counts_common_weeks() -> None:
    found = collinearity({"b": [1.0, 2, 3, None], "a": [3.0, 2, 1, 9], "flat": [None, 1.0, 1, 1]})
    assert found.keys() == {("a", "b"), ("a", "flat"), ("b", "flat")}
    assert found["a", "b"].r == pytest.approx(-1.0, abs=1e-15)
    assert found["a", "b"].n_weeks == 3
    assert (found["a", "flat"], found["b", "flat"]) == (Correlation(None, 3), Correlation(None, 2))


def test_variance_inflation_of_two_series_follows_their_correlation() -> None:
    x, y = [1.0, 2, 3, 4, 5], [2.0, 1, 4, 3, 5]
    expected = 1 / (1 - statistics.correlation(x, y) ** 2)
    assert variance_inflation({"x": x, "y": y}) == pytest.approx({"x": expected, "y": expected}, rel=1e-12)
