"""Deterministic benchmark sources in the format of the starter stack, written to Parquet.

Every value is a function of the row number (``hash``), so one DuckDB version always writes the same rows.
The shapes differ in how touches and conversions spread over users, which is what the cost of a journey
depends on; they are synthetic and say nothing about any real channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

MONTHS = 24
FIRST_DAY = "2023-07-01"
AS_OF = "2025-07-01"
DAYS = 731
KINDS = (
    "Paid Search", "Paid Social", "Organic Search", "Direct", "Email", "Referral", "Affiliate", "Display",
    "Video", "Push", "SMS", "App Store", "Podcast", "Influencer", "Out of Home",
)  # fmt: skip
CONVERSION_KINDS = ("purchase", "subscription", "upgrade")


@dataclass(frozen=True)
class Shape:
    """How many rows, over how many users, how unevenly.

    ``flat_head`` is the rank below which activity stops growing (Zipf-Mandelbrot); 0 spreads users evenly.
    ``heavy_users`` hold ``heavy_share`` of both relations on top of that, halving from one to the next.
    """

    name: str
    touches: int
    conversions: int
    users: int
    flat_head: int
    heavy_users: int = 0
    heavy_share: float = 0.0


def _family(prefix: str, scale: int) -> tuple[Shape, ...]:
    touches, conversions = 1_200_000 * scale, 22_000 * scale
    return (
        Shape(prefix, touches, conversions, users=150_000 * scale, flat_head=50 * scale),
        Shape(f"{prefix}-heavy", touches, conversions, 150_000 * scale, 50 * scale, heavy_users=6, heavy_share=0.2),
        Shape(f"{prefix}-dense", touches, conversions, users=5_000 * scale, flat_head=0),
    )


SHAPES = {shape.name: shape for shape in (*_family("S", 1), *_family("M", 10), *_family("L", 80))}


@dataclass(frozen=True)
class Dataset:
    """Two Parquet files and what a formulation has to know about them.

    ``with_role``: both have the column identity_role. ``exclusions``: pairs of a conversion kind and an event kind that
    never credits it. ``is_staged``: a formulation finds tables, so reading the files is no part of it.
    """

    touchpoints: Path
    conversions: Path
    with_role: bool = False
    exclusions: tuple[tuple[str, str], ...] = ()
    is_staged: bool = False


def generate(shape: Shape, folder: Path) -> Dataset:
    """Write the sources of ``shape`` below ``folder`` unless an earlier run already did."""
    target = folder / shape.name
    target.mkdir(parents=True, exist_ok=True)
    dataset = Dataset(target / "touchpoints.parquet", target / "conversions.parquet")
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        write_parquet(connection, dataset.touchpoints, _touchpoints_sql(shape))
        write_parquet(connection, dataset.conversions, _conversions_sql(shape))
    return dataset


def write_parquet(connection: duckdb.DuckDBPyConnection, path: Path, query: str) -> None:
    """Write the rows of ``query`` unless the file is there; it is never there half-written."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    connection.execute(f"COPY ({query}) TO '{partial}' (FORMAT parquet)")
    partial.replace(path)


def uniform(purpose: str) -> str:
    """Return SQL for a number in [0, 1) that depends on the row number and ``purpose`` alone."""
    # Hashed twice: the first hash combines its arguments by xor, which would tie all purposes of a row together.
    return f"((hash(hash(i, '{purpose}')) >> 11) / 9007199254740992.0)"


def _user(shape: Shape, stream: str) -> str:
    u = uniform(f"{stream} user")
    if shape.flat_head:
        growth = (shape.users + shape.flat_head) / shape.flat_head
        rank = f"floor({shape.flat_head} * (pow({growth!r}, {u}) - 1))"
    else:
        rank = f"floor({shape.users} * {u})"
    if shape.heavy_users:
        share = uniform(f"{stream} heavy")
        halving = f"least(floor(-log2(1 - {share} / {shape.heavy_share})), {shape.heavy_users - 1})"
        rank = f"CASE WHEN {share} < {shape.heavy_share} THEN -1 - {halving} ELSE {rank} END"
    return f"printf('%016x', hash(CAST({rank} AS BIGINT), 'user'))"


def _time(rows: int, stream: str) -> str:
    """Rows arrive in the order of time, as a log does, at microseconds that do not repeat in a pattern."""
    step = DAYS * 86_400_000_000 / rows
    offset = f"CAST(floor((i + {uniform(f'{stream} time')}) * {step!r}) AS BIGINT)"
    return f"TIMESTAMP '{FIRST_DAY}' + to_microseconds({offset})"


def _choice(values: tuple[str, ...], stream: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    # The square favours the first values: channels are never equally busy.
    return f"[{listed}][1 + CAST(floor(pow({uniform(f'{stream} kind')}, 2) * {len(values)}) AS BIGINT)]"


def _touchpoints_sql(shape: Shape) -> str:
    return f"""
        SELECT
            {_user(shape, "touch")} AS user_id,
            {_time(shape.touches, "touch")} AS event_ts,
            {_choice(KINDS, "touch")} AS event_kind
        FROM range({shape.touches}) AS numbers(i)
    """


def _conversions_sql(shape: Shape) -> str:
    amount = f"CAST(1 + floor({uniform('amount')} * 50000) / 100 AS DECIMAL(18, 6))"
    return f"""
        SELECT
            {_user(shape, "conversion")} AS user_id,
            {_time(shape.conversions, "conversion")} AS conversion_ts,
            {_choice(CONVERSION_KINDS, "conversion")} AS conversion_kind,
            printf('%016x', hash(i, 'conversion id')) AS conversion_id,
            CASE WHEN {uniform("has amount")} < 0.9 THEN {amount} END AS amount
        FROM range({shape.conversions}) AS numbers(i)
    """
