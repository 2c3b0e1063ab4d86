"""What a user would write with a dataframe library instead: a join per user, filtered by time, in polars."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.data import Dataset

HALF_LIFE_MICROSECONDS = 7 * 86_400e6


def has_polars() -> bool:
    """Whether the library is installed; it is an optional part of the benchmark."""
    return find_spec("polars") is not None


def polars_journeys_and_attribution(dataset: Dataset, folder: Path, lookbacks: tuple[int, ...]) -> None:
    """Journeys for every lookback from one join, and credits by four models, written to Parquet."""
    import polars as pl

    touches = pl.scan_parquet(dataset.touchpoints).select("user_id", "event_ts", "event_kind")
    conversions = pl.scan_parquet(dataset.conversions).select("conversion_id", "user_id", "conversion_ts", "amount")
    lag = (pl.col("conversion_ts") - pl.col("event_ts")).dt.total_microseconds()
    pairs = (
        conversions.join(touches, on="user_id")
        .with_columns(lag.alias("lag"))
        .filter(pl.col("lag") > 0, pl.col("lag") <= max(lookbacks) * 86_400_000_000)
        .with_columns((2.0 ** (-pl.col("lag") / HALF_LIFE_MICROSECONDS)).alias("weight"))
    )
    frame = pairs.group_by("conversion_id", "event_kind").agg(
        *(measure for days in lookbacks for measure in _measures(pl, days))
    )
    journeys = frame.collect(engine="streaming")
    journeys.write_parquet(folder / "journeys.parquet")
    for days in lookbacks:
        _credits(pl, journeys, days).write_parquet(folder / f"attribution_{days}d.parquet")


def _measures(pl: Any, days: int) -> list[Any]:
    inside = pl.col("lag") <= days * 86_400_000_000
    return [
        inside.sum().alias(f"n_{days}"),
        pl.col("event_ts").filter(inside).min().alias(f"first_{days}"),
        pl.col("event_ts").filter(inside).max().alias(f"last_{days}"),
        pl.col("weight").filter(inside).sum().alias(f"decay_{days}"),
    ]


def _credits(pl: Any, journeys: Any, days: int) -> Any:
    count, first, last, decay = (f"{name}_{days}" for name in ("n", "first", "last", "decay"))
    one = pl.col("conversion_id")
    shares = journeys.filter(pl.col(count) > 0).with_columns(
        (pl.col(count) / pl.col(count).sum().over(one)).alias("linear"),
        (pl.col(decay) / pl.col(decay).sum().over(one)).alias("time_decay"),
        (pl.col(first) == pl.col(first).min().over(one)).cast(pl.Float64).alias("first_touch"),
        (pl.col(last) == pl.col(last).max().over(one)).cast(pl.Float64).alias("last_touch"),
    )
    return shares.group_by("event_kind").agg(pl.col("linear", "time_decay", "first_touch", "last_touch").sum())
