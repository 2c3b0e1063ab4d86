"""Datasets into sources, relations back into plain rows, and a comparison that names what differs.

Keys, counts and timestamps are compared exactly; numbers to 1e-9 of their size, credits near zero to 1e-9; a decayed
sum may be tiny and is held to 1e-9 of its size all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.oracle.attribution import MODELS, CreditRow, Journeys, attribution, coverage, credit_ledger, journeys
from tests.starter.project import Cell, Database, Table, write_project
from tests.starter.strategies import Dataset

TOLERANCE = 1e-9
SHOWN = 10
Rows = Mapping[tuple[Any, ...], Mapping[str, Any]]


def sources_of(dataset: Dataset, *, with_ids: bool = True) -> dict[str, Table]:
    """The dataset as the two required sources; without ids only their content and number tell conversions apart."""
    touches: list[dict[str, Cell]] = [
        {"user_id": touch.user, "event_ts": touch.ts, "event_kind": touch.kind, "identity_role": touch.role}
        for touch in dataset.touches
    ]
    conversions: list[dict[str, Cell]] = [
        {
            "user_id": row.user,
            "conversion_ts": row.ts,
            "conversion_kind": row.kind,
            "amount": row.amount,
            "conversion_id": row.key,
            "identity_role": row.role,
        }
        for row in dataset.conversions
    ]
    absent = ([] if with_ids else ["conversion_id"]) + ([] if dataset.has_roles else ["identity_role"])
    return {
        "touchpoints": [{name: cell for name, cell in row.items() if name not in absent} for row in touches],
        "conversions": [{name: cell for name, cell in row.items() if name not in absent} for row in conversions],
    }


def attribution_project(folder: Path, dataset: Dataset, *, file_format: str = "csv", with_ids: bool = True) -> Path:
    rules = dataset.rules
    exclusions: Table = [{"conversion_kind": kind, "event_kind": event} for kind, event in sorted(rules.exclusions)]
    return write_project(
        folder,
        sources_of(dataset, with_ids=with_ids),
        as_of=dataset.as_of,
        variables={
            "lookbacks": dataset.lookbacks,
            "half_life_days": rules.half_life_days,
            "direct_kinds": sorted(rules.direct_kinds),
            "attribution_window_days": dataset.attribution_window_days,
            "include_touch_at_conversion": rules.include_touch_at_conversion,
            # The oldest events are from 1969; calendars need not reach back to them.
            "spine_start": "2024-01-01",
        },
        registries={"conversion_to_event_kind": exclusions} if exclusions else None,
        file_format=file_format,
    )


def as_measured(dataset: Dataset) -> Dataset:
    """What enters the journeys: names without the spaces around them; conversions of complete days, before as_of."""
    return replace(
        dataset,
        touches=tuple(replace(touch, user=touch.user.strip(), kind=touch.kind.strip()) for touch in dataset.touches),
        conversions=tuple(
            replace(row, user=row.user.strip(), kind=row.kind.strip())
            for row in dataset.conversions
            if row.ts.date() < dataset.as_of
        ),
    )


@cache
def expected_journeys(dataset: Dataset, lookback: int) -> Journeys:
    staged = as_measured(dataset)
    return journeys(staged.touches, staged.conversions, lookback, staged.rules)


@cache
def expected_ledger(dataset: Dataset, lookback: int) -> list[CreditRow]:
    return credit_ledger(as_measured(dataset).conversions, expected_journeys(dataset, lookback), dataset.rules)


def journey_rows(dataset: Dataset, lookback: int) -> Rows:
    conversions = {row.key: row for row in as_measured(dataset).conversions}
    return {
        (key, kind): {
            "user_pseudonym": conversions[key].user,
            "conversion_kind": conversions[key].kind,
            "conversion_ts": conversions[key].ts,
            "conversion_date": conversions[key].ts.date(),
            "conversion_amount": conversions[key].amount,
            "n_touches": entry.n_touches,
            "first_touch_ts": entry.first_ts,
            "last_touch_ts": entry.last_ts,
            "td_sum": entry.td_sum,
            **({"identity_role": conversions[key].role} if dataset.has_roles else {}),
        }
        for key, kinds in expected_journeys(dataset, lookback).items()
        for kind, entry in kinds.items()
    }


def credit_rows(dataset: Dataset, lookback: int) -> Rows:
    return {
        (row.conversion.key, row.event_kind): {
            "conversion_kind": row.conversion.kind,
            "conversion_ts": row.conversion.ts,
            "conversion_amount": row.conversion.amount,
            "n_touches": row.n_touches,
            "is_first_tied": row.is_first_tied,
            "is_last_tied": row.is_last_tied,
            **{model: float(row.credit[model]) for model in MODELS},
        }
        for row in expected_ledger(dataset, lookback)
    }


def attribution_rows(dataset: Dataset, lookback: int) -> Rows:
    marts = attribution(expected_ledger(dataset, lookback), dataset.as_of, dataset.attribution_window_days)
    return {
        key: {
            "conversions_with_touch": row.conversions_with_touch,
            "total_conversions": row.total_conversions,
            **row.credit,
            **{f"{model}_amount": row.amount[model] for model in MODELS},
        }
        for key, row in marts.items()
    }


def coverage_rows(dataset: Dataset) -> Rows:
    return {
        (*group, lookback): {
            "conversions": row.total_conversions,
            "conversions_with_touch": row.tracked_conversions,
            "users": row.total_users,
            "users_with_touch": row.tracked_users,
            "conversion_coverage": row.tracked_conversions / row.total_conversions,
            "user_coverage": row.tracked_users / row.total_users,
            "first_tied_conversions": row.first_tied,
            "last_tied_conversions": row.last_tied,
            "tie_rate": row.any_tied / row.tracked_conversions if row.tracked_conversions else None,
        }
        for lookback in dataset.lookbacks
        for group, row in coverage(expected_ledger(dataset, lookback)).items()
    }


def built_rows(database: Database, relation: str, key: tuple[str, ...]) -> Rows:
    """The relation by its key; a key that occurs twice is an error of its own."""
    rows = database.rows(f"SELECT * FROM {relation}")
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows), f"{relation}: {len(rows)} rows have only {len(found)} different keys {key}"
    return found


def same(name: str, built: object, expected: object) -> bool:
    if isinstance(expected, float):
        smallest = 0.0 if name == "td_sum" else TOLERANCE
        return isinstance(built, float) and math.isclose(built, expected, rel_tol=TOLERANCE, abs_tol=smallest)
    return (
        built == expected
        and (built is None) == (expected is None)
        and isinstance(built, bool) == isinstance(expected, bool)
    )


def text_of_row(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())


def assert_same_rows(built: Rows, expected: Rows, what: str) -> None:
    """Every row and every expected column; the message lists the first differences."""
    differences = [f"missing: {key} {text_of_row(expected[key])}" for key in expected.keys() - built.keys()]
    differences += [f"not expected: {key} {text_of_row(built[key])}" for key in built.keys() - expected.keys()]
    for key in expected.keys() & built.keys():
        differences += [
            f"{key} {name}: built {built[key].get(name, 'no such column')!r}, expected {value!r}"
            for name, value in expected[key].items()
            if not same(name, built[key].get(name, "no such column"), value)
        ]
    shown = "\n".join(sorted(differences)[:SHOWN])
    assert not differences, f"{what}: {len(differences)} differences in {len(expected)} rows, such as\n{shown}"
