"""What must hold for every build, whatever the data: nothing is lost, nothing counted twice, nothing leaks."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.oracle.attribution import MODELS, UNATTRIBUTED
from tests.starter.project import Database
from tests.starter.strategies import EXCLUSIONS, LOOKBACKS, NOW, Dataset

CENT = Decimal("0.01")
lookbacks = pytest.mark.parametrize("lookback", LOOKBACKS)


def ledger(database: Database, lookback: int) -> list[dict[str, Any]]:
    return database.rows(f"SELECT * FROM intermediate.int_credits_{lookback}d")


def marts(database: Database, lookback: int) -> list[dict[str, Any]]:
    return database.rows(f"SELECT * FROM marts.fct_attribution_{lookback}d")


def conversions_in_window(database: Database, dataset: Dataset) -> dict[str, list[Decimal | None]]:
    """Amounts of the conversions of the marts, by conversion kind."""
    start = NOW - timedelta(days=dataset.attribution_window_days)
    amounts: defaultdict[str, list[Decimal | None]] = defaultdict(list)
    for row in database.rows("SELECT conversion_kind, conversion_ts, conversion_amount FROM staging.stg_conversions"):
        if start <= row["conversion_ts"] < NOW:
            amounts[row["conversion_kind"]].append(row["conversion_amount"])
    return amounts


@lookbacks
@pytest.mark.parametrize("model", MODELS)
def test_credits_of_every_conversion_sum_to_one(database: Database, lookback: int, model: str) -> None:
    credits_of: defaultdict[str, list[float]] = defaultdict(list)
    for row in ledger(database, lookback):
        credits_of[row["conversion_key"]].append(row[model])
    assert {key: total for key, parts in credits_of.items() if abs((total := math.fsum(parts)) - 1) > 1e-9} == {}


@lookbacks
def test_every_conversion_is_in_the_ledger_with_its_own_amount(database: Database, lookback: int) -> None:
    staged = database.rows("SELECT * FROM staging.stg_conversions WHERE conversion_ts < ?", NOW)
    found = {(row["conversion_key"], row["conversion_amount"]) for row in ledger(database, lookback)}
    assert found == {(row["conversion_key"], row["conversion_amount"]) for row in staged}


@lookbacks
def test_credits_lie_between_nothing_and_everything(database: Database, lookback: int) -> None:
    assert [
        row for row in ledger(database, lookback) for model in MODELS if not -1e-12 <= row[model] <= 1 + 1e-12
    ] == []


@lookbacks
def test_unattributed_stands_alone(database: Database, lookback: int) -> None:
    kinds: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in ledger(database, lookback):
        kinds[row["conversion_key"]].append((row["event_kind"], row["n_touches"]))
    unattributed = {key: found for key, found in kinds.items() if any(kind == UNATTRIBUTED for kind, _ in found)}
    assert unattributed
    assert {tuple(found) for found in unattributed.values()} == {((UNATTRIBUTED, 0),)}
    assert min(n for key, found in kinds.items() if key not in unattributed for _, n in found) == 1


@lookbacks
@pytest.mark.parametrize("model", MODELS)
def test_marts_sum_to_the_conversions(database: Database, dataset: Dataset, lookback: int, model: str) -> None:
    expected = {kind: len(amounts) for kind, amounts in conversions_in_window(database, dataset).items()}
    credit: defaultdict[str, list[float]] = defaultdict(list)
    for row in marts(database, lookback):
        credit[row["conversion_kind"]].append(row[model])
        assert row["total_conversions"] == expected[row["conversion_kind"]]
    assert {kind: math.fsum(values) for kind, values in credit.items()} == pytest.approx(expected, abs=1e-9, rel=1e-9)


@lookbacks
@pytest.mark.parametrize("model", MODELS)
def test_marts_sum_to_the_money_to_the_cent(database: Database, dataset: Dataset, lookback: int, model: str) -> None:
    credited: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in marts(database, lookback):
        credited[row["conversion_kind"]] += Decimal(row[f"{model}_amount"])
    expected = {
        kind: sum((amount or Decimal(0) for amount in amounts), Decimal(0))
        for kind, amounts in conversions_in_window(database, dataset).items()
    }
    assert credited.keys() == expected.keys()
    assert max(abs(credited[kind] - expected[kind]) for kind in expected) < CENT / 2


@lookbacks
def test_no_touch_from_outside_its_window(database: Database, lookback: int) -> None:
    late = database.rows(
        f"""SELECT * FROM marts.fct_journeys_{lookback}d
            WHERE last_touch_ts >= conversion_ts OR first_touch_ts > last_touch_ts
               OR first_touch_ts < conversion_ts - to_days({lookback}) OR n_touches < 1"""
    )
    assert late == []


@lookbacks
def test_no_conversion_credits_its_own_event(database: Database, lookback: int) -> None:
    found = {(row["conversion_kind"], row["event_kind"]) for row in ledger(database, lookback)}
    assert not found & EXCLUSIONS
    kinds = {kind for kind, _ in EXCLUSIONS}
    assert {event for kind, event in found if kind not in kinds} & {event for _, event in EXCLUSIONS}


@lookbacks
def test_conversions_with_touch_leaves_out_the_unattributed(database: Database, lookback: int) -> None:
    rows = marts(database, lookback)
    assert {row["conversions_with_touch"] for row in rows if row["event_kind"] == UNATTRIBUTED} == {0}
    assert min(row["conversions_with_touch"] for row in rows if row["event_kind"] != UNATTRIBUTED) >= 1


def test_longer_windows_only_add_touches(database: Database) -> None:
    counts = {
        lookback: {
            (row["conversion_key"], row["event_kind"]): row["n_touches"]
            for row in database.rows(f"SELECT * FROM marts.fct_journeys_{lookback}d")
        }
        for lookback in LOOKBACKS
    }
    for shorter, longer in ((7, 30), (30, 60)):
        assert all(counts[longer].get(key, 0) >= n_touches for key, n_touches in counts[shorter].items())
        assert counts[longer] != counts[shorter]
