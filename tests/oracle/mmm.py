"""Reference for the marketing-mix numbers: adstock, quantiles, correlation, low-pressure baseline, collinearity.

Plain loops and numpy on one frame of consecutive weeks; None is a week whose value is not known. Limit: a medium may
be unknown only in a leading block, before it began; whether a missing week means zero is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

BASELINE_RETENTION = 0.5
BASELINE_PREVIOUS_WEEKS = 8
LOW_PRESSURE_QUANTILE = 0.1


@dataclass(frozen=True)
class Baseline:
    """Of the KPI in the low-pressure weeks in which it is known; n_weeks counts them."""

    median: float
    q05: float
    q95: float
    n_weeks: int


@dataclass(frozen=True)
class Correlation:
    r: float | None
    n_weeks: int


def adstock(
    series: Sequence[float], retention: float, previous_periods: int, *, normalize: bool = False
) -> list[float]:
    """x_t + a x_(t-1) + ... over the current and `previous_periods` earlier periods; nothing precedes the first."""
    weights = [retention**lag for lag in range(previous_periods + 1)]
    scale = sum(weights) if normalize else 1.0
    return [
        sum(weight * series[t - lag] for lag, weight in enumerate(weights) if lag <= t) / scale
        for t in range(len(series))
    ]


def hill(x: float, slope: float, half_saturation: float) -> float:
    return float(x**slope / (x**slope + half_saturation**slope))


def quantile(values: Sequence[float], q: float) -> float:
    """Linear interpolation between order statistics, as numpy's default."""
    return float(np.quantile(np.asarray(values, dtype=float), q, method="linear"))


def pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    """None where the coefficient does not exist: fewer than two points, or a constant series."""
    if len(x) < 2 or min(x) == max(x) or min(y) == max(y):
        return None
    return float(np.corrcoef(np.asarray(x, dtype=float), np.asarray(y, dtype=float))[0, 1])


def low_pressure_weeks(media: Sequence[float | None]) -> list[bool]:
    """Weeks whose adstock is at or below its 10th percentile over all weeks in which the medium is known."""
    known = [value for value in media if value is not None]
    unknown = len(media) - len(known)
    assert list(media[unknown:]) == known, "a medium is unknown after it began"
    pressure = adstock(known, BASELINE_RETENTION, BASELINE_PREVIOUS_WEEKS)
    threshold = quantile(pressure, LOW_PRESSURE_QUANTILE)
    return [False] * unknown + [value <= threshold for value in pressure]


def baseline(kpi: Sequence[float | None], media: Sequence[float | None]) -> Baseline | None:
    """Level of the KPI in the weeks with the least carried-over media; None where it is known in none of them."""
    low = low_pressure_weeks(media)
    quiet = [value for value, is_low in zip(kpi, low, strict=True) if is_low and value is not None]
    if not quiet:
        return None
    return Baseline(quantile(quiet, 0.5), quantile(quiet, 0.05), quantile(quiet, 0.95), len(quiet))


def collinearity(media: Mapping[str, Sequence[float | None]]) -> dict[tuple[str, str], Correlation]:
    """Pearson per unique pair over the weeks in which both are known, the names of a pair in alphabetical order."""
    found = {}
    for a, b in combinations(sorted(media), 2):
        both = [(x, y) for x, y in zip(media[a], media[b], strict=True) if x is not None and y is not None]
        found[a, b] = Correlation(pearson([x for x, _ in both], [y for _, y in both]), len(both))
    return found


def variance_inflation(media: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Diagonal of the inverse correlation matrix; the series must vary and not be combinations of each other."""
    names = sorted(media)
    matrix = np.corrcoef(np.asarray([media[name] for name in names], dtype=float))
    return dict(zip(names, np.linalg.inv(matrix).diagonal().tolist(), strict=True))
